import { describe, expect, test } from 'vitest'
import { objectiveResources, poolResources } from '../../src/core/resources.ts'
import type { AdmissionResponse } from '../../src/webhook/admission-review.ts'
import { binding, objective, pool, poolOnly } from '../support/builders.ts'
import { resourceOf, type Manifest } from '../support/vectors.ts'
import { stage } from './stage.ts'

const scene = [pool(), objective(), binding()]
const unsafe = pool({ selector: {} })
const [, xPools] = poolResources.map(({ group }) => group)

/** A twin of pool `chat`, whose binding waits for its objective. */
const twin = [
  pool({ name: 'twin' }),
  binding({ name: 'twin', spec: { poolRef: { name: 'twin' }, objectiveRef: { name: 'twin' } } }),
]
const twinObjective = objective({ name: 'twin', poolRef: { name: 'twin' } })

const many = (count: number): readonly Manifest[] =>
  Array.from({ length: count }, (_, index) => poolOnly({ name: `chat-${String(index).padStart(2, '0')}` }))

const withChanged = (some: readonly Manifest[], name: string, as: Manifest): readonly Manifest[] =>
  some.map((one) => (one.metadata.name === name ? as : one))

const messageOf = (response: AdmissionResponse): string =>
  response.kind === 'denied' ? response.status.message : 'allowed'

describe('an object that completes a wrong set is refused', () => {
  test('as Forbidden, with the binding, the reason and what to do', async () => {
    const response = await stage({ remembered: [binding()] }).judge(unsafe)
    expect(response).toMatchObject({
      kind: 'denied',
      status: { code: 403, reason: 'Forbidden', details: { name: 'chat', kind: 'InferencePool' } },
      auditAnnotations: { decision: 'deny', reasons: 'InvalidPoolSelector' },
    })
    expect(messageOf(response)).toBe(
      'InferenceIdentityBinding chat would get no identity: UnsafeSelector/InvalidPoolSelector: spec.poolRef.name "chat": InferencePool spec.selector is empty and would select every pod; let the pool select by labels alone: in spec.selector.matchLabels or, in group inference.networking.x-k8s.io, right in spec.selector',
    )
  })

  test('where it completes a collision, in the words that other tools parse, and a warning says what to do', async () => {
    const response = await stage({ remembered: [...scene, ...twin] }).judge(twinObjective)
    expect(messageOf(response).split('\n')).toEqual([
      'InferenceIdentityBinding chat would get no identity: Conflict/IdentityCollision: identity collision with bindings twin: PerObjective bindings must not share the same pod selector and container name',
      'InferenceIdentityBinding twin would get no identity: Conflict/IdentityCollision: identity collision with bindings chat: PerObjective bindings must not share the same pod selector and container name',
    ])
    expect(response.warnings).toEqual([
      'spec.poolRef: give this objective another pool, or all but one of the bindings that the refusal names another container or service account; or, if one of them is only a new name for another, set its annotation kleym.sonda.red/replaces to the name of that one',
    ])
  })

  test('by an update as by a creation', async () => {
    expect(messageOf(await stage({ remembered: scene }).judge(unsafe, 'UPDATE'))).toContain(
      'chat would get no identity: UnsafeSelector/InvalidPoolSelector',
    )
  })

  test('with at most ten bindings by name', async () => {
    const response = await stage({ remembered: many(25) }).judge(unsafe)
    const lines = messageOf(response).split('\n')
    expect(lines).toHaveLength(11)
    expect(lines.slice(0, 10).map((line) => line.split(' ')[1])).toEqual(
      many(10).map(({ metadata }) => metadata.name),
    )
    expect(lines.at(-1)).toBe('15 more InferenceIdentityBindings would get no identity')
  })

  test('in every group of pools and objectives', async () => {
    for (const { group } of poolResources)
      expect(
        messageOf(await stage({ remembered: [binding()] }).judge(pool({ group, selector: {} }))),
      ).toContain('InvalidPoolSelector')
    for (const { group } of objectiveResources) {
      const object = objective({ name: 'twin', group, poolRef: { name: 'twin' } })
      expect(messageOf(await stage({ remembered: [...scene, ...twin] }).judge(object))).toContain(
        'IdentityCollision',
      )
    }
  })

  test('of a kind that memory does not know to be served', async () => {
    const served = [resourceOf(objective())]
    const response = await stage({ remembered: [binding()], served }).judge(unsafe)
    expect(messageOf(response)).toContain('InvalidPoolSelector')
  })

  test('for new harm alone', async () => {
    const older = pool({ selector: {}, metadata: { labels: { a: 'b' } } })
    const changed = pool({ selector: { matchLabels: {} } })
    const response = await stage({ remembered: [older, objective(), binding()] }).judge(changed, 'UPDATE')
    expect(response).toMatchObject({ kind: 'allowed', warnings: [] })
  })
})

describe('memory is no excuse', () => {
  test('for a binding that it has not seen', async () => {
    const { judge } = stage({ remembered: [], live: [binding()] })
    expect(messageOf(await judge(unsafe))).toContain('chat would get no identity')
  })

  test('for a binding that has become another', async () => {
    const before = binding({ spec: { poolRef: { name: 'other' } } })
    const remembered = [{ ...before, metadata: { ...before.metadata, resourceVersion: '1' } }]
    const live = [{ ...binding(), metadata: { ...binding().metadata, resourceVersion: '2' } }]
    expect(messageOf(await stage({ remembered, live }).judge(unsafe))).toContain('chat would get no identity')
  })

  test('for an object that a binding refers to and it has not seen', async () => {
    const live = [...scene, ...twin]
    const remembered = live.filter((one) => one.kind !== 'InferencePool')
    expect(messageOf(await stage({ remembered, live }).judge(twinObjective))).toContain('IdentityCollision')
  })

  test('for thousands of them, which are listed', async () => {
    const pools = Array.from({ length: 30 }, (_, at) => pool({ name: `p-${at}` }))
    const bindings = pools.map(({ metadata: { name } }) =>
      binding({ name, spec: { poolRef: { name }, objectiveRef: { name: 'shared' }, containerName: name } }),
    )
    const { judge, lists, reads } = stage({ remembered: bindings, live: [...pools, ...bindings] })
    await judge(objective({ name: 'shared', poolRef: { name: 'p-1' } }))
    expect(lists).toContain('inference.networking.k8s.io/inferencepools/default')
    expect(reads.filter((read) => read.includes('/inferencepools/'))).toEqual([])
  })

  test('to refuse for a binding that is gone', async () => {
    const { judge } = stage({ remembered: [binding()], live: [] })
    expect(await judge(unsafe)).toMatchObject({ kind: 'allowed', warnings: [] })
  })

  test('to refuse for a binding that is gone, where it lacks the object before the change, too', async () => {
    const { judge } = stage({ remembered: [binding()], live: [] })
    expect(messageOf(await judge(unsafe, 'UPDATE', { oldObject: pool() }))).toBe('allowed')
  })

  test('to refuse beside a binding that is gone', async () => {
    const remembered = [...scene, ...twin]
    const live = remembered.filter(
      ({ kind, metadata }) => kind === 'InferencePool' || metadata.name !== 'chat',
    )
    expect(messageOf(await stage({ remembered, live }).judge(twinObjective))).toBe('allowed')
  })

  test('to refuse for a pool that has come to select others', async () => {
    const moved = pool({ name: 'twin', selector: { matchLabels: { app: 'twin' } } })
    const live = [...scene, ...twin].map((one) =>
      one.kind === 'InferencePool' && one.metadata.name === 'twin' ? moved : one,
    )
    const { judge } = stage({ remembered: [...scene, ...twin], live })
    expect(messageOf(await judge(twinObjective))).toBe('allowed')
  })

  test('where a watch brings the binding while the namespace is listed', async () => {
    const chat = binding({ metadata: { resourceVersion: '7' } })
    const other = binding({ name: 'other', metadata: { resourceVersion: '8' } })
    for (const remembered of [[], [other]]) {
      const { judge } = stage({ remembered, live: [...remembered, chat], meanwhile: [chat] })
      expect(messageOf(await judge(unsafe))).toContain('chat would get no identity')
    }
  })

  test('and a list that fails is no answer', async () => {
    await expect(stage({ remembered: [binding()], live: undefined }).judge(unsafe)).rejects.toThrow('gone')
  })

  test('one list is all that a namespace without bindings costs', async () => {
    const { judge, lists, reads } = stage({ remembered: [pool({ name: 'other' })] })
    await judge(unsafe)
    expect(lists).toEqual(['kleym.sonda.red/inferenceidentitybindings/default'])
    expect(reads).toEqual([])
  })
})

const versioned = (one: Manifest, resourceVersion = '1'): Manifest => ({
  ...one,
  metadata: { ...one.metadata, resourceVersion },
})

const crowd = (count: number): readonly Manifest[] =>
  Array.from({ length: count }, (_, index) => {
    const name = `chat-${String(index).padStart(2, '0')}`
    return versioned(binding({ name, spec: { containerName: name } }))
  })

describe('the rest of a long list', () => {
  const hanging = { size: 12, later: 'hang' } as const
  const coming = { size: 12, later: 'come' } as const
  const remembered = [pool(), objective(), ...crowd(25)]
  const moved = pool({ selector: { matchLabels: { app: 'moved' } } })

  test('is not waited for where all that a refusal may name is listed', async () => {
    const lines = messageOf(await stage({ remembered, pages: hanging }).judge(unsafe, 'UPDATE')).split('\n')
    expect(lines).toHaveLength(11)
    expect(lines[9]).toContain('InferenceIdentityBinding chat-09 would get no identity')
    expect(lines[10]).toBe('15 more InferenceIdentityBindings would get no identity')
  })

  test('is not waited for where other pods get the identities, whoever the bindings are', async () => {
    const response = await stage({ remembered, pages: hanging }).judge(moved, 'UPDATE')
    expect(response.kind).toBe('allowed')
    expect(response.warnings).toHaveLength(11)
    expect(response.warnings[0]).toContain(
      'chat-00 gives spiffe://example.org/ns/default/objective/chat to pods',
    )
    expect(response.warnings.at(-1)).toBe('15 more InferenceIdentityBindings are affected')
  })

  test.for<readonly [string, readonly Manifest[], readonly Manifest[], Manifest, string]>([
    [
      'where it has more bindings than memory',
      remembered,
      [...remembered, ...crowd(26).slice(25)],
      unsafe,
      '16 more InferenceIdentityBindings would get no identity',
    ],
    [
      'where the first page has a binding that memory lacks',
      remembered.filter(({ metadata }) => metadata.name !== 'chat-03'),
      remembered,
      unsafe,
      'chat-03 would get no identity',
    ],
    [
      'where the first page has a binding that memory has as it was',
      remembered.map((one) => (one.metadata.name === 'chat-03' ? binding({ name: 'chat-03' }) : one)),
      remembered,
      unsafe,
      'chat-09 would get no identity',
    ],
  ])('is waited for %s', async ([, known, live, object, words]) => {
    const { judge } = stage({ remembered: known, live, pages: coming })
    expect(messageOf(await judge(object, 'UPDATE', { oldObject: pool() }))).toContain(words)
  })

  test('is waited for where another pool has the new selector, for a binding that memory has as it was', async () => {
    const other = pool({ name: 'other', selector: { matchLabels: { app: 'moved' } } })
    const toOther = objective({ name: 'other', poolRef: { name: 'other' } })
    const late = binding({ name: 'late', spec: { containerName: 'elsewhere' } })
    const spec = { poolRef: { name: 'other' }, objectiveRef: { name: 'other' }, containerName: 'chat-07' }
    const known = [...remembered, other, toOther, versioned(late)]
    const live = [...remembered, other, toOther, versioned(binding({ name: 'late', spec }), '2')]
    const response = await stage({ remembered: known, live, pages: coming }).judge(moved, 'UPDATE')
    expect(messageOf(response)).toContain('identity collision with bindings late')
  })

  const elsewhere = { poolRef: { name: 'elsewhere' } }
  test('is waited for where a refusal names fewer than it may', async () => {
    const [few, rest] = [crowd(5), crowd(25).slice(5)]
    const others = rest.map(({ metadata }) =>
      versioned(binding({ name: metadata.name, spec: { ...elsewhere, containerName: metadata.name } })),
    )
    const known = [pool(), objective(), ...few, ...others]
    const late = versioned(binding({ name: 'chat-20', spec: { containerName: 'chat-20' } }), '2')
    const { judge } = stage({ remembered: known, live: withChanged(known, 'chat-20', late), pages: coming })
    expect(messageOf(await judge(unsafe, 'UPDATE'))).toContain('chat-20 would get no identity')
  })

  test('is waited for until all that a refusal names is listed', async () => {
    const gone = versioned(
      binding({ name: 'chat-07', spec: { ...elsewhere, containerName: 'chat-07' } }),
      '2',
    )
    const live = withChanged(remembered, 'chat-07', gone)
    const { judge } = stage({ remembered, live, pages: { ...coming, size: 5 } })
    const message = messageOf(await judge(unsafe, 'UPDATE'))
    expect(message).toContain('chat-10 would get no identity')
    expect(message).not.toContain('chat-07')
  })

  test('is waited for where the new selector is that of a pool of the other group', async () => {
    const other = pool({ name: 'other', group: xPools, selector: { app: 'moved' } })
    const toOther = objective({ name: 'other', poolRef: { name: 'other', group: xPools } })
    const spec = {
      poolRef: { name: 'other', group: xPools },
      objectiveRef: { name: 'other' },
      containerName: 'chat-07',
    }
    const known = [...remembered, other, toOther, versioned(binding({ name: 'late', spec: elsewhere }))]
    const live = withChanged(known, 'late', versioned(binding({ name: 'late', spec }), '2'))
    const response = await stage({ remembered: known, live, pages: coming }).judge(moved, 'UPDATE')
    expect(messageOf(response)).toContain('identity collision with bindings late')
  })

  test('is waited for where pools can not be listed', async () => {
    const { judge } = stage({ remembered, pages: coming, unlisted: poolResources })
    const response = await judge(moved, 'UPDATE')
    expect(response).toMatchObject({ kind: 'allowed' })
    expect(response.warnings.at(-1)).toBe('15 more InferenceIdentityBindings are affected')
  })

  test('is waited for where a read may take the refusal back', async () => {
    // Memory has pool `late` with the selector that pool `chat` is to get; the API server no longer has it so.
    const late = pool({ name: 'late', selector: { matchLabels: { app: 'moved' } } })
    const turned = pool({ name: 'late', selector: { matchLabels: { app: 'late' } } })
    const other = pool({ name: 'other', selector: { matchLabels: { app: 'moved' } } })
    const rivals = crowd(11).map(({ metadata: { name } }) =>
      versioned(
        binding({
          name: `b-${name}`,
          spec: { poolRef: { name: 'late' }, objectiveRef: { name: 'late' }, containerName: name },
        }),
      ),
    )
    const toLate = objective({ name: 'late', poolRef: { name: 'late' } })
    const toOther = objective({ name: 'other', poolRef: { name: 'other' } })
    const spec = { poolRef: { name: 'other' }, objectiveRef: { name: 'other' }, containerName: 'chat-20' }
    const last = versioned(binding({ name: 'z-last', spec: elsewhere }))
    const known = [...remembered, late, other, toLate, toOther, ...rivals, last]
    const live = withChanged(
      known.map((one) => (one === late ? turned : one)),
      'z-last',
      versioned(binding({ name: 'z-last', spec }), '2'),
    )
    const pages = { ...coming, size: 36 }
    const response = await stage({ remembered: known, live, pages }).judge(moved, 'UPDATE')
    expect(messageOf(response)).toContain('identity collision with bindings z-last')
  })

  test('is waited for where the API server does not tell how long it is', async () => {
    const live = [...remembered, ...crowd(26).slice(25)]
    const { judge } = stage({ remembered, live, pages: { ...coming, counts: false } })
    expect(messageOf(await judge(unsafe, 'UPDATE'))).toContain('16 more')
  })
})

describe('the loss of an identity is warned of', () => {
  test.for<readonly [string, Manifest, 'CREATE' | 'UPDATE' | 'DELETE', string]>([
    ['when a pool goes', pool(), 'DELETE', 'InvalidRef/TargetPoolNotFound'],
    ['when an objective goes', objective(), 'DELETE', 'InvalidRef/TargetObjectiveNotFound'],
    [
      'when an objective turns to another pool',
      objective({ poolRef: { name: 'x' } }),
      'UPDATE',
      'InvalidRef/InvalidObjectiveRef',
    ],
  ])('%s', async ([, object, operation, reason]) => {
    const response = await stage({ remembered: scene }).judge(object, operation)
    expect(response).toMatchObject({ kind: 'allowed', patch: [] })
    expect(response.warnings).toEqual([
      expect.stringContaining(`InferenceIdentityBinding default/chat loses its identity: ${reason}: `),
    ])
  })

  test('of many by one deletion, in one line with a count', async () => {
    const users = ['a', 'b', 'c', 'd', 'e'].map((name) => binding({ name, spec: { containerName: name } }))
    const response = await stage({ remembered: [pool(), objective(), ...users] }).judge(pool(), 'DELETE')
    expect(response.warnings).toEqual([
      '5 InferenceIdentityBindings lose their identity by this (TargetPoolNotFound): a, b, c and 2 more',
    ])
  })

  test('of many that only get other pods, by a pool of the same name in another group, in no such line', async () => {
    const spec = { mode: 'PoolOnly', objectiveRef: undefined, containerName: undefined }
    const users = ['p', 'q'].map((name) => binding({ name, spec: { ...spec, serviceAccountName: name } }))
    const others = pool({ group: xPools, selector: { app: 'others' } })
    const { warnings } = await stage({ remembered: [pool(), others, ...users] }).judge(pool(), 'DELETE')
    expect(warnings).toEqual([
      expect.stringMatching(/^InferenceIdentityBinding p gives .* to pods labelled app=others/),
      expect.stringMatching(/^InferenceIdentityBinding q gives .* to pods labelled app=others/),
    ])
  })

  test('in the same answer as a refusal', async () => {
    const shadow = objective({ poolRef: { name: 'twin' } })
    const older = objective({ group: 'inference.networking.k8s.io' })
    const wider = binding({
      name: 'twin',
      spec: { poolRef: { name: 'twin' }, objectiveRef: { name: 'chat' } },
    })
    const remembered = [pool(), pool({ name: 'twin' }), older, binding(), wider]
    const response = await stage({ remembered }).judge(shadow)
    expect(messageOf(response)).toContain('twin would get no identity: Conflict/IdentityCollision')
    expect(messageOf(response)).toContain('chat would get no identity: Conflict/IdentityCollision')
  })

  test('of each object of a collection that is deleted, which the request does not name', async () => {
    const response = await stage({ remembered: scene }).judge(pool(), 'DELETE', { name: '' })
    expect(response.warnings).toEqual([expect.stringContaining('TargetPoolNotFound')])
  })

  test('and refused where that is asked for, but never of a deletion', async () => {
    const { judge } = stage({ remembered: scene, onLoss: 'deny' })
    expect(messageOf(await judge(objective({ poolRef: { name: 'x' } }), 'UPDATE'))).toContain(
      'loses its identity: InvalidRef/InvalidObjectiveRef',
    )
    expect(await judge(pool(), 'DELETE')).toMatchObject({ kind: 'allowed', warnings: [expect.any(String)] })
  })

  test('and not where that is ignored', async () => {
    const { judge } = stage({ remembered: scene, onLoss: 'ignore' })
    expect(await judge(pool(), 'DELETE')).toMatchObject({ kind: 'allowed', warnings: [] })
  })
})

describe('what is refused can be configured', () => {
  test.for<readonly [string, Parameters<typeof stage>[0], 'allowed' | 'refused', number]>([
    ['a warning for references', { onReferences: 'warn' }, 'allowed', 1],
    ['nothing for references', { onReferences: 'ignore' }, 'allowed', 0],
    ['a warning for the reason', { actions: { InvalidPoolSelector: 'warn' } }, 'allowed', 1],
    ['a warning for another reason', { actions: { IdentityCollision: 'warn' } }, 'refused', 0],
    [
      'a denial of the reason, a warning for references',
      { onReferences: 'warn', actions: { InvalidPoolSelector: 'deny' } },
      'allowed',
      1,
    ],
    ['a namespace that is labelled', { lenient: 'default' }, 'allowed', 1],
    ['another namespace that is labelled', { lenient: 'other' }, 'refused', 0],
  ])('%s', async ([, options, outcome, warnings]) => {
    const { judge, refusals } = stage({ remembered: [binding()], ...options })
    const response = await judge(unsafe)
    expect(response.kind === 'denied' ? 'refused' : 'allowed').toBe(outcome)
    expect(response.warnings).toHaveLength(warnings)
    expect(refusals).toEqual(outcome === 'refused' ? [['InvalidPoolSelector']] : [])
  })
})

describe('a change that harms nobody is allowed without a word', () => {
  test.for<readonly [string, readonly Manifest[], Manifest]>([
    ['a pool that completes a binding', [objective(), binding()], pool()],
    ['a pool of another namespace', [binding()], pool({ namespace: 'other', selector: {} })],
    ['a pool that nobody uses', scene, pool({ name: 'other', selector: {} })],
    [
      'a pool in a group that a binding does not name',
      [objective(), binding({ spec: { poolRef: { name: 'chat', group: 'inference.networking.k8s.io' } } })],
      pool({ group: xPools, selector: {} }),
    ],
    ['a pool of a binding whose own spec is wrong', [binding({ spec: { mode: 'Both' } })], unsafe],
  ])('%s', async ([, remembered, object]) => {
    expect(await stage({ remembered }).judge(object)).toEqual({
      kind: 'allowed',
      patch: [],
      warnings: [],
      auditAnnotations: {},
      end: { decision: 'allow', reason: undefined },
    })
  })

  test('a status', async () => {
    const { judge, lists } = stage({ remembered: scene })
    expect(await judge(unsafe, 'UPDATE', { subresource: 'status' })).toMatchObject({
      kind: 'allowed',
      warnings: [],
    })
    expect(lists).toEqual([])
  })

  test('a kind that is no pool', async () => {
    const { judge } = stage({ remembered: scene })
    expect(await judge(unsafe, 'UPDATE', { group: 'example.org' })).toMatchObject({
      kind: 'allowed',
      warnings: [],
    })
  })
})

const poolOf = (matchLabels: Record<string, string>): Manifest => pool({ selector: { matchLabels } })

describe('an identity that other pods get is said, with the labels of both', () => {
  test.for<readonly [string, Record<string, string>, Record<string, string>, string]>([
    [
      'another selector: not the pods of before',
      { app: 'chat' },
      { team: 'a' },
      'team=a by this change, instead of to those labelled app=chat',
    ],
    [
      'a wider selector: the pods of before keep it',
      { app: 'chat', tier: 'gpu' },
      { app: 'chat' },
      'app=chat by this change, no longer only to those labelled app=chat, tier=gpu',
    ],
  ])('%s', async ([, before, after, words]) => {
    const { judge } = stage({ remembered: [poolOf(before), objective(), binding()] })
    const { warnings } = await judge(poolOf(after), 'UPDATE')
    expect(warnings).toEqual([
      `InferenceIdentityBinding chat gives spiffe://example.org/ns/default/objective/chat to pods labelled ${words}`,
    ])
  })
})
