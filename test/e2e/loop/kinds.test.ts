import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { ownerAnnotation } from '../../../src/core/clusterspiffeid.ts'
import { summaryIn } from '../../../src/core/conditions.ts'
import {
  bindingResource,
  clusterSpiffeIdResource,
  crdName,
  definitionResource,
  gvk,
  objectiveResources,
  poolResources,
  type Resource,
} from '../../../src/core/resources.ts'
import { resourcePath } from '../../../src/kube/client.ts'
import { binding, clusterSpiffeId, objective, pool } from '../../support/builders.ts'
import { recordOf, without, type Json } from '../../support/embedded/json.ts'
import { describeReal } from '../../support/real.ts'
import { metaOf } from '../support/cluster.ts'
import { tookEffect, type Audited } from './support/audit.ts'
import {
  bringDefinition,
  changeBindings,
  movedTo,
  pruningTo,
  removeDefinition,
  replaceDefinition,
  withoutStatus,
  withProperties,
} from './support/definitions.ts'
import { logLines } from './support/log-lines.ts'
import { named } from './support/outputs.ts'
import { openStage, type Stage } from './support/stage.ts'
import { eventually, newTenant, type Tenant } from './support/tenant.ts'

const ready = 'Ready/Reconciled'
const noOutputKind = 'RenderFailure/ClusterSPIFFEIDCRDMissing'

/** The preferred kinds, the version that their projects go on to, and what bindings show then: with the group, and without. */
const moves = [
  {
    resource: objectiveResources[0],
    next: 'v1alpha3',
    field: 'objectiveRef',
    reasons: { pinned: 'InferenceObjectiveCRDMissing', free: 'TargetObjectiveNotFound' },
  },
  {
    resource: poolResources[0],
    next: 'v2',
    field: 'poolRef',
    reasons: { pinned: 'InferencePoolCRDMissing', free: 'TargetPoolNotFound' },
  },
]

/** More requests than the loop makes in the seconds in which a kind goes and comes back: it makes some tens, or thousands if one request causes the next. */
const busy = 200

/** Of a ClusterSPIFFEID of this namespace. */
const isDeletionIn =
  ({ namespace }: Tenant) =>
  ({ verb, name }: Audited): boolean =>
    verb === 'delete' && name.startsWith(`kleym-${namespace}-`)

/** Its name is that of its container too, so that it collides with none. */
const referring = (name: string, spec: Json = {}) => binding({ name, spec: { containerName: name, ...spec } })

const cases = [
  ...poolResources.map((resource) => ({
    resource,
    manifest: pool({ group: resource.group }),
    pinned: (name: string, { group }: Resource) => referring(name, { poolRef: { name: 'chat', group } }),
    others: poolResources.filter((other) => other !== resource),
    missing: 'InvalidRef/InferencePoolCRDMissing',
    absent: 'InvalidRef/TargetPoolNotFound',
  })),
  ...objectiveResources.map((resource) => ({
    resource,
    manifest: objective({ group: resource.group }),
    pinned: (name: string, { group }: Resource) => referring(name, { objectiveRef: { name: 'chat', group } }),
    others: objectiveResources.filter((other) => other !== resource),
    missing: 'InvalidRef/InferenceObjectiveCRDMissing',
    absent: 'InvalidRef/TargetObjectiveNotFound',
  })),
]

describeReal('kinds come and go while the operator runs', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  })
  afterAll(() => stage.stop())

  const withEverything = async (): Promise<Tenant> => {
    const tenant = await newTenant(stage.cluster, 'kinds')
    await tenant.has(...poolResources.map(({ group }) => pool({ group })))
    await tenant.has(...objectiveResources.map(({ group }) => objective({ group })))
    return tenant
  }
  const requestsDuring = async (act: () => Promise<void>): Promise<readonly Audited[]> => {
    const before = (await stage.audit.requests()).length
    await act()
    return (await stage.audit.requests()).slice(before)
  }

  /** Has a kind moved to another version. Afterwards both are served: a version in which objects may be stored can't be taken out. */
  const moving = async (resource: Resource, next: string) => {
    const definition = await stage.cluster.find(definitionResource, { name: crdName(resource) })
    if (!definition) throw new Error(`${crdName(resource)} is there`)
    const move = (servesFormer: boolean): Promise<void> =>
      replaceDefinition(stage.cluster, resource, movedTo(definition, next, { servesFormer }))
    return { away: () => move(false), back: () => move(true), [Symbol.asyncDispose]: () => move(true) }
  }

  const readiness = async (): Promise<string> =>
    (await fetch(`${stage.operator().probes}/readyz?verbose`)).text()
  const said = (resource: Resource): readonly unknown[] =>
    logLines(stage.operator().log())
      .filter((line) => line['gvk'] === gvk(resource))
      .map(({ msg }) => msg)
  const skipped = (resource: Resource): number =>
    said(resource).filter((msg) => msg === 'skipping unavailable GVK').length

  test.for(cases)('$resource.group/$resource.kind, and what is pinned to it follows', async (one) => {
    const { resource, manifest, pinned, others, missing, absent } = one
    const tenant = await withEverything()
    const rest = others.map((other, index) => pinned(`rest-${index}`, other))
    await tenant.has(pinned('pinned', resource), ...rest)
    const restReady = Object.fromEntries(rest.map(({ metadata }) => [metadata.name, ready]))
    await tenant.settles({ pinned: ready, ...restReady })
    const before = await Promise.all(rest.map(tenant.find))
    const requests = await requestsDuring(async () => {
      const definition = await removeDefinition(stage.cluster, resource)
      await tenant.settles({ pinned: missing })
      expect(await tenant.message('pinned')).toContain(crdName(resource))
      await bringDefinition(stage.cluster, resource, definition)
      await tenant.settles({ pinned: absent })
      await tenant.has(manifest)
      await tenant.settles({ pinned: ready })
    })
    expect(await Promise.all(rest.map(tenant.find))).toEqual(before)
    expect(requests.length).toBeLessThan(busy)
  })

  test('a reference without a group finds nothing as long as one kind is served, then lacks the kind', async () => {
    const tenant = await newTenant(stage.cluster, 'kinds')
    await tenant.has(objective(), binding())
    const [first, second] = poolResources
    if (!first || !second) throw new Error('there are two groups of pools')
    const gone = await removeDefinition(stage.cluster, first)
    await tenant.settles({ chat: 'InvalidRef/TargetPoolNotFound' })
    const goneToo = await removeDefinition(stage.cluster, second)
    await tenant.settles({ chat: 'InvalidRef/InferencePoolCRDMissing' })
    await bringDefinition(stage.cluster, second, goneToo)
    await tenant.settles({ chat: 'InvalidRef/TargetPoolNotFound' })
    await tenant.has(pool({ group: second.group }))
    await tenant.settles({ chat: ready })
    await bringDefinition(stage.cluster, first, gone)
    await tenant.settles({ chat: ready })
    expect(await tenant.outputs('chat')).toHaveLength(1)
  })

  test('without ClusterSPIFFEIDs bindings say so, and can be created and deleted; with them all are back', async () => {
    const tenant = await withEverything()
    await tenant.has(referring('stays'), referring('goes'))
    await tenant.settles({ stays: ready, goes: ready })
    const uid = metaOf(await tenant.output('stays'))['uid']
    const requests = await requestsDuring(async () => {
      const definition = await removeDefinition(stage.cluster, clusterSpiffeIdResource)
      await tenant.settles({ stays: noOutputKind, goes: noOutputKind })
      await tenant.loses(referring('goes'))
      await tenant.has(referring('comes'))
      await tenant.isGone(referring('goes'))
      await tenant.settles({ comes: noOutputKind })
      await bringDefinition(stage.cluster, clusterSpiffeIdResource, definition)
      await tenant.settles({ stays: ready, comes: ready })
    })
    expect(metaOf(await tenant.output('stays'))['uid']).not.toBe(uid)
    expect(requests.length).toBeLessThan(busy)
  })

  test('a kind that is installed anew is listed at once, though its watch says nothing and its absence was not seen', async () => {
    const tenant = await withEverything()
    await tenant.has(referring('stays'))
    await tenant.settles({ stays: ready })
    const before = metaOf(await tenant.output('stays'))
    const unseen = skipped(clusterSpiffeIdResource)
    expect(stage.proxy.silenceWatches({ path: /\/clusterspiffeids\?/ })).toBe(1)
    const unread = stage.proxy.faults.inject(
      { method: 'GET', watch: false, path: /customresourcedefinitions\/clusterspiffeids/ },
      { kind: 'status', code: 500 },
      Infinity,
    )
    const definition = await removeDefinition(stage.cluster, clusterSpiffeIdResource)
    await bringDefinition(stage.cluster, clusterSpiffeIdResource, definition)
    // This is sooner than the operator gives up a silent watch.
    const soon = { timeout: 40_000, interval: 200 }
    await vi.waitFor(async () => {
      expect(await tenant.find(named(before['name']))).toBeDefined()
    }, soon)
    unread.lift()
    expect(metaOf(await tenant.output('stays'))['uid']).not.toBe(before['uid'])
    await tenant.changes(named(before['name']), { spec: { ttl: '1h' } })
    await eventually(async () => expect(await tenant.outputSpec('stays')).not.toHaveProperty('ttl'))
    expect(skipped(clusterSpiffeIdResource)).toBe(unseen)
  })

  test('what another schema of a kind leaves of an object is read anew, though its version is the same', async () => {
    const tenant = await withEverything()
    await tenant.has(referring('stays'))
    await tenant.settles({ stays: ready })
    const [resource] = poolResources
    const whole = resource && (await stage.cluster.find(definitionResource, { name: crdName(resource) }))
    if (!whole) throw new Error('the kind of pools is there')
    const labels = { type: 'object', properties: { tier: { type: 'string' } } }
    const selector = { type: 'object', properties: { matchLabels: labels } }
    const version = metaOf((await tenant.find(pool())) ?? {})['resourceVersion']
    await replaceDefinition(stage.cluster, resource, pruningTo(whole, { selector }))
    await tenant.settles({ stays: 'UnsafeSelector/InvalidPoolSelector' })
    await replaceDefinition(stage.cluster, resource, whole)
    await tenant.settles({ stays: ready })
    expect(metaOf((await tenant.find(pool())) ?? {})['resourceVersion']).toBe(version)
  })

  test('our own kind takes its outputs with it, and is served again when it is back', async () => {
    const tenant = await withEverything()
    await tenant.has(binding())
    await tenant.settles({ chat: ready })
    const output = named(metaOf(await tenant.output('chat'))['name'])
    const definition = await removeDefinition(stage.cluster, bindingResource)
    await eventually(async () => expect(await tenant.find(output)).toBeUndefined())
    expect(await stage.cluster.list(clusterSpiffeIdResource)).toEqual([])
    await bringDefinition(stage.cluster, bindingResource, definition)
    await tenant.has(binding())
    await tenant.settles({ chat: ready })
    expect(await tenant.find(output)).toBeDefined()
  })

  test('the contract of later versions is not ours: nothing is touched until it is gone', async () => {
    const tenant = await withEverything()
    await tenant.has(binding(), referring('gone'))
    await tenant.settles({ chat: ready, gone: ready })
    const output = await tenant.output('chat')
    const name = metaOf(output)['name']
    const undo = await changeBindings(stage.cluster, (properties) => ({
      ...properties,
      identityBoundary: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    }))
    // Whatever fails here, the tests that follow have our own contract.
    await using contract = new AsyncDisposableStack()
    contract.defer(undo)
    await eventually(async () => expect(await readiness()).toContain('identityBoundary'))
    const [another] = objectiveResources.toReversed()
    if (!another) throw new Error('there are groups of objectives')
    const annotations = { [ownerAnnotation]: `${tenant.namespace}/never-was` }
    const orphan = clusterSpiffeId(`kleym-${tenant.namespace}-never-was-pool-00000000`, { annotations })
    const requests = await requestsDuring(async () => {
      await tenant.has(orphan)
      await tenant.changes(named(name), { spec: { admin: true } })
      await tenant.changes(pool(), { spec: { selector: { matchLabels: { app: 'other' } } } })
      await tenant.loses(referring('gone'))
      // The operator still follows which kinds are served: it notices this change, which comes after all others.
      const before = skipped(another)
      const definition = await removeDefinition(stage.cluster, another)
      await eventually(() => expect(skipped(another)).toBeGreaterThan(before))
      await bringDefinition(stage.cluster, another, definition)
      expect((await tenant.output('chat'))['spec']).toEqual({ ...recordOf(output['spec']), admin: true })
    })
    expect(requests.filter(tookEffect)).toEqual([])
    expect(await tenant.find(orphan)).toBeDefined()
    await contract.disposeAsync()
    await tenant.isGone(referring('gone'))
    await eventually(async () => {
      const spec = await tenant.outputSpec('chat')
      expect(spec).not.toHaveProperty('admin')
      expect(spec).toMatchObject({ podSelector: { matchLabels: { app: 'other' } } })
    })
    await tenant.settles({ chat: ready })
  })

  test('all of that is seen to by one process, without errors but the one that says why it stopped', async () => {
    const lines = logLines(stage.operator().log())
    expect(lines.filter(({ msg }) => msg === 'everything is known')).toHaveLength(1)
    const errors = lines.filter(({ level }) => level === 'error').map(({ msg }) => String(msg))
    expect(errors).toEqual([expect.stringContaining('spec.identityBoundary')])
    await eventually(async () => expect(await readiness()).not.toContain('identityBoundary'))
  })

  test('that a kind goes, and that it is there again, is said once each', async () => {
    const [resource] = objectiveResources
    if (!resource) throw new Error('there are groups of objectives')
    const before = said(resource).length
    const definition = await removeDefinition(stage.cluster, resource)
    await eventually(() => expect(said(resource).length).toBeGreaterThan(before))
    await bringDefinition(stage.cluster, resource, definition)
    await eventually(() => expect(said(resource).at(-1)).toBe('this kind is served now'))
    expect(said(resource).slice(before)).toEqual(['skipping unavailable GVK', 'this kind is served now'])
  })

  test('a status of which an older kind prunes a field is written once, and again when it is known', async () => {
    const undo = await changeBindings(
      stage.cluster,
      (properties) => without(properties, 'renderedClusterSPIFFEID'),
      'status',
    )
    const tenant = await withEverything()
    await tenant.has(binding())
    await eventually(async () => {
      expect((await tenant.find(binding()))?.['status']).toMatchObject({ computedSpiffeIDs: [{}] })
    })
    const requests = await requestsDuring(async () => {
      for (const team of ['a', 'b', 'c']) await tenant.changes(binding(), { metadata: { labels: { team } } })
      await tenant.has(referring('later'))
      await eventually(async () => {
        expect((await tenant.find(referring('later')))?.['status']).toMatchObject({ computedSpiffeIDs: [{}] })
      })
    })
    expect(requests.filter(({ subresource, name }) => subresource === 'status' && name === 'chat')).toEqual(
      [],
    )
    await undo()
    await tenant.settles({ chat: ready, later: ready })
  })

  test('that bindings have no status to write is said, and the status is written once they have', async () => {
    const whole = await stage.cluster.find(definitionResource, { name: crdName(bindingResource) })
    if (!whole) throw new Error('the kind of bindings is there')
    const tenant = await withEverything()
    await replaceDefinition(stage.cluster, bindingResource, withoutStatus(whole))
    const statusOf = resourcePath(bindingResource, {
      namespace: tenant.namespace,
      name: 'none',
      subresource: 'status',
    })
    // With the status subresource the API server refuses this body; without it, the path is not found.
    await eventually(async () => expect((await stage.cluster.client.put(statusOf, {})).code).toBe(404))
    await tenant.has(binding())
    const patiently = { timeout: 40_000, interval: 200 }
    await vi.waitFor(async () => expect(await tenant.events('chat')).toContain('Retrying'), patiently)
    const lines = logLines(stage.operator().log()).map(({ why }) => String(why))
    expect(lines).toContainEqual(expect.stringContaining('has no status subresource'))
    await replaceDefinition(stage.cluster, bindingResource, whole)
    await tenant.settles({ chat: ready })
  })

  test('an older kind that prunes fields is written once, not for ever', async () => {
    const definition = await removeDefinition(stage.cluster, clusterSpiffeIdResource)
    const older = withProperties(definition, (properties) => without(properties, 'hint', 'fallback'))
    await bringDefinition(stage.cluster, clusterSpiffeIdResource, older)
    const tenant = await withEverything()
    await tenant.has(binding())
    await tenant.settles({ chat: ready })
    const output = await tenant.output('chat')
    expect(output['spec']).not.toHaveProperty('hint')
    const somethingElse = async (name: string): Promise<void> => {
      await tenant.has(referring(name))
      await tenant.settles({ [name]: ready })
    }
    const replaced = (requests: readonly Audited[]) =>
      requests.filter(({ verb, name }) => verb === 'update' && name === metaOf(output)['name'])
    const listed = await requestsDuring(async () => {
      expect(stage.proxy.expireWatches({ path: /clusterspiffeids/ })).toBe(1)
      await somethingElse('first')
    })
    expect(replaced(listed)).toEqual([])
    const repaired = await requestsDuring(async () => {
      await tenant.changes(named(metaOf(output)['name']), { spec: { ttl: '1h' } })
      await eventually(async () => expect(await tenant.outputSpec('chat')).toEqual(output['spec']))
      await somethingElse('second')
    })
    expect(replaced(repaired)).toHaveLength(1)
    const version = metaOf(await tenant.output('chat'))['resourceVersion']
    // A new process does not know yet what the API server prunes, so it may write once to find out. That write changes nothing.
    const restarted = await requestsDuring(async () => {
      await stage.stopOperator()
      await stage.startOperator()
      await somethingElse('third')
    })
    expect(replaced(restarted).length).toBeLessThanOrEqual(1)
    expect(metaOf(await tenant.output('chat'))['resourceVersion']).toBe(version)
    // Once it prunes no longer, what is missing is written, by the same process.
    const whole = await requestsDuring(async () => {
      await replaceDefinition(stage.cluster, clusterSpiffeIdResource, definition)
      await eventually(async () =>
        expect(await tenant.outputSpec('chat')).toMatchObject({ hint: `${tenant.namespace}/chat` }),
      )
      await somethingElse('fourth')
    })
    expect(replaced(whole)).toHaveLength(1)
  })

  test('ClusterSPIFFEIDs of a version that is served no longer are what they were once it is served again', async () => {
    const resource = clusterSpiffeIdResource
    const tenant = await withEverything()
    await tenant.has(binding(), referring('other'))
    await tenant.settles({ chat: ready, other: ready })
    const given = () => Promise.all(['chat', 'other'].map((name) => tenant.output(name).then(metaOf)))
    const before = await given()
    await using kind = await moving(resource, 'v1')
    const requests = await requestsDuring(async () => {
      await kind.away()
      await eventually(async () =>
        expect(await tenant.message('chat')).toContain(
          `CustomResourceDefinition ${crdName(resource)} serves v1 instead of v1alpha1, the version that this operator reads; let that version be served too`,
        ),
      )
      await kind.back()
      await tenant.settles({ chat: ready, other: ready })
    })
    expect(await given()).toEqual(before)
    expect(requests.filter(isDeletionIn(tenant))).toEqual([])
  })

  test.for(moves)('$field: a version that is served no longer takes no identity', async (move) => {
    const { resource, next, field, reasons } = move
    if (!resource) throw new Error('there are groups of pools and objectives')
    const { group, version } = resource
    const pinned = (name: string) => referring(name, { [field]: { name: 'chat', group } })
    const tenant = await newTenant(stage.cluster, 'kinds')
    await tenant.has(pool(), objective(), pinned('pinned'), referring('free'), referring('goes'))
    await tenant.settles({ pinned: ready, free: ready, goes: ready })
    const given = () => Promise.all(['pinned', 'free'].map((name) => tenant.output(name).then(metaOf)))
    const before = await given()
    const leaving = metaOf(await tenant.output('goes'))['name']
    await using kind = await moving(resource, next)
    const words = `CustomResourceDefinition ${crdName(resource)} serves ${next} instead of ${version}, the version that this operator reads`
    const fails = (name: string, reason: string): Promise<void> =>
      eventually(async () => {
        const status = recordOf((await tenant.find(binding({ name })))?.['status'])
        expect(summaryIn(status)).toEqual({ condition: 'InvalidRef', reason })
        expect(await tenant.message(name)).toContain(`${words}; let that version be served too`)
      })
    const saidWhy = (): readonly unknown[] =>
      logLines(stage.operator().log())
        .filter(({ msg, why }) => msg === 'skipping unavailable GVK' && why !== undefined)
        .map(({ why }) => why)

    const requests = await requestsDuring(async () => {
      await kind.away()
      for (const [name, reason] of Object.entries(reasons)) {
        await fails(name, reason)
        expect(await tenant.message(name)).toMatch(
          /the identity that this operator gave by .* is kept until the spec is edited$/,
        )
      }
      expect(saidWhy().filter((why) => why === words)).toHaveLength(1)
      await stage.stopOperator()
      await stage.startOperator()
      await tenant.has(pinned('late'))
      await fails('late', reasons.pinned)
      expect(await tenant.outputs('late')).toEqual([])
      await tenant.loses(referring('goes'))
      await tenant.isGone(referring('goes'))
      expect(saidWhy()).toEqual([words])
      await kind.back()
      await tenant.settles({ pinned: ready, free: ready, late: ready })
    })
    expect(await given()).toEqual(before)
    const deleted = requests.filter(isDeletionIn(tenant))
    expect(deleted.map(({ name }) => name)).toEqual([leaving])
  })

  test('while our own kind is served in another version alone nothing is touched, which is said with what to do', async () => {
    const tenant = await withEverything()
    await tenant.has(binding())
    await tenant.settles({ chat: ready })
    const before = await tenant.output('chat')
    await using kind = await moving(bindingResource, 'v1beta1')
    const requests = await requestsDuring(async () => {
      await kind.away()
      await eventually(async () =>
        expect(await readiness()).toContain(
          'does not serve v1alpha1, the version that this operator reads, so nothing is touched; let that version be served too',
        ),
      )
      await tenant.changes(named(metaOf(before)['name']), { spec: { ttl: '1h' } })
      await kind.back()
      await eventually(async () => expect(await tenant.outputSpec('chat')).toEqual(before['spec']))
    })
    expect(requests.filter(isDeletionIn(tenant))).toEqual([])
    expect(metaOf(await tenant.output('chat'))['uid']).toBe(metaOf(before)['uid'])
    await tenant.settles({ chat: ready })
  })
})
