import { describe, expect, test } from 'vitest'
import type { BindingKey } from '../../src/core/binding.ts'
import type { Change } from '../../src/core/change.ts'
import { ownerAnnotation, collisionKeyIn, decodeOutput } from '../../src/core/clusterspiffeid.ts'
import { Inventory } from '../../src/core/inventory.ts'
import type { JsonObject } from '../../src/core/json.ts'
import {
  bindingResource,
  clusterSpiffeIdResource,
  optionalResources,
  poolResources,
} from '../../src/core/resources.ts'
import {
  binding,
  clusterSpiffeId,
  inventoryOf,
  objective,
  pool,
  poolOnly,
  removed,
  renderedFrom,
  settings,
  upserted,
} from '../support/builders.ts'
import type { Manifest } from '../support/vectors.ts'

/** Three on one pool: a and b on one objective and container, whole without; and a stranger to all that. */
const a = binding({ name: 'a' })
const b = binding({ name: 'b', spec: { containerName: 'side' } })
const whole = poolOnly({ name: 'whole' })
const stranger = binding({ name: 'far', spec: { poolRef: { name: 'far' }, objectiveRef: { name: 'far' } } })
const abroad = binding({ name: 'a', namespace: 'other' })

const farPool = pool({ name: 'far', selector: { matchLabels: { app: 'far' } } })
const farObjective = objective({ name: 'far', poolRef: { name: 'far' } })
const homeless = [pool({ namespace: 'other' }), objective({ namespace: 'other' })]

const start = (...more: readonly Manifest[]): Inventory =>
  inventoryOf([
    pool(),
    objective(),
    farPool,
    farObjective,
    ...homeless,
    a,
    b,
    whole,
    stranger,
    abroad,
    ...more,
  ])

const concerned = (inventory: Inventory, object: Manifest): readonly BindingKey[] =>
  [...inventory.apply(upserted(object))].toSorted()
const concernedByLoss = (inventory: Inventory, object: Manifest): readonly BindingKey[] =>
  [...inventory.apply(removed(object))].toSorted()

const everyone = ['default/a', 'default/b', 'default/far', 'default/whole', 'other/a']

describe('a pool concerns those that name it', () => {
  test.each([
    ['its selector changes', pool({ selector: { matchLabels: { app: 'new' } } })],
    ['its selector gets unsafe', pool({ selector: {} })],
    ['one of that name appears in another group', pool({ group: 'inference.networking.x-k8s.io' })],
  ])('when %s', (_title, object) => {
    expect(concerned(start(), object)).toStrictEqual(['default/a', 'default/b', 'default/whole'])
  })

  test('when it goes', () => {
    expect(concernedByLoss(start(), pool())).toStrictEqual(['default/a', 'default/b', 'default/whole'])
  })

  test.each([
    ['nothing that counts changes', pool({ metadata: { labels: { team: 'a' } } })],
    [
      'its selector is written otherwise',
      pool({ selector: { matchLabels: { app: 'chat' }, matchExpressions: [] } }),
    ],
    ['it is one that nobody names', pool({ name: 'new' })],
  ])('and nobody when %s', (_title, object) => {
    expect(concerned(start(), object)).toStrictEqual([])
  })

  test('and the bindings with which those collide now, or did before', () => {
    const meets = start(
      binding({ name: 'c', spec: { poolRef: { name: 'far' }, objectiveRef: { name: 'far' } } }),
    )
    // `far` and `c` collide; once their pool selects what `chat` does, with a too.
    const all = ['default/a', 'default/c', 'default/far']
    const same = pool({ name: 'far' })
    expect(concerned(meets, same)).toStrictEqual(all)
    expect(concernedByLoss(meets, same)).toStrictEqual(all)
  })
})

describe('an objective concerns those that name it', () => {
  test('when it goes, when it comes back, and not when nothing that counts changes', () => {
    const inventory = start()
    expect(concernedByLoss(inventory, objective())).toStrictEqual(['default/a', 'default/b'])
    expect(concerned(inventory, objective())).toStrictEqual(['default/a', 'default/b'])
    expect(concerned(inventory, objective({ metadata: { labels: { team: 'a' } } }))).toStrictEqual([])
    expect(concernedByLoss(inventory, objective({ name: 'new' }))).toStrictEqual([])
  })

  test('and those with whom they collided', () => {
    const peer = binding({ name: 'peer', spec: { objectiveRef: { name: 'second' } } })
    const inventory = start(objective({ name: 'second' }), peer)
    const both = ['default/a', 'default/peer']
    expect(concernedByLoss(inventory, objective({ name: 'second' }))).toStrictEqual(both)
    expect(concerned(inventory, objective({ name: 'second' }))).toStrictEqual(both)
  })
})

const versionOfFar = (status: JsonObject): Manifest & { readonly status: JsonObject } => ({
  ...stranger,
  metadata: { ...stranger.metadata, resourceVersion: '7' },
  status,
})

describe('a binding concerns itself', () => {
  test('and not when it is listed again unchanged; a status that another schema shows counts as a change', () => {
    const inventory = start()
    const status = { observedGeneration: 1, extra: 'kept' }
    expect(concerned(inventory, versionOfFar(status))).toStrictEqual(['default/far'])
    expect(concerned(inventory, versionOfFar(status))).toStrictEqual([])
    expect(concerned(inventory, versionOfFar({ observedGeneration: 1 }))).toStrictEqual(['default/far'])
  })

  test('alone, when it is created, when its status is written, and when it is deleted', () => {
    const inventory = start()
    const fresh = poolOnly({ name: 'fresh' })
    expect(concerned(inventory, fresh)).toStrictEqual(['default/fresh'])
    expect(concerned(inventory, { ...fresh, status: { trustDomain: 'x' } })).toStrictEqual(['default/fresh'])
    expect(concernedByLoss(inventory, fresh)).toStrictEqual(['default/fresh'])
    expect(concernedByLoss(inventory, fresh)).toStrictEqual([])
  })

  const twin = binding({ name: 'twin' })
  test.each([
    ['is edited away', binding({ name: 'twin', spec: { containerName: 'other' } })],
    [
      'starts to be deleted',
      binding({ name: 'twin', metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }),
    ],
    ['breaks', binding({ name: 'twin', spec: { serviceAccountName: '' } })],
    ['becomes PoolOnly', poolOnly({ name: 'twin' })],
  ])('and its peer, when it %s and when it is back', (_title, changed) => {
    const inventory = start(twin)
    expect(concerned(inventory, changed)).toStrictEqual(['default/a', 'default/twin'])
    expect(concerned(inventory, twin)).toStrictEqual(['default/a', 'default/twin'])
    expect(concernedByLoss(inventory, twin)).toStrictEqual(['default/a', 'default/twin'])
  })

  test('and the bindings of both collisions, when it moves from one to another', () => {
    const inventory = start(twin)
    const moved = binding({ name: 'twin', spec: { containerName: 'side' } })
    expect(concerned(inventory, moved)).toStrictEqual(['default/a', 'default/b', 'default/twin'])
  })
})

const ours = (name: string, owner: string, spec: JsonObject = {}): Manifest =>
  clusterSpiffeId(name, { annotations: { [ownerAnnotation]: owner } }, spec)

describe('an output concerns', () => {
  test('its binding, also when that is gone, and its former binding', () => {
    const inventory = start()
    expect(concerned(inventory, ours('x', 'default/gone'))).toStrictEqual(['default/gone'])
    expect(concerned(inventory, ours('x', 'default/a'))).toStrictEqual(['default/a', 'default/gone'])
    expect(concernedByLoss(inventory, ours('x', 'default/a'))).toStrictEqual(['default/a'])
    expect(concernedByLoss(inventory, ours('x', 'default/a'))).toStrictEqual([])
  })

  test('nobody when it is foreign', () => {
    const inventory = start()
    expect(concerned(inventory, clusterSpiffeId('x'))).toStrictEqual([])
    expect(concernedByLoss(inventory, clusterSpiffeId('x'))).toStrictEqual([])
  })

  test('the bindings that want its name', () => {
    const inventory = start()
    const { name } = renderedFrom(a, inventory).metadata
    expect(concerned(inventory, clusterSpiffeId(name))).toStrictEqual(['default/a'])
    expect(concernedByLoss(inventory, clusterSpiffeId(name))).toStrictEqual(['default/a'])
  })

  test('the binding whose output it is a copy of, and no other: a copy holds no key', () => {
    const inventory = start()
    const copy = ours('x', 'default/b', renderedFrom(a, inventory).spec)
    expect(concerned(inventory, copy)).toStrictEqual(['default/b'])
    expect(inventory.copiesOf('default/b')).toMatchObject([{ name: 'x', owner: undefined }])
    expect(inventory.outputsOf('default/b')).toStrictEqual([])
    expect(inventory.outputsServing(keyOf(inventory), 'default/a')).toStrictEqual([])
    expect(concernedByLoss(inventory, copy)).toStrictEqual(['default/b'])
    expect(inventory.copiesOf('default/b')).toStrictEqual([])
  })

  test('the bindings that wait for the container which it still serves', () => {
    const inventory = start()
    const name = 'kleym-default-gone-objective-00000000'
    const rival = ours(name, 'default/gone', renderedFrom(a, inventory).spec)
    expect(concerned(inventory, rival)).toStrictEqual(['default/a', 'default/gone'])
    expect(inventory.outputsServing(keyOf(inventory), 'default/a')).toMatchObject([{ name }])
    expect(inventory.outputsServing(keyOf(inventory), 'default/gone')).toStrictEqual([])
    expect(concernedByLoss(inventory, rival)).toStrictEqual(['default/a', 'default/gone'])
    expect(inventory.outputsServing(keyOf(inventory), 'default/a')).toStrictEqual([])
  })

  test('the bindings that wait for what the former operator left of a binding, when that binding comes or goes', () => {
    const inventory = start()
    const other = poolOnly({ name: 'other' })
    const { spec } = renderedFrom(a, inventory)
    const left = clusterSpiffeId(
      'kleym-default-other-objective-00000000',
      {
        labels: {
          'kleym.sonda.red/managed-by': 'kleym',
          'kleym.sonda.red/binding-name': 'other',
          'kleym.sonda.red/binding-namespace': 'default',
        },
      },
      { ...spec, hint: 'default/other' },
    )
    inventory.apply(upserted(left))
    // Nobody waits for the outputs that the former operator left of a binding that is gone.
    expect(inventory.outputsServing(keyOf(inventory), 'default/a')).toStrictEqual([])
    expect(concerned(inventory, other)).toStrictEqual(['default/a', 'default/other'])
    expect(inventory.outputsServing(keyOf(inventory), 'default/a')).toHaveLength(1)
    expect(concernedByLoss(inventory, other)).toStrictEqual(['default/a', 'default/other'])
    expect(inventory.outputsServing(keyOf(inventory), 'default/a')).toStrictEqual([])
  })
})

const keyOf = (inventory: Inventory): string => collisionKeyIn(decodeOutput(renderedFrom(a, inventory))) ?? ''

test('a kind that comes or goes concerns everyone', () => {
  const inventory = start()
  for (const served of [false, true]) {
    const concerns = inventory.apply({ kind: 'served', resource: clusterSpiffeIdResource, served })
    expect([...concerns].toSorted()).toStrictEqual(everyone)
  }
})

test('the keys are those of all bindings and of all owners of outputs', () => {
  const name = 'kleym-default-gone-pool-00000000'
  const orphan = clusterSpiffeId(name, { annotations: { [ownerAnnotation]: 'default/gone' } })
  expect([...start(orphan, clusterSpiffeId('y')).keys()].toSorted()).toStrictEqual(
    [...everyone, 'default/gone'].toSorted(),
  )
})

test('what a change concerns does not grow with bindings that have nothing to do with it', () => {
  const crowd = Array.from({ length: 500 }, (_, index) =>
    binding({
      name: `x${index}`,
      spec: { poolRef: { name: 'far' }, objectiveRef: { name: 'far' }, containerName: `c${index}` },
    }),
  )
  const inventory = start(...crowd)
  expect(concernedByLoss(inventory, objective())).toStrictEqual(['default/a', 'default/b'])
  expect(concerned(inventory, pool({ selector: {} }))).toStrictEqual([
    'default/a',
    'default/b',
    'default/whole',
  ])
})

const stakesIn = (inventory: Inventory) =>
  inventory
    .bindings()
    .map((one) => inventory.stakeOf(one))
    .toArray()

const served = (resource: (typeof optionalResources)[number], schema: string, isServed = true): Change => ({
  kind: 'served',
  resource,
  served: isServed,
  schema,
})

describe('a change of what is served', () => {
  test.each([...optionalResources, bindingResource])(
    'of $kind of $group, in its schema alone, works out no binding and concerns none',
    (resource) => {
      const inventory = start()
      inventory.apply(served(resource, 'one'))
      const before = stakesIn(inventory)
      expect(inventory.apply(served(resource, 'two'))).toStrictEqual(new Set())
      expect(inventory.schemaOf(resource)).toBe('two')
      for (const [at, stake] of stakesIn(inventory).entries()) expect(stake).toBe(before[at])
    },
  )

  test.each([...poolResources.slice(1), clusterSpiffeIdResource])(
    'of $kind of $group, of which no object exists, concerns all bindings and works out none',
    (resource) => {
      const inventory = start()
      const before = stakesIn(inventory)
      for (const isServed of [false, true])
        expect(inventory.apply(served(resource, 'one', isServed))).toStrictEqual(new Set(inventory.keys()))
      for (const [at, stake] of stakesIn(inventory).entries()) expect(stake).toBe(before[at])
    },
  )

  test('of a kind with objects works out all bindings anew', () => {
    const inventory = start()
    const [pools] = poolResources
    inventory.apply(served(pools ?? bindingResource, 'one', false))
    expect(stakesIn(inventory).flatMap(({ identity }) => identity ?? [])).toStrictEqual([])
  })
})

const isByOther = (inventory: Inventory, key: BindingKey): boolean => {
  const one = inventory.binding(key)
  return one !== undefined && inventory.stakeOf(one).identity?.pods.labels['app'] === 'other'
}

const crowd = (atOnce: number, namespaces = ['default']): Inventory => {
  const inventory = new Inventory(settings, { atOnce })
  for (const resource of optionalResources) inventory.apply({ kind: 'served', resource, served: true })
  for (const namespace of namespaces)
    for (const object of [
      pool({ namespace }),
      objective({ namespace }),
      ...['a', 'b', 'c'].map((name) => binding({ name, namespace, spec: { containerName: name } })),
    ])
      inventory.apply(upserted(object))
  return inventory
}

describe('a change that concerns more bindings than are worked out at once', () => {
  const other = { matchLabels: { app: 'other' } }
  const all = ['default/a', 'default/b', 'default/c'] as const

  test('is worked out at once if it concerns exactly that many', () => {
    const inventory = crowd(3)
    expect(inventory.apply(upserted(pool({ selector: other })))).toStrictEqual(new Set(all))
    expect(inventory.isAllWorkedOut).toBe(true)
  })

  test('is worked out binding by binding, and all are returned after the last', () => {
    const inventory = crowd(2)
    expect(inventory.apply(upserted(pool({ selector: other })))).toStrictEqual(new Set())
    for (const known of [1, 2, 3]) {
      expect(inventory.workOutNext()).toBe(undefined)
      expect(all.filter((key) => isByOther(inventory, key))).toHaveLength(known)
      expect(inventory.isWorkedOut('default')).toBe(false)
    }
    expect(new Set(inventory.workOutNext())).toStrictEqual(new Set(all))
    expect(inventory.isWorkedOut('default')).toBe(true)
  })

  test('leaves other namespaces worked out', () => {
    const inventory = crowd(2, ['default', 'far'])
    inventory.apply(upserted(pool({ selector: other })))
    expect(inventory.isWorkedOut('far')).toBe(true)
    inventory.apply({ kind: 'served', resource: poolResources[0] ?? bindingResource, served: false })
    expect(inventory.isWorkedOut('far')).toBe(false)
  })

  test('comes before those that are older', () => {
    const inventory = crowd(2, ['default', 'far'])
    inventory.apply(upserted(pool({ selector: other })))
    inventory.apply(upserted(pool({ namespace: 'far', selector: other })))
    inventory.workOutNext()
    expect([isByOther(inventory, 'far/a'), isByOther(inventory, 'default/a')]).toStrictEqual([true, false])
  })

  test('takes the place of older ones that it covers, and also returns the bindings that those concerned', () => {
    const [, pools = bindingResource] = poolResources
    const inventory = crowd(2)
    const spec = { poolRef: { name: 'far' }, objectiveRef: { name: 'far' }, containerName: 'a' }
    for (const object of [
      pool({ name: 'elsewhere', group: pools.group }),
      pool({ name: 'far', selector: other }),
      objective({ name: 'far', poolRef: { name: 'far' } }),
      binding({ name: 'd', spec }),
      pool({ selector: other }),
    ])
      inventory.apply(upserted(object))
    // Once this is settled, binding a claims the key that binding d has.
    inventory.workOutNext()
    inventory.apply({ kind: 'served', resource: pools, served: false })
    const told: BindingKey[] = []
    let steps = 0
    for (; !inventory.isWorkedOut('default'); steps++) told.push(...(inventory.workOutNext() ?? []))
    expect(steps).toBe(5)
    expect(told.filter((key) => key === 'default/d')).toHaveLength(2)
  })
})

test('the version of a namespace grows with each change of its bindings, their coming and going included', () => {
  const inventory = inventoryOf([pool(), objective()])
  const chat = binding()
  const before = inventory.revisionOf('default')
  const versions = [upserted(chat), removed(chat), upserted(chat)].map((change) => {
    inventory.apply(change)
    return inventory.revisionOf('default')
  })
  expect(new Set([before, ...versions]).size).toBe(4)
  inventory.apply(upserted(binding({ namespace: 'elsewhere' })))
  expect(inventory.revisionOf('default')).toBe(versions.at(-1))
})
