import { describe, expect, test } from 'vitest'
import { reportFormats } from '../../src/cli/formats.ts'
import { binding, objective, pool, poolOnly } from '../support/builders.ts'
import { permutationsOf } from '../support/permutations.ts'
import type { Manifest } from '../support/vectors.ts'
import { bindingsIn, checked, listOf, verdictsOn, type CheckedBinding } from './checking.ts'

const experimental = 'inference.networking.x-k8s.io'

const reasonsOf = ({ name, findings }: CheckedBinding): string =>
  [name, ...findings.map(({ reason, action }) => `${action} ${reason}`).toSorted()].join(': ')

/** What is said of each binding, in the order of their names. */
const said = async (objects: readonly Manifest[], ...argv: readonly string[]): Promise<readonly string[]> =>
  (await verdictsOn(objects, ...argv)).map(reasonsOf).toSorted()

const strictly = (objects: readonly Manifest[], format: string) =>
  checked(['-f', '-', '--strict', '-o', format], listOf(objects))

describe('a binding that stands before what it names', () => {
  const good = [pool(), objective(), binding()]

  test.each(permutationsOf(good))('is judged with it, and is well: %#', async (...objects) => {
    expect(await said(objects)).toEqual(['chat'])
    expect(await strictly(objects, 'text')).toMatchObject({ code: 0 })
  })

  test.each<[string, readonly Manifest[], string]>([
    [
      'an objective of another pool',
      [pool(), pool({ name: 'other' }), objective({ poolRef: { name: 'other' } }), binding()],
      'warn InvalidObjectiveRef',
    ],
    [
      'a pool in another group than its objective means',
      [
        pool({ group: experimental, selector: { app: 'chat' } }),
        objective({ poolRef: { name: 'chat', group: 'inference.networking.k8s.io' } }),
        binding({ spec: { poolRef: { name: 'chat', group: experimental } } }),
      ],
      'warn InvalidObjectiveRef',
    ],
  ])('is not well with %s, in any order', async (_what, objects, reason) => {
    for (const order of permutationsOf(objects)) expect(await said(order)).toEqual([`chat: ${reason}`])
    const early = objects.toReversed()
    expect(bindingsIn((await strictly(early, 'json')).stdout)).toMatchObject([
      { verdict: 'warn', clusterSPIFFEID: null },
    ])
    for (const format of reportFormats.filter((one) => one !== 'yaml')) {
      const { code, stdout } = await strictly(early, format)
      expect({ code, stdout }).toMatchObject({
        code: 2,
        stdout: expect.stringContaining('InvalidObjectiveRef'),
      })
    }
  })

  test('keeps the warning of what never comes', async () => {
    expect(await said([binding(), pool()])).toEqual(['chat: warn TargetObjectiveNotFound'])
  })

  test('gets the advice that it would get after it, and of bindings before it alone', async () => {
    const twins = [binding({ name: 'a' }), binding({ name: 'b', spec: { containerName: 'side' } })]
    const late = [...twins, pool(), objective()]
    expect(await said(late)).toEqual(['a', 'b: warn SharedSPIFFEID'])
    expect(await said(late)).toEqual(await said([pool(), objective(), ...twins]))
  })

  test('is warned of what the object that completes it is let through with', async () => {
    const unsafe = [poolOnly(), pool({ group: experimental, selector: {} })]
    expect(await said(unsafe, '--webhook-on-references=warn')).toEqual(['chat: warn InvalidPoolSelector'])
    // Refused, that object is not there.
    expect(await said(unsafe)).toEqual(['chat: warn TargetPoolNotFound'])
  })

  test('and is refused says only what it is refused for, and what else is wrong', async () => {
    const pending = [
      binding({ name: 'a' }),
      binding({ name: 'b' }),
      pool(),
      pool({ name: 'other' }),
      objective({ poolRef: { name: 'other' } }),
    ]
    expect(await said(pending)).toEqual([
      'a: warn InvalidObjectiveRef',
      'b: deny PendingCollision: warn InvalidObjectiveRef',
    ])
  })

  test('has the answered warnings beside its findings, and the text says that there are some', async () => {
    const objects = [binding(), pool(), objective()]
    expect(await verdictsOn(objects)).toMatchObject([
      {
        verdict: 'allow',
        findings: [],
        answered: [{ reason: 'TargetPoolNotFound' }, { reason: 'TargetObjectiveNotFound' }],
      },
    ])
    expect((await verdictsOn(good))[0]).not.toHaveProperty('answered')
    const line =
      'applied in this order, there are warnings about objects that follow: TargetPoolNotFound, TargetObjectiveNotFound\n'
    expect((await checked(['-f', '-'], listOf(objects))).stdout).toContain(line)
    expect((await checked(['-f', '-'], listOf(good))).stdout).not.toContain('that follow')
  })
})

test('what is ignored is no finding, of a binding or of what a pool does to one', async () => {
  const objects = [pool(), objective(), binding({ name: 'a' }), binding({ name: 'b' })]
  expect(await said(objects, '--webhook-action=IdentityCollision=ignore')).toEqual(['a', 'b'])
  const completing = [
    binding(),
    objective(),
    poolOnly({ name: 'p' }),
    pool({ group: experimental, selector: {} }),
  ]
  const { stdout } = await checked(
    ['-f', '-', '-o', 'json', '--webhook-on-references=ignore'],
    listOf(completing),
  )
  expect(JSON.parse(stdout)).toMatchObject({ references: [] })
})
