import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeBinding } from '../../src/core/binding.ts'
import { evaluate } from '../../src/core/evaluate.ts'
import { rules, type RuleName } from '../../src/core/findings.ts'
import type { Resource } from '../../src/core/resources.ts'
import { confirm, readContender, needsConfirmation } from '../../src/webhook/confirm.ts'
import { bindings, objectives, pools } from '../support/arbitraries.ts'
import {
  binding,
  evaluationOf,
  inventoryOf,
  objective,
  pool,
  reasonsOf,
  without,
} from '../support/builders.ts'
import { resourceOf, type Manifest } from '../support/vectors.ts'

const scene = [pool(), objective()]
const peers = (count: number): readonly Manifest[] =>
  Array.from({ length: count }, (_, index) => binding({ name: `peer-${String(index).padStart(3, '0')}` }))

/** A live reader of these objects, and the list of its reads. */
function reader(live: readonly Manifest[]) {
  const reads: string[] = []
  const read = async (resource: Resource, at: { readonly namespace: string; readonly name: string }) => {
    reads.push(`${resource.group} ${resource.kind} ${at.namespace}/${at.name}`)
    await Promise.resolve()
    return live.find(
      (one) =>
        resourceOf(one) === resource &&
        one.metadata.namespace === at.namespace &&
        one.metadata.name === at.name,
    )
  }
  return { read, reads }
}

const asking = decodeBinding(binding())

const keyOf = (one: Manifest, others: readonly Manifest[]): string =>
  evaluationOf(one, others).identity?.collisionKey ?? ''

describe('what is confirmed', () => {
  const doubtful: readonly RuleName[] = [
    'targetPoolNotFound',
    'targetObjectiveNotFound',
    'objectiveOfAnotherPool',
    'invalidPoolSelector',
    'identityCollision',
    'pendingCollision',
  ]

  test('are the failures that depend on another object, but not a missing kind', () => {
    const names: readonly RuleName[] = Object.keys(rules).filter((name): name is RuleName => name in rules)
    const asked = names.filter((rule) =>
      needsConfirmation([{ rule, field: '', cause: 'Invalid', value: '', message: '' }]),
    )
    expect(asked.toSorted()).toEqual(doubtful.toSorted())
    expect(needsConfirmation([])).toBe(false)
  })
})

describe('the world once read', () => {
  test('has the pools and objectives of the binding as the API server has them, whatever memory has', async () => {
    await fc.assert(
      fc.asyncProperty(
        bindings,
        fc.array(fc.oneof(pools, objectives)),
        fc.array(fc.oneof(pools, objectives)),
        async (one, remembered, found) => {
          const live = lastOfEach(found)
          const world = await confirm(decodeBinding(one), inventoryOf(remembered), reader(live).read)
          const { findings, identity } = evaluate(decodeBinding(one), world)
          const expected = evaluate(decodeBinding(one), inventoryOf(live))
          expect({ findings, identity }).toEqual(expected)
        },
      ),
    )
  })

  test('has a peer for as long as it holds the key, and no other', async () => {
    const remembered = [...scene, ...peers(3)]
    for (const there of [[], peers(1), peers(3)]) {
      const { read } = reader([...scene, ...there])
      const world = await confirm(decodeBinding(binding()), inventoryOf(remembered), read)
      const { findings } = evaluate(decodeBinding(binding()), world)
      expect(findings.map(({ message }) => /bindings (.*):/.exec(message)?.[1])).toEqual(
        there.length === 0 ? [] : [there.map(({ metadata }) => metadata.name).join(', ')],
      )
    }
  })

  test('has no neighbour that turned out to be gone', async () => {
    const { read } = reader(scene)
    const world = await confirm(decodeBinding(binding()), inventoryOf([...scene, ...peers(2)]), read)
    const one = decodeBinding(binding())
    const { identity } = evaluate(one, world)
    if (!identity) throw new Error('it stands for nothing')
    expect([...world.neighbours.sharingSpiffeId(identity.spiffeId)]).toEqual([])
    expect([...world.neighbours.overlapping(one, identity)]).toEqual([])
    expect([...world.neighbours.onPool(one, 'inference.networking.k8s.io', 'PerObjective')]).toEqual([])
  })

  test('has only neighbours that were read if advice about them can refuse, however many memory knows', async () => {
    const others = Array.from({ length: 200 }, (_, index) =>
      binding({ name: `other-${index}`, spec: { containerName: `other-${index}` } }),
    )
    const [there] = others
    const { read } = reader(there ? [...scene, there] : scene)
    const remembered = inventoryOf([...scene, ...others])
    const one = decodeBinding(binding())
    const world = await confirm(one, remembered, read, { neighbours: true })
    const id = evaluate(one, world).identity?.spiffeId ?? ''
    expect([...remembered.neighbours.sharingSpiffeId(id)]).toHaveLength(200)
    expect([...world.neighbours.sharingSpiffeId(id)]).toEqual(['other-0'])
    expect([...world.neighbours.onPool(one, 'inference.networking.k8s.io', 'PerObjective')]).toEqual([
      'other-0',
    ])
  })
})

describe('the reads', () => {
  test('are of the references, and of the peers only where the key is contested', async () => {
    const { read, reads } = reader(scene)
    await confirm(decodeBinding(binding()), inventoryOf(scene), read)
    expect(reads.toSorted()).toEqual([
      'inference.networking.k8s.io InferenceObjective default/chat',
      'inference.networking.k8s.io InferencePool default/chat',
      'inference.networking.x-k8s.io InferenceObjective default/chat',
      'inference.networking.x-k8s.io InferencePool default/chat',
      'llm-d.ai InferenceObjective default/chat',
    ])
  })

  test('are of kinds that are served', async () => {
    const { read, reads } = reader(scene)
    await confirm(decodeBinding(binding()), inventoryOf(scene, { served: without('x-k8s', 'llm-d') }), read)
    expect(reads.toSorted()).toEqual([
      'inference.networking.k8s.io InferenceObjective default/chat',
      'inference.networking.k8s.io InferencePool default/chat',
    ])
  })

  test('end with the first peers of which one holds the key', async () => {
    const all = [...scene, ...peers(100)]
    const { read, reads } = reader(all)
    await confirm(decodeBinding(binding()), inventoryOf(all), read)
    expect(reads.filter((one) => one.includes('peer-')).length).toBeLessThanOrEqual(16)
  })

  test('go through all peers before a key is called free', async () => {
    const remembered = [...scene, ...peers(100)]
    const last = peers(100).slice(-1)
    const { read, reads } = reader([...scene, ...last])
    const world = await confirm(decodeBinding(binding()), inventoryOf(remembered), read)
    expect(reads.filter((one) => one.includes('peer-'))).toHaveLength(100)
    expect(reasonsOf(evaluate(decodeBinding(binding()), world))).toEqual(['IdentityCollision'])
  })

  test('of one pool and objective are made once, however many peers share them', async () => {
    const all = [...scene, ...peers(16)]
    const { read, reads } = reader(all)
    await confirm(decodeBinding(binding()), inventoryOf(all), read)
    expect(reads).toHaveLength(new Set(reads).size)
  })

  test.for(['../../secrets', 'a/b', '', 'Chat', 'é', { a: 1 }, 7, null])(
    'are never of a name like %j',
    async (name) => {
      const { read, reads } = reader(scene)
      const one = binding({ spec: { poolRef: { name }, objectiveRef: { name } } })
      await confirm(decodeBinding(one), inventoryOf(scene), read)
      expect(reads).toEqual([])
    },
  )

  test('that fail are no answer', async () => {
    await expect(confirm(decodeBinding(binding()), inventoryOf(scene), noAnswer)).rejects.toThrow('gone')
    const asked = readContender('peer', keyOf(binding(), scene), asking, inventoryOf(scene), noAnswer)
    await expect(asked).rejects.toThrow('gone')
  })
})

describe('a binding has a key by a live read', () => {
  const peer = binding({ name: 'peer' })
  const key = keyOf(peer, scene)
  const holds = (live: readonly Manifest[], remembered: readonly Manifest[] = []) =>
    readContender('peer', key, asking, inventoryOf(remembered), reader(live).read).then(
      ({ contender }) => contender === 'rival',
    )

  test.for<readonly [string, boolean, readonly Manifest[]]>([
    ['it and what it refers to are there', true, [...scene, peer]],
    ['it is not there', false, scene],
    [
      'it is being deleted',
      false,
      [...scene, binding({ name: 'peer', metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } })],
    ],
    [
      'it is for another container',
      false,
      [...scene, binding({ name: 'peer', spec: { containerName: 'x' } })],
    ],
    [
      'its pool selects others',
      false,
      [pool({ selector: { matchLabels: { app: 'x' } } }), objective(), peer],
    ],
    ['its pool is gone', false, [objective(), peer]],
    ['its objective is of another pool', false, [pool(), objective({ poolRef: { name: 'x' } }), peer]],
    ['it stands for nothing', false, [...scene, binding({ name: 'peer', spec: { mode: 'Both' } })]],
  ])('%s: %s', async ([, expected, live]) => {
    expect(await holds(live)).toBe(expected)
  })

  test('what memory has of it and of its references makes no difference', async () => {
    const present = [...scene, peer]
    expect(await holds([], present)).toBe(false)
    expect(await holds(present, [pool({ selector: {} }), objective({ poolRef: { name: 'x' } })])).toBe(true)
  })
})

const noAnswer = (): Promise<unknown> => Promise.reject(new Error('gone'))

/** The objects as an API server would have them: of several with one kind and name, the last. */
function lastOfEach(objects: readonly Manifest[]): readonly Manifest[] {
  return [...new Map(objects.map((one) => [placeOf(one), one])).values()]
}

const placeOf = ({ apiVersion, kind, metadata }: Manifest): string =>
  `${apiVersion} ${kind} ${metadata.namespace}/${metadata.name}`
