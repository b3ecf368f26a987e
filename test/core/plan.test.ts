import { describe, expect, test } from 'vitest'
import {
  keptDespite,
  refusedOutput,
  refusedWith,
  splitKept,
  staysDespite,
  takenName,
} from '../../src/core/plan.ts'

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

const about = (status: 'True' | 'False', observedGeneration: number, uid?: string) => ({
  generation: 2,
  status: {
    conditions: [{ type: 'Ready', status, observedGeneration }],
    ...(uid !== undefined && { renderedClusterSPIFFEID: { uid } }),
  },
})

const outputOf = (name: string, annotated: boolean) => ({
  name,
  annotated,
  uid: name,
  generation: 1,
  spec: {},
})

describe('an output of a binding whose spec fails, or that depends on what is not read', () => {
  const failure = { kind: 'failed', rule: 'missingObjectiveRef', message: 'no objective' } as const
  const ours = { annotated: true, uid: 'ours' }
  const former = { annotated: false, uid: 'former' }

  test.for<
    readonly [string, Parameters<typeof staysDespite>[1], Parameters<typeof staysDespite>[2], boolean]
  >([
    ['that the status names as given', ours, about('True', 2, 'ours'), true],
    ['that the status names as kept', ours, about('False', 2, 'ours'), true],
    ['of ours, where a foreign schema took the name of it, too', ours, about('True', 2), true],
    ['beside the one that the status names', ours, about('True', 2, 'another'), false],
    ['that an earlier generation gave: somebody edited the spec', ours, about('True', 1, 'ours'), false],
    ['of ours that the status of a failure does not name', ours, about('False', 2), false],
    ['of the former operator', former, about('False', 1), true],
  ])('%s', ([, output, binding, stays]) => {
    expect(staysDespite(failure, output, binding)).toBe(stays)
    const absent = { ...failure, rule: 'targetPoolNotFound' } as const
    expect(staysDespite(absent, output, binding)).toBe(false)
    // The pool may be there, in a version that is not read.
    expect(staysDespite({ ...absent, unread: true }, output, binding)).toBe(stays)
  })

  test('is named with who gave it, and is split from the message again', () => {
    for (const kept of [
      [outputOf('a', true)],
      [outputOf('a', false)],
      [outputOf('a', true), outputOf('b', false)],
    ]) {
      const { message, keeps } = keptDespite(failure, kept)
      expect(splitKept(message).problem).toBe(failure.message)
      expect(message).toContain(kept.map(({ name }) => name).join(', '))
      expect(keeps).toEqual(kept.find(({ annotated }) => annotated))
    }
  })
})
