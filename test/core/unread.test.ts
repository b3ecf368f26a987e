import { describe, expect, test } from 'vitest'
import { rules } from '../../src/core/findings.ts'
import { Overlay } from '../../src/core/overlay.ts'
import {
  clusterSpiffeIdResource,
  crdName,
  objectiveResources,
  optionalResources,
  poolResources,
  type Resource,
} from '../../src/core/resources.ts'
import { binding, evaluationOf, inventoryOf, objective, pool } from '../support/builders.ts'
import type { Manifest } from '../support/vectors.ts'

const first = (row: readonly Resource[]): Resource => {
  const [resource] = row
  if (!resource) throw new Error('a row has kinds')
  return resource
}
const [pools, objectives] = [first(poolResources), first(objectiveResources)]
const former = 'inference.networking.x-k8s.io'
const everything = [pool(), objective()]

/** Where the Established definition of a kind serves these versions alone. */
const unreadAt = (resource: Resource, ...versions: readonly string[]) => ({
  served: optionalResources.filter((one) => one !== resource),
  unread: [{ resource, versions }],
})

const serves = (resource: Resource, versions: string): string =>
  `CustomResourceDefinition ${crdName(resource)} serves ${versions} instead of ${resource.version}, the version that this operator reads; let that version be served too, or run a version of this operator that reads another one`

const to = (group: string) => ({ name: 'chat', group })

describe('a kind that is served in other versions alone', () => {
  test.each<readonly [string, Resource, Manifest, readonly Manifest[], string, string]>([
    [
      'the group of pools that is named',
      pools,
      binding({ spec: { poolRef: to(pools.group) } }),
      everything,
      'InferencePoolCRDMissing',
      'spec.poolRef: ',
    ],
    [
      'a group of pools that may be meant',
      pools,
      binding(),
      everything,
      'TargetPoolNotFound',
      'spec.poolRef.name "chat": no such InferencePool in namespace "default" (asked inference.networking.x-k8s.io), and ',
    ],
    [
      'the group of objectives that is named',
      objectives,
      binding({ spec: { objectiveRef: to(objectives.group) } }),
      everything,
      'InferenceObjectiveCRDMissing',
      'spec.objectiveRef: ',
    ],
    [
      'a group of objectives that may be meant',
      objectives,
      binding(),
      everything,
      'TargetObjectiveNotFound',
      'spec.objectiveRef.name "chat": no such InferenceObjective in namespace "default" (asked inference.networking.x-k8s.io, inference.networking.k8s.io), and ',
    ],
    [
      'the pools that come before the one that is found, which is not that of the objective',
      pools,
      binding(),
      [pool({ group: former }), objective({ poolRef: to(pools.group) })],
      'InvalidObjectiveRef',
      'spec.objectiveRef.name "chat": InferenceObjective spec.poolRef.group "inference.networking.k8s.io" is not "inference.networking.x-k8s.io", where the pool is, and ',
    ],
    [
      'the objectives that come before the one that is found, which is of another pool',
      objectives,
      binding(),
      [pool(), objective({ group: former, poolRef: { name: 'other' } })],
      'InvalidObjectiveRef',
      'spec.objectiveRef.name "chat": InferenceObjective spec.poolRef.name "other" is not "chat", and ',
    ],
    [
      'ClusterSPIFFEIDs',
      clusterSpiffeIdResource,
      binding(),
      everything,
      'ClusterSPIFFEIDCRDMissing',
      'spec: ',
    ],
  ])(
    '%s: the failure says so, and does not advise to install it',
    (...[, resource, one, others, reason, words]) => {
      const [found, ...more] = evaluationOf(one, others, unreadAt(resource, 'v8', 'v9')).findings
      expect(more).toStrictEqual([])
      expect(found && rules[found.rule].reason).toBe(reason)
      expect(found).toMatchObject({ unread: true, message: `${words}${serves(resource, 'v8, v9')}` })
    },
  )

  test('without any version says so', () => {
    const { findings } = evaluationOf(binding(), everything, unreadAt(clusterSpiffeIdResource))
    expect(findings).toMatchObject([{ message: `spec: ${serves(clusterSpiffeIdResource, 'no version')}` }])
  })

  test.each<readonly [string, Resource, Manifest]>([
    ['of a group that is not meant', pools, binding({ spec: { poolRef: { name: 'other', group: former } } })],
    ['that comes after the one in which the object is', first(objectiveResources.slice(1)), binding()],
  ])('%s explains nothing', (_title, resource, one) => {
    const others = [pool(), objective({ poolRef: { name: 'another' } })]
    const { findings } = evaluationOf(one, others, unreadAt(resource, 'v9'))
    expect(findings.length).toBeGreaterThan(0)
    for (const found of findings) {
      expect(found).not.toHaveProperty('unread')
      expect(found.message).not.toContain('CustomResourceDefinition')
    }
  })

  test('is served after all for a review of an object of it', () => {
    const below = inventoryOf([], unreadAt(pools, 'v9'))
    const world = new Overlay(below, 'default')
    expect(world.otherVersions(pools)).toStrictEqual(['v9'])
    world.setServed(pools)
    expect(world.otherVersions(pools)).toBeUndefined()
  })

  test('concerns everyone when its versions change, when it is served again and when it goes, and else nobody', () => {
    const inventory = inventoryOf([...everything, binding()])
    const concerned = (served: boolean, ...otherVersions: readonly string[]): number =>
      inventory.apply({
        kind: 'served',
        resource: pools,
        served,
        otherVersions: otherVersions.length > 0 ? otherVersions : undefined,
      }).size
    expect([concerned(false, 'v2'), concerned(false, 'v2'), concerned(false, 'v2', 'v3')]).toEqual([1, 0, 1])
    expect([concerned(false), concerned(false), concerned(false, 'v2'), concerned(true)]).toEqual([
      1, 0, 1, 1,
    ])
    expect(inventory.otherVersions(pools)).toBeUndefined()
  })
})
