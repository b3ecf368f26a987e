import { afterEach, beforeAll, expect, test } from 'vitest'
import { bindingResource, objectiveResources, poolResources } from '../../../src/core/resources.ts'
import { resourcePath } from '../../../src/kube/client.ts'
import { objective, pool } from '../../support/builders.ts'
import type { KubectlResult } from '../../support/controlplane/run-kubectl.ts'
import type { FaultProxy } from '../../support/fault-proxy/proxy.ts'
import { resourceOf, type Manifest } from '../../support/vectors.ts'
import { bodyOf, patience, until, type Cluster } from '../support/cluster.ts'
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

/** Peers from before the webhook, so that none of their keys was claimed a moment ago. */
export const beforeStaleness = {
  namespace,
  manifests: [pool(at('chat')), wild, ...names.map((name) => objective(at(name))), ...bindings],
}

/** The operator's watches say nothing more, as they do for moments whenever the API server is busy. */
export function stalenessSuite(cluster: () => Cluster, proxy: () => FaultProxy): void {
  const apply = (...manifests: readonly Manifest[]): Promise<KubectlResult> =>
    cluster().kubectl(['apply', '-f', '-'], { input: listOfManifests(manifests) })
  const silence = async (plural: string, kinds = 1): Promise<void> => {
    const match = { path: new RegExp(`/${plural}\\?`) }
    await until(`${plural} are watched`, async () => proxy().openWatches(match) === kinds)
    proxy().silenceWatches(match)
  }
  const pathOf = (manifest: Manifest): string => resourcePath(resourceOf(manifest), manifest.metadata)
  const patch = async (manifest: Manifest, change: Readonly<Record<string, unknown>>): Promise<void> => {
    bodyOf(await cluster().client.patch(pathOf(manifest), change), 'a patch')
  }
  const expectAdmitted = async (result: KubectlResult, newcomer: Manifest): Promise<void> => {
    const { code, stderr } = result
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    proxy().cutWatches()
    const settled = async () => (await show(cluster(), newcomer)).settled
    await expect.poll(settled, patience).toMatchObject({ ready: 'True', reason: 'Reconciled' })
  }

  beforeAll(async () => {
    for (const one of bindings) await operatorKnows(cluster(), one)
  })
  // Reset, they are opened again, and what was missed is made up for.
  afterEach(() => void proxy().cutWatches())

  test('a pool and an objective of the same apply are found', async () => {
    await silence('inferencepools', poolResources.length)
    await silence('inferenceobjectives', objectiveResources.length)
    const newcomer = binding({
      ...at('together'),
      spec: { poolRef: { name: 'fresh' }, objectiveRef: { name: 'fresh' }, containerName: 'fresh' },
    })
    const selector = { matchLabels: { app: 'fresh' } }
    const scene = [
      pool({ ...at('fresh'), selector }),
      objective({ ...at('fresh'), poolRef: { name: 'fresh' } }),
    ]
    await expectAdmitted(await apply(...scene, newcomer), newcomer)
  })

  test('a pool that was repaired a moment ago is usable', async () => {
    await silence('inferencepools', poolResources.length)
    await patch(wild, { spec: { selector: { matchLabels: { app: 'tame' } } } })
    const newcomer = poolOnly({ ...at('tamed'), spec: { poolRef: { name: 'wild' } } })
    await expectAdmitted(await apply(newcomer), newcomer)
  })

  test('a peer that is gone since a moment ago has no key', async () => {
    await silence('inferenceidentitybindings')
    await patch(gone, { metadata: { finalizers: [] } })
    await cluster().client.delete(pathOf(gone))
    expect(await cluster().find(bindingResource, at('gone'))).toBeUndefined()
    const newcomer = holding('heir', 'first')
    await expectAdmitted(await apply(newcomer), newcomer)
  })

  test('a peer that is being deleted since a moment ago has no key', async () => {
    await silence('inferenceidentitybindings')
    await cluster().client.delete(pathOf(leaving))
    expect(await cluster().find(bindingResource, at('leaving'))).toMatchObject({
      metadata: { deletionTimestamp: expect.any(String) },
    })
    const newcomer = holding('successor', 'second')
    await expectAdmitted(await apply(newcomer), newcomer)
  })

  test('a peer that was changed a moment ago has its new key only', async () => {
    await silence('inferenceidentitybindings')
    await patch(moving, { spec: { containerName: 'elsewhere' } })
    const newcomer = holding('replacement', 'third')
    await expectAdmitted(await apply(newcomer), newcomer)
  })

  test('a peer that was admitted and deleted a moment ago has no key', async () => {
    const peer = holding('brief', 'fourth')
    expect(await apply(peer)).toMatchObject({ code: 0 })
    await operatorKnows(cluster(), peer)
    expect(await cluster().kubectl(['delete', 'iib', 'brief', '-n', namespace])).toMatchObject({ code: 0 })
    const newcomer = holding('next', 'fourth')
    await expectAdmitted(await apply(newcomer), newcomer)
  })
}
