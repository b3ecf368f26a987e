import { describe, expect, test } from 'vitest'
import { ownerAnnotation } from '../../../../src/core/clusterspiffeid.ts'
import { clusterSpiffeIdResource } from '../../../../src/core/resources.ts'
import { binding, clusterSpiffeId, objective, pool, poolOnly } from '../../../support/builders.ts'
import { recordOf, type Json } from '../../../support/embedded/json.ts'
import { metaOf } from '../../support/cluster.ts'
import { nameIn, record, told } from '../../support/recording.ts'
import { named, writtenByReference } from './outputs.ts'
import type { Stage } from './stage.ts'
import { eventually, newTenant, type Tenant } from './tenant.ts'

const ready = 'Ready/Reconciled'

const annotated = (tenant: Tenant, value: string) =>
  clusterSpiffeId(orphanName(value || tenant.namespace), { annotations: { [ownerAnnotation]: value } })

/** A name that the naming rule makes for a binding. */
const orphanName = (key: string): string =>
  `kleym-${key.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`.replace(/-$/, '').concat('-pool-00000000')

/** ClusterSPIFFEIDs that exist before the operator does, or before their binding. */
export const adoptionSuite = (stage: () => Stage): void => {
  /** Everything that a binding needs, and what its output would be. */
  const prepared = async (): Promise<{ readonly tenant: Tenant; readonly output: Json }> => {
    const tenant = await newTenant(stage().cluster)
    await tenant.has(pool(), objective(), binding())
    await tenant.settles({ chat: ready })
    const output = await tenant.output('chat')
    await tenant.loses(binding())
    await tenant.isGone(binding())
    return { tenant, output }
  }

  describe.concurrent('an object that the former operator wrote', () => {
    test('is adopted as it is, with its uid, where its name is right', async () => {
      const { tenant, output } = await prepared()
      const theirs = writtenByReference(output)
      await tenant.has(theirs)
      const uid = metaOf((await tenant.find(theirs)) ?? {})['uid']
      await tenant.has(binding())
      await tenant.settles({ chat: ready })
      const adopted = await tenant.output('chat')
      expect(metaOf(adopted)['uid']).toBe(uid)
      expect(adopted['spec']).toEqual(output['spec'])
    })

    test('under another name goes once the right one is there', async () => {
      const { tenant, output } = await prepared()
      const right = String(metaOf(output)['name'])
      const theirs = writtenByReference(output, { name: right.replace(/[0-9a-f]{8}$/, 'deadbeef') })
      await tenant.has(theirs)
      const recording = await record(stage().cluster, clusterSpiffeIdResource)
      await tenant.has(binding())
      await tenant.settles({ chat: ready })
      await tenant.isGone(theirs)
      const both = new Set([right, theirs.metadata.name])
      const events = await recording.until(
        (event) => event.type === 'DELETED' && nameIn(event) === theirs.metadata.name,
      )
      recording.stop()
      expect(events.filter((event) => both.has(nameIn(event))).map(told)).toEqual([
        `ADDED ${right}`,
        `DELETED ${theirs.metadata.name}`,
      ])
    })

    test('goes before its successor comes, where the binding has another identity by now', async () => {
      const { tenant, output } = await prepared()
      const theirs = writtenByReference(output)
      await tenant.has(theirs)
      const recording = await record(stage().cluster, clusterSpiffeIdResource)
      await tenant.has(poolOnly())
      await tenant.settles({ chat: ready })
      const right = String(metaOf(await tenant.output('chat'))['name'])
      const events = await recording.until((event) => nameIn(event) === right)
      recording.stop()
      const both = new Set([right, theirs.metadata.name])
      expect(events.filter((event) => both.has(nameIn(event))).map(told)).toEqual([
        `DELETED ${theirs.metadata.name}`,
        `ADDED ${right}`,
      ])
    })

    test('stays while its binding is not there, and goes with it', async () => {
      const { tenant, output } = await prepared()
      const theirs = writtenByReference(output)
      await tenant.has(theirs)
      const before = await tenant.find(theirs)
      await tenant.has(binding({ name: 'later', spec: { containerName: 'sidecar' } }))
      await tenant.settles({ later: ready })
      expect(await tenant.find(theirs)).toEqual(before)
      await tenant.has(binding())
      await tenant.settles({ chat: ready })
      await tenant.loses(binding())
      await tenant.isGone(binding())
      expect(await tenant.find(theirs)).toBeUndefined()
    })
  })

  describe.concurrent('an object with our annotation is deleted', () => {
    test.for([
      ['is gone', 'gone'],
      ['never was', '..'],
      ['cannot be', 'Not_A_Name'],
      ['cannot be, though one has the first part of its name', 'chat/and-more'],
    ])('where its binding %s', async ([, name]) => {
      const tenant = await newTenant(stage().cluster)
      await tenant.has(pool(), objective(), binding())
      await tenant.settles({ chat: ready })
      const orphan = annotated(tenant, `${tenant.namespace}/${name}`)
      await tenant.has(orphan)
      await eventually(async () => expect(await tenant.find(orphan)).toBeUndefined())
      await tenant.settles({ chat: ready })
    })

    test('where it names no binding', async () => {
      const tenant = await newTenant(stage().cluster)
      const orphan = annotated(tenant, tenant.namespace)
      await tenant.has(orphan)
      await eventually(async () => expect(await tenant.find(orphan)).toBeUndefined())
    })
  })

  describe.concurrent('a copy of an output under a name of its own', () => {
    test('is left alone, and its binding is told once', async () => {
      const tenant = await newTenant(stage().cluster)
      await tenant.has(pool(), objective(), binding())
      await tenant.settles({ chat: ready })
      const output = await tenant.output('chat')
      const { labels, annotations } = metaOf(output)
      const copy = clusterSpiffeId(
        `copy-${tenant.namespace}`,
        { labels, annotations },
        recordOf(output['spec']),
      )
      await tenant.has(copy)
      const before = await tenant.find(copy)
      await eventually(async () =>
        expect(await tenant.events('chat')).toEqual(['Reconciled', 'CopiedClusterSPIFFEID']),
      )
      await tenant.changes(binding(), { metadata: { labels: { look: 'again' } } })
      await tenant.has(binding({ name: 'later', spec: { containerName: 'sidecar' } }))
      await tenant.settles({ later: ready })
      expect(await tenant.find(copy)).toEqual(before)
      expect(await tenant.find(named(metaOf(output)['name']))).toEqual(output)
      expect(await tenant.events('chat')).toEqual(['Reconciled', 'CopiedClusterSPIFFEID'])
      // Neither does it hold the key, nor does it go with the binding.
      await tenant.loses(binding())
      await tenant.isGone(binding())
      await tenant.has(objective({ name: 'other' }))
      await tenant.has(binding({ name: 'heir', spec: { objectiveRef: { name: 'other' } } }))
      await tenant.settles({ heir: ready })
      expect(await tenant.find(copy)).toEqual(before)
    })
  })
}
