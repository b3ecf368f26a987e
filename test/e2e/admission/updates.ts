import { beforeAll, describe, expect, test } from 'vitest'
import { bindingResource } from '../../../src/core/resources.ts'
import { objective, pool } from '../../support/builders.ts'
import type { KubectlResult } from '../../support/controlplane/run-kubectl.ts'
import { patience, type Cluster } from '../support/cluster.ts'
import { binding, poolOnly } from '../support/manifests.ts'
import { show } from '../support/settled.ts'
import { wordsOfKubectl } from '../support/verdicts.ts'
import { operatorKnows } from '../support/webhook.ts'

const namespace = 'updates'
const at = (name: string) => ({ name, namespace })

const pools = [pool(at('chat')), pool({ ...at('wild'), selector: {} })]
const objectives = ['chat', 'second', 'third', 'fourth'].map((name) => objective(at(name)))

const left = binding(at('left'))
const right = binding({ ...at('right'), spec: { objectiveRef: { name: 'second' } } })
const single = binding({ ...at('single'), spec: { objectiveRef: { name: 'third' }, containerName: 'side' } })
const wild = poolOnly({ ...at('wild'), spec: { poolRef: { name: 'wild' } } })
const odd = binding({ ...at('odd'), spec: { mode: 'Both', containerName: 'odd' } })
const bindings = [left, right, single, wild, odd]

/** What is there before the webhook and the strict CRD are: among it a collision, a wild selector, an odd mode. */
export const beforeUpdates = { namespace, manifests: [...pools, ...objectives, ...bindings] }

const collisionWith = (peers: string): string =>
  `Conflict/IdentityCollision: identity collision with bindings ${peers}: `

/** Bindings that were there, and bad, before anything could refuse them. */
export function updatesSuite(cluster: () => Cluster): void {
  const change = ({ metadata }: { readonly metadata: { readonly name: string } }, spec: object) =>
    cluster().kubectl([
      ...['patch', 'inferenceidentitybinding', metadata.name, '-n', namespace],
      ...['--type=merge', '-p', JSON.stringify({ spec })],
    ])
  const expectWarning = (result: KubectlResult, warning: string): void => {
    const { denied, warned } = wordsOfKubectl(result)
    expect(denied).toEqual([])
    expect(warned).toEqual([expect.stringContaining(`: ${warning}`)])
    expect(result).toMatchObject({ code: 0, stdout: expect.stringMatching(/ patched\n$/) })
  }
  const expectRefusal = (result: KubectlResult, problem: string): void => {
    expect(wordsOfKubectl(result).denied).toEqual([expect.stringContaining(`: ${problem}`)])
    expect(result.code).toBe(1)
  }

  beforeAll(async () => {
    for (const one of bindings) await operatorKnows(cluster(), one)
  })

  test('a binding that collides already can be changed otherwise, with a warning', async () => {
    expectWarning(await change(left, { objectiveRef: { name: 'fourth' } }), collisionWith('right'))
  })

  test('a binding whose pool is unusable already can be changed otherwise, with a warning', async () => {
    expectWarning(await change(wild, { serviceAccountName: 'other' }), 'UnsafeSelector/InvalidPoolSelector')
  })

  test('a binding whose mode is wrong already can be changed otherwise, with a warning', async () => {
    expectWarning(await change(odd, { serviceAccountName: 'other' }), 'RenderFailure/UnsupportedMode')
  })

  test('a change into a collision is refused, and changes nothing', async () => {
    const before = await cluster().find(bindingResource, at('single'))
    expectRefusal(await change(single, { containerName: 'main' }), collisionWith('left, right'))
    expect(await cluster().find(bindingResource, at('single'))).toMatchObject({ spec: before?.['spec'] })
  })

  test('a change from one collision into another is refused', async () => {
    expectRefusal(await change(left, { containerName: 'side' }), collisionWith('single'))
  })

  test('an old problem excuses no new one', async () => {
    expectRefusal(
      await change(wild, { serviceAccountName: 'Not_A_Name' }),
      'RenderFailure/InvalidServiceAccountName',
    )
  })

  test('a change out of a collision passes without a word, and both recover', async () => {
    expect(await change(right, { containerName: 'spare' })).toMatchObject({ code: 0, stderr: '' })
    for (const one of [left, right]) {
      const settled = async () => (await show(cluster(), one)).settled
      await expect.poll(settled, patience).toMatchObject({ ready: 'True', reason: 'Reconciled' })
    }
  })

  describe('what leaves the spec alone passes without a word', () => {
    const target = (name: string) => ['inferenceidentitybinding', name, '-n', namespace]
    const merge = (patch: object) => ['--type=merge', '-p', JSON.stringify(patch)]
    const cases = [wild, odd].flatMap(
      ({ metadata: { name } }) =>
        [
          [`labels of ${name}`, ['label', ...target(name), 'team=a']],
          [`annotations of ${name}`, ['annotate', ...target(name), 'note=a']],
          [
            `status of ${name}`,
            ['patch', ...target(name), '--subresource=status', ...merge({ status: { trustDomain: 'x' } })],
          ],
          [`finalizers of ${name}`, ['patch', ...target(name), ...merge({ metadata: { finalizers: [] } })]],
          [`deletion of ${name}`, ['delete', ...target(name)]],
        ] as const,
    )

    test.each(cases)('%s', async (_title, args) => {
      const { code, stderr } = await cluster().kubectl(args)
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    })

    test('what was deleted is gone', async () => {
      expect(await cluster().find(bindingResource, at('wild'))).toBeUndefined()
      expect(await cluster().find(bindingResource, at('odd'))).toBeUndefined()
    })
  })
}
