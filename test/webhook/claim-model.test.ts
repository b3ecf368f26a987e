import { describe, expect, test } from 'vitest'
import { objectOr, type JsonObject } from '../../src/core/json.ts'
import type { Reply } from '../../src/core/objects.ts'
import { bindingResource, leaseResource, type Resource } from '../../src/core/resources.ts'
import { leaseOf } from '../../src/webhook/claim.ts'
import { binding, evaluationOf } from '../support/builders.ts'
import { MemoryObjects, metaText } from './memory-objects.ts'
import { explore, type Explored } from './model/explore.ts'
import { surroundings } from './model/replica.ts'
import { Simulation, type Scenario } from './model/simulation.ts'

/** With `KLEYM_MODEL=deep` the larger scenarios run too, which takes minutes. */
const isDeep = process.env['KLEYM_MODEL'] === 'deep'

const [create, update] = [{ operation: 'CREATE' }, { operation: 'UPDATE' }] as const
const twice = { attempts: 2 }

const creates = {
  clients: [
    { name: 'a', ...create },
    { name: 'b', ...create },
  ],
  isSymmetric: true,
} satisfies Scenario

const retriedCreates = { ...creates, clients: creates.clients.map((one) => ({ ...one, ...twice })) }

const mixed = {
  clients: [
    { name: 'a', ...create },
    { name: 'b', ...update },
  ],
} satisfies Scenario

/** An update that is tried again has the same uid each time, unlike a creation. */
const retriedUpdate = {
  clients: [
    { name: 'a', ...create },
    { name: 'b', ...update, ...twice },
  ],
  halves: 2,
} satisfies Scenario

/** Two people edit one binding at once. */
const sharedUpdate = {
  clients: [
    { name: 'a', ...create },
    { name: 'b', ...update },
    { name: 'b', ...update },
  ],
} satisfies Scenario

const updates = { ...creates, clients: creates.clients.map(({ name }) => ({ name, ...update })) }

type Case = readonly [what: string, scenario: Scenario]

const usual: readonly Case[] = [
  ['two creates, each tried twice', retriedCreates],
  ['a take-over after the grace, and a loss or crash', { ...creates, faults: 1, halves: 2 }],
  ['a take-over while an update is tried again', retriedUpdate],
  ['an abandoned claim', { ...creates, halves: 2, memory: () => abandoned(new MemoryObjects()) }],
  ['a holder that is deleted', { ...creates, deletions: 1 }],
  ['claims that have grown old and are collected', { ...creates, ages: 1, collections: 1 }],
  ['a create, an update and a loss or crash', { ...mixed, faults: 1 }],
  ['an update whose binding gets another version', { ...mixed, touches: 1 }],
  ['a holder that lets go', { ...creates, leaves: 1 }],
  ['a holder that lets go and is edited again', { ...retriedUpdate, halves: 0, leaves: 1 }],
  ['two updates of one binding', sharedUpdate],
]

const deep: readonly Case[] = [
  ['an update whose binding gets another version, and a loss or crash', { ...mixed, touches: 1, faults: 1 }],
  ['a holder that is edited to and fro', { ...retriedUpdate, leaves: 1, touches: 1 }],
  ['two creates and two losses or crashes', { ...creates, faults: 2 }],
  ['two updates, a take-over and a loss or crash', { ...updates, faults: 1, halves: 2 }],
  ['a second attempt after a loss or crash', { ...retriedCreates, faults: 1 }],
  ['a deletion around a take-over', { ...creates, halves: 2, deletions: 1 }],
  ['a deletion and a collection', { ...creates, deletions: 1, collections: 1 }],
  [
    'an abandoned claim and a loss or crash',
    { ...creates, faults: 1, halves: 2, memory: () => abandoned(new MemoryObjects()) },
  ],
  ['a watch of claims', { ...creates, faults: 1, halves: 1, watchesClaims: true }],
]

/** An API server that does not compare versions. */
class Careless extends MemoryObjects {
  override replace(resource: Resource, object: JsonObject): Reply {
    const name = metaText(object, 'name')
    const stored = resource === leaseResource && this.find(resource, { namespace: 'system', name })
    if (!stored) return super.replace(resource, object)
    const { uid, resourceVersion } = objectOr(stored['metadata'])
    const metadata = { ...objectOr(object['metadata']), uid, resourceVersion }
    return super.replace(resource, { ...object, metadata })
  }
}

/** An API server to which all renewals of a Lease are the same write. */
class Uncounting extends MemoryObjects {
  override replace(resource: Resource, object: JsonObject): Reply {
    const spec = { ...objectOr(object['spec']), ...(resource === leaseResource && { leaseTransitions: 0 }) }
    return super.replace(resource, { ...object, spec })
  }
}

/** Adds the claim of a binding that was never created. */
function abandoned(memory: MemoryObjects): MemoryObjects {
  const { identity } = evaluationOf(binding(), surroundings)
  const holder = { namespace: 'default', name: 'never', uid: 'never' }
  memory.create(leaseResource, leaseOf('system', identity?.collisionKey ?? '', holder))
  return memory
}

/** An API server that stores what was reviewed over whatever is there by then. */
class Overwriting extends MemoryObjects {
  override replace(resource: Resource, object: JsonObject): Reply {
    const at = { namespace: metaText(object, 'namespace'), name: metaText(object, 'name') }
    const stored = resource === bindingResource && this.find(resource, at)
    if (!stored) return super.replace(resource, object)
    const { uid, resourceVersion } = objectOr(stored['metadata'])
    return super.replace(resource, {
      ...object,
      metadata: { ...objectOr(object['metadata']), uid, resourceVersion },
    })
  }
}

const broken: readonly Case[] = [
  ['a claim is taken over at once', { ...creates, graceMs: -1 }],
  ['the grace is shorter than a request lasts', { ...creates, halves: 1, graceMs: 30_000 }],
  ['claims are collected before bindings are seen', { ...creates, ages: 1, collections: 1, staleMs: -1 }],
  ['a renewal leaves the version as it was', { ...retriedUpdate, memory: () => new Uncounting() }],
  [
    'what was reviewed is stored over another version',
    { ...mixed, touches: 1, memory: () => new Overwriting() },
  ],
  ['versions are not compared', { ...creates, halves: 2, memory: () => abandoned(new Careless()) }],
]

const run = (scenario: Scenario): Promise<Explored> => explore(() => new Simulation(scenario))

describe('in no order of events do two bindings get one key, and at rest somebody can', () => {
  test.for(isDeep ? [...usual, ...deep] : usual)('%s', { timeout: 1_800_000 }, async ([, scenario]) => {
    expect(await run(scenario)).toEqual({ kind: 'sound', states: expect.any(Number) })
  })
})

describe('the search finds two holders where', () => {
  test.for(broken)('%s', async ([, scenario]) => {
    expect(await run(scenario)).toMatchObject({
      kind: 'violation',
      problem: expect.stringMatching(/ hold one key$/),
    })
  })
})

test('the search finds a key that nobody gets', async () => {
  // This grace is longer than the time for which everything rests at the end.
  const stuck = await run({ ...creates, faults: 1, graceMs: 1_000_000 })
  expect(stuck).toMatchObject({ kind: 'violation', problem: expect.stringContaining('nobody gets the key') })
})
