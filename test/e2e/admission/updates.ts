import { beforeAll, describe, expect, test } from 'vitest'
import { bindingResource } from '../../../src/core/resources.ts'
import { objective, pool } from '../../support/builders.ts'
import type { Manifest } from '../../support/vectors.ts'
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

/**
 * Each is wrong by a rule about several fields. The API server's own ratcheting does not cover such a rule, since any edit
 * changes the spec that the rule is about.
 */
const crowded = poolOnly({ ...at('crowded'), spec: { containerName: 'main' } })
const capital = binding({ ...at('capital'), spec: { containerName: 'Main.1' } })
const nameless = binding({ ...at('nameless'), spec: { containerName: undefined } })
const aimless = binding({ ...at('aimless'), spec: { objectiveRef: undefined } })
const blank = binding({ ...at('blank'), spec: { objectiveRef: { name: ' ' } } })

const bindings = [left, right, single, wild, odd, crowded, capital, nameless, aimless, blank]

/** What is there before the webhook and the strict CRD are: among it a collision, a wild selector, an odd mode. */
export const beforeUpdates = { namespace, manifests: [...pools, ...objectives, ...bindings] }

/** Condition and reason of a line and, of a collision, its peers. */
function briefly(line: string): string {
  const [, problem = line, peers = ''] =
    /: (\w+\/\w+): (?:identity collision (with bindings [^:]*): )?/.exec(line) ?? []
  return `${problem} ${peers}`.trim()
}

const merge = (patch: object): readonly string[] => ['--type=merge', '-p', JSON.stringify(patch)]

/** Bindings that were there, and bad, before anything could refuse them. */
export function updatesSuite(cluster: () => Cluster): void {
  const change = async ({ metadata: { name } }: Manifest, spec: object) => {
    const patch = ['patch', 'inferenceidentitybinding', name, '-n', namespace, ...merge({ spec })]
    const result = await cluster().kubectl(patch)
    const { denied, warned } = wordsOfKubectl(result)
    return { code: result.code, denied: denied.map(briefly), warned: warned.map(briefly) }
  }

  beforeAll(async () => {
    for (const one of bindings) await operatorKnows(cluster(), one)
  })

  test('a binding that collides already can be changed otherwise, with a warning', async () => {
    expect(await change(left, { objectiveRef: { name: 'fourth' } })).toEqual({
      code: 0,
      denied: [],
      warned: ['Conflict/IdentityCollision with bindings right'],
    })
  })

  test('a binding whose pool is unusable already can be changed otherwise, with a warning', async () => {
    expect(await change(wild, { serviceAccountName: 'other' })).toEqual({
      code: 0,
      denied: [],
      warned: ['UnsafeSelector/InvalidPoolSelector'],
    })
  })

  test('a binding whose mode is wrong already can be changed otherwise, with a warning', async () => {
    expect(await change(odd, { serviceAccountName: 'other' })).toEqual({
      code: 0,
      denied: [],
      warned: ['RenderFailure/UnsupportedMode'],
    })
  })

  test.each([
    [crowded, 'RenderFailure/UnexpectedContainerName'],
    [capital, 'RenderFailure/InvalidContainerName'],
    [nameless, 'RenderFailure/InvalidContainerName'],
    [aimless, 'RenderFailure/MissingObjectiveRef'],
    [blank, 'InvalidRef/InvalidObjectiveRef'],
  ])('so can $0.metadata.name, whose fields go ill together: $1', async (one, problem) => {
    const passed = { code: 0, denied: [], warned: [problem] }
    expect(await change(one, { serviceAccountName: 'other' })).toEqual(passed)
  })

  test('a blank name stays an old problem beside another group', async () => {
    expect(await change(blank, { objectiveRef: { group: 'llm-d.ai' } })).toMatchObject({
      code: 0,
      denied: [],
    })
  })

  test.each([
    [crowded, { containerName: 'side' }, 'RenderFailure/UnexpectedContainerName'],
    [capital, { containerName: 'Side' }, 'RenderFailure/InvalidContainerName'],
    [crowded, { mode: 'PerObjective' }, 'RenderFailure/MissingObjectiveRef'],
    [capital, { mode: 'PoolOnly' }, 'RenderFailure/UnexpectedContainerName'],
  ])('but $0.metadata.name not to be wrong in another way: $1', async (one, spec, problem) => {
    const { code, denied } = await change(one, spec)
    expect({ code, denied }).toEqual({ code: 1, denied: [problem] })
  })

  test('a change into a collision is refused, and changes nothing', async () => {
    const before = await cluster().find(bindingResource, at('single'))
    expect(await change(single, { containerName: 'main' })).toEqual({
      code: 1,
      denied: ['Conflict/IdentityCollision with bindings left, right'],
      warned: [],
    })
    expect(await cluster().find(bindingResource, at('single'))).toMatchObject({ spec: before?.['spec'] })
  })

  test('a change from one collision into another is refused', async () => {
    expect(await change(left, { containerName: 'side' })).toEqual({
      code: 1,
      denied: ['Conflict/IdentityCollision with bindings single'],
      warned: [],
    })
  })

  test('an old problem excuses no new one', async () => {
    expect(await change(wild, { serviceAccountName: 'Not_A_Name' })).toEqual({
      code: 1,
      denied: ['RenderFailure/InvalidServiceAccountName'],
      warned: ['UnsafeSelector/InvalidPoolSelector'],
    })
  })

  test('a change out of a collision passes without a word, and both recover', async () => {
    expect(await change(right, { containerName: 'spare' })).toEqual({ code: 0, denied: [], warned: [] })
    for (const one of [left, right]) {
      const settled = async () => (await show(cluster(), one)).settled
      await expect.poll(settled, patience).toMatchObject({ ready: 'True', reason: 'Reconciled' })
    }
  })

  describe.each([wild, odd])(
    'what leaves the spec alone passes: of $metadata.name',
    ({ metadata: { name } }) => {
      const target = ['inferenceidentitybinding', name, '-n', namespace]

      test.each([
        ['labels', ['label', ...target, 'team=a']],
        ['annotations', ['annotate', ...target, 'note=a']],
        [
          'the status',
          ['patch', ...target, '--subresource=status', ...merge({ status: { trustDomain: 'x' } })],
        ],
        ['finalizers', ['patch', ...target, ...merge({ metadata: { finalizers: [] } })]],
        ['deletion', ['delete', ...target]],
      ])('%s', async (_title, args) => {
        const result = await cluster().kubectl(args)
        expect(result.code).toBe(0)
        // The API server itself warns again of the rule of the CRD that the stored object breaks.
        const warned = wordsOfKubectl(result).warned.filter((line) => !line.includes('/UnsupportedMode: '))
        expect(warned).toEqual([])
      })

      test('and in the end it is gone', async () => {
        expect(await cluster().find(bindingResource, at(name))).toBeUndefined()
      })
    },
  )
}
