import { describe, expect, test } from 'vitest'
import { refusedOutput, refusedWith, takenName } from '../../src/core/plan.ts'

describe('a ClusterSPIFFEID that is refused', () => {
  const isTriedAgain = /the operator tries again by itself$/

  test('by a policy or a missing permission says that it is tried again', () => {
    const failure = refusedOutput('x', refusedWith(403, 'not in this house'))
    expect(failure).toMatchObject({ stalls: false, message: expect.stringMatching(isTriedAgain) })
  })

  test.each([
    ['because its name is taken', takenName('x', { owner: undefined }), /rename this binding$/],
    [
      'because another binding has its name',
      takenName('x', { owner: 'default/other' }),
      /another binding.s ClusterSPIFFEID, which is left alone; rename this binding$/,
    ],
    ['as invalid', refusedWith(422, 'spec.hint is too long'), /in this binding or in what it refers to$/],
  ])('%s, which waiting does not mend, says what does', (_why, refusal, words) => {
    const failure = refusedOutput('x', refusal)
    expect(failure).toMatchObject({ stalls: true, message: expect.stringMatching(words) })
    expect(failure.message).not.toMatch(isTriedAgain)
  })
})
