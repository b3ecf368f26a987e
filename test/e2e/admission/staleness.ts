import { beforeAll, describe, expect, test } from 'vitest'
import { bindingResource, objectiveResources, poolResources } from '../../../src/core/resources.ts'
import { resourcePath } from '../../../src/kube/client.ts'
import { objective, pool } from '../../support/builders.ts'
import type { FaultProxy } from '../../support/fault-proxy/proxy.ts'
import { resourceOf, type Manifest } from '../../support/vectors.ts'
import { bodyOf, metaOf, patience, until, type Cluster } from '../support/cluster.ts'
import { binding, listOfManifests, poolOnly } from '../support/manifests.ts'
import { show } from '../support/settled.ts'
import { operatorKnows } from '../support/webhook.ts'

const namespace = 'stale'
const at = (name: string) => ({ name, namespace })
/** Each has an objective of its own: a shared SPIFFE ID would be warned of. */
const holding = (name: string, containerName: string): Manifest =>
  binding({ ...at(name), spec: { containerName, objectiveRef: { name } } })

const gone = holding('gone', 'first')
const leaving = holding('leaving', 'second')
const moving = holding('moving', 'third')
const names = ['gone', 'leaving', 'moving', 'heir', 'successor', 'replacement', 'brief', 'next']
const bindings = [gone, leaving, moving]
const wild = pool({ ...at('wild'), selector: {} })

/** What kubectl ends with when a binding is admitted without a warning. */
const fine = { code: 0, stderr: '' }

const ready = { ready: 'True', reason: 'Reconciled' }

/** Peers that are created before the webhook is there, so that no claim of a moment ago holds their keys. */
export const beforeStaleness = {
  namespace,
  manifests: [pool(at('chat')), wild, ...names.map((name) => objective(at(name))), ...bindings],
}

const pathOf = (manifest: Manifest): string => resourcePath(resourceOf(manifest), manifest.metadata)

const watchesOf = (plural: string) => ({ path: new RegExp(`/${plural}\\?`), watch: true })

/** The operator's watches say nothing more, as they do for moments whenever the API server is busy. */
export function stalenessSuite(cluster: () => Cluster, proxy: () => FaultProxy): void {
  const apply = async (...manifests: readonly Manifest[]) => {
    const { code, stderr } = await cluster().kubectl(['apply', '-f', '-'], {
      input: listOfManifests(manifests),
    })
    return { code, stderr }
  }
  const patch = async (manifest: Manifest, change: Readonly<Record<string, unknown>>): Promise<void> => {
    bodyOf(await cluster().client.patch(pathOf(manifest), change), 'a patch')
  }
  /** From now on the operator's watches of a kind say nothing, in all groups of that kind. */
  const silence = async (plural: string, groups: number): Promise<void> => {
    const silenced = proxy().faults.inject(watchesOf(plural), { kind: 'silence' }, groups)
    proxy().cutWatches(watchesOf(plural))
    await until(`watches of ${plural} are silent`, async () => silenced.hits() === groups)
  }
  const settled = (manifest: Manifest) => async () => (await show(cluster(), manifest)).settled

  beforeAll(async () => {
    for (const one of bindings) await operatorKnows(cluster(), one)
  })

  describe('of pools and objectives', () => {
    const kinds = [
      ['inferencepools', poolResources.length],
      ['inferenceobjectives', objectiveResources.length],
    ] as const
    const together = binding({
      ...at('together'),
      spec: { poolRef: { name: 'fresh' }, objectiveRef: { name: 'fresh' }, containerName: 'fresh' },
    })
    const tamed = poolOnly({ ...at('tamed'), spec: { poolRef: { name: 'wild' } } })
    beforeAll(async () => {
      await Promise.all(kinds.map(([plural, groups]) => silence(plural, groups)))
    })

    test('those of the same apply are found', async () => {
      const fresh = [
        pool({ ...at('fresh'), selector: { matchLabels: { app: 'fresh' } } }),
        objective({ ...at('fresh'), poolRef: { name: 'fresh' } }),
      ]
      expect(await apply(...fresh, together)).toEqual(fine)
    })

    test('a pool that was repaired a moment ago is usable', async () => {
      await patch(wild, { spec: { selector: { matchLabels: { app: 'tame' } } } })
      expect(await apply(tamed)).toEqual(fine)
    })

    test('and once they are heard of again, the admitted become Ready', async () => {
      for (const [plural] of kinds) proxy().cutWatches(watchesOf(plural))
      for (const newcomer of [together, tamed])
        await expect.poll(settled(newcomer), patience).toMatchObject(ready)
    })
  })

  describe('of bindings', () => {
    const newcomers = [
      holding('heir', 'first'),
      holding('successor', 'second'),
      holding('replacement', 'third'),
    ] as const
    const [heir, successor, replacement] = newcomers
    beforeAll(() => silence(bindingResource.plural, 1))

    test('a peer that is gone since a moment ago has no key', async () => {
      await patch(gone, { metadata: { finalizers: [] } })
      await cluster().client.delete(pathOf(gone))
      expect(await cluster().find(bindingResource, at('gone'))).toBeUndefined()
      expect(await apply(heir)).toEqual(fine)
    })

    test('a peer that is being deleted since a moment ago has no key', async () => {
      await cluster().client.delete(pathOf(leaving))
      const live = await cluster().find(bindingResource, at('leaving'))
      expect(metaOf(live ?? {})['deletionTimestamp']).toBeDefined()
      expect(await apply(successor)).toEqual(fine)
    })

    test('a peer that was changed a moment ago has its new key only', async () => {
      await patch(moving, { spec: { containerName: 'elsewhere' } })
      expect(await apply(replacement)).toEqual(fine)
    })

    test('and once they are heard of again, the admitted become Ready', async () => {
      proxy().cutWatches(watchesOf(bindingResource.plural))
      for (const newcomer of newcomers) await expect.poll(settled(newcomer), patience).toMatchObject(ready)
    })
  })

  test('a peer that was admitted and deleted a moment ago has no key', async () => {
    const peer = holding('brief', 'fourth')
    expect(await apply(peer)).toEqual(fine)
    await operatorKnows(cluster(), peer)
    expect(await cluster().kubectl(['delete', 'iib', 'brief', '-n', namespace])).toMatchObject({ code: 0 })
    const newcomer = holding('next', 'fourth')
    expect(await apply(newcomer)).toEqual(fine)
    await expect.poll(settled(newcomer), patience).toMatchObject(ready)
  })
}
