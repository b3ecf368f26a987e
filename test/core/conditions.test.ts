import { describe, expect, test } from 'vitest'
import { collisionMessage } from '../../src/core/checks/collision.ts'
import {
  conditionTypes,
  retryingStatus,
  statusOf,
  summaryIn,
  summaryOf,
  type Outcome,
} from '../../src/core/conditions.ts'
import { rules, type RuleName } from '../../src/core/findings.ts'
import { composeIdentity } from '../../src/core/identity.ts'
import { objectOr, sameJson, type JsonObject } from '../../src/core/json.ts'
import { podLabels } from '../../src/core/selectors.ts'
import { changeOfIdentity, isCurrent, settingsIn } from '../../src/core/stored-status.ts'
import { settings } from '../support/builders.ts'
import { ruleNames, rulesOfTheSpec } from '../support/rule-names.ts'

const identity = composeIdentity({
  namespace: 'default',
  mode: 'PoolOnly',
  spiffeId: 'spiffe://example.org/ns/default/pool/chat',
  poolGroup: 'inference.networking.k8s.io',
  serviceAccountName: 'server',
  pods: podLabels({ app: 'chat' }),
  container: undefined,
})
const ready: Outcome = { kind: 'ready', identity, output: { name: 'out', uid: 'u', generation: 4 } }
const failed = (rule: RuleName, message = 'no'): Outcome => ({ kind: 'failed', rule, message })

/** The messages of the conditions that are False, but for Ready. */
const messagesOf = (outcome: Outcome): Record<string, unknown> =>
  Object.fromEntries(
    conditionsIn(statusFor(outcome)).flatMap(({ type, status, message }) =>
      status === 'False' && type !== 'Ready' ? [[type, message]] : [],
    ),
  )

const notAll = (reason: string): string => `not checked to the end: ${reason} comes first`

const noon = new Date('2026-01-01T12:00:00.789Z')
const later = new Date('2026-01-01T13:00:00.123Z')

const statusFor = (outcome: Outcome, more: Partial<Parameters<typeof statusOf>[1]> = {}): JsonObject =>
  statusOf(outcome, { settings, generation: 1, previous: {}, now: noon, ...more })

const conditionsIn = (status: JsonObject): readonly JsonObject[] => {
  const { conditions } = status
  return Array.isArray(conditions) ? conditions.map(objectOr) : []
}
const column = (status: JsonObject, name: string): readonly unknown[] =>
  conditionsIn(status).map((condition) => condition[name])

const messageAfter = (refusal: string): unknown =>
  column(statusFor(failed('managedOutputApplyFailed', refusal)), 'message')[0]

describe('the five conditions', () => {
  test('of a binding that is ready', () => {
    expect(statusFor(ready)['conditions']).toMatchObject([
      { type: 'Ready', status: 'True', reason: 'Reconciled', observedGeneration: 1 },
      { type: 'Conflict', status: 'False', reason: 'Resolved' },
      { type: 'InvalidRef', status: 'False', reason: 'Resolved' },
      { type: 'UnsafeSelector', status: 'False', reason: 'Resolved' },
      { type: 'RenderFailure', status: 'False', reason: 'Resolved' },
    ])
  })

  test('a condition that is False says what was found to be right, or that it was not checked to the end', () => {
    const right = messagesOf(ready)
    const { Conflict, InvalidRef, UnsafeSelector } = right
    expect(new Set(Object.values(right)).size).toBe(4)
    expect(messagesOf(failed('managedOutputApplyFailed'))).toEqual({ Conflict, InvalidRef, UnsafeSelector })
    expect(messagesOf(failed('identityCollision'))).toEqual({
      InvalidRef,
      UnsafeSelector,
      RenderFailure: notAll('Conflict/IdentityCollision'),
    })
    const pool = notAll('InvalidRef/TargetPoolNotFound')
    expect(messagesOf(failed('targetPoolNotFound'))).toEqual({
      Conflict: pool,
      UnsafeSelector: pool,
      RenderFailure: pool,
    })
  })

  test("a collision's message stands there whole, however long", () => {
    const peers = Array.from({ length: 2000 }, (_, index) => `peer-${index}`)
    const message = collisionMessage(peers)
    expect(message.length).toBeGreaterThan(20_000)
    const status = statusFor(failed('identityCollision', message))
    expect(column(status, 'message').slice(0, 2)).toStrictEqual([message, message])
  })

  test('a message of any length is cut to what a condition takes, and never within a character', () => {
    expect(messageAfter('x'.repeat(40_000))).toBe('x'.repeat(30_000))
    expect(messageAfter(`x${'\u{1F512}'.repeat(20_000)}`)).toBe(`x${'\u{1F512}'.repeat(14_999)}`)
  })

  test.each(ruleNames)('after %s: Ready and the failed one share reason and message', (rule) => {
    const { condition, reason } = rules[rule]
    const wanted = conditionTypes.map((type) =>
      type === 'Ready' || type === condition
        ? { type, status: type === 'Ready' ? 'False' : 'True', reason, message: 'no' }
        : { type, status: 'False', reason: 'Resolved' },
    )
    const conditions = conditionsIn(statusFor(failed(rule)))
    expect(conditions.slice(0, 5)).toMatchObject(wanted)
    const stalled = { type: 'Stalled', status: 'True', reason, message: 'no', observedGeneration: 1 }
    expect(conditions.slice(5)).toMatchObject(rulesOfTheSpec.has(rule) ? [stalled] : [])
  })

  test('are valid by the API of metav1.Condition', () => {
    for (const status of [statusFor(ready), statusFor(failed('identityCollision'))])
      for (const condition of conditionsIn(status)) {
        expect(condition['reason']).toMatch(/^[A-Za-z](?:[A-Za-z0-9_,:]*[A-Za-z0-9_])?$/)
        expect(condition['message']).toBeTypeOf('string')
        // RFC 3339 in whole seconds, as metav1.Time has it.
        expect(condition['lastTransitionTime']).toBe('2026-01-01T12:00:00Z')
      }
  })

  test('observe the generation that was evaluated, and so does the status as a whole', () => {
    const previous = statusFor(ready, { generation: 6 })
    const status = statusFor(ready, { generation: 7, previous })
    expect(column(status, 'observedGeneration')).toStrictEqual(conditionTypes.map(() => 7))
    expect(status).toHaveProperty('observedGeneration', 7)
  })

  test('are joined by Stalled for an output that is refused for good, and only as long as that lasts', () => {
    const refused = { ...failed('managedOutputApplyFailed'), stalls: true }
    const previous = statusFor(refused)
    expect(column(previous, 'type').at(-1)).toBe('Stalled')
    const again = conditionsIn(statusFor(refused, { previous, now: later, generation: 2 })).at(-1)
    expect(again).toMatchObject({ lastTransitionTime: '2026-01-01T12:00:00Z', observedGeneration: 2 })
    expect(column(statusFor(failed('managedOutputApplyFailed')), 'type')).toStrictEqual(conditionTypes)
    expect(column(statusFor(ready, { previous }), 'type')).toStrictEqual(conditionTypes)
  })
})

const times = (outcome: Outcome, previous: JsonObject, generation = 1): readonly unknown[] =>
  column(statusFor(outcome, { previous, generation, now: later }), 'lastTransitionTime')

describe('the time of the last transition', () => {
  const [old, fresh] = ['2026-01-01T12:00:00Z', '2026-01-01T13:00:00Z']

  test('moves with the status of its condition alone', () => {
    expect(times(failed('targetPoolNotFound'), statusFor(ready))).toStrictEqual([fresh, old, fresh, old, old])
    expect(times(ready, statusFor(failed('identityCollision')))).toStrictEqual([fresh, fresh, old, old, old])
  })

  test('stays when reason, message or generation change', () => {
    const previous = statusFor(failed('targetPoolNotFound', 'one'))
    expect(times(failed('objectiveOfAnotherPool', 'two'), previous, 9)).toStrictEqual([
      old,
      old,
      old,
      old,
      old,
    ])
  })

  test('stays through a failure of another kind where the status does', () => {
    const previous = statusFor(failed('targetPoolNotFound'))
    expect(times(failed('identityCollision'), previous)).toStrictEqual([old, fresh, fresh, old, old])
  })

  test.each([
    [{}],
    [{ conditions: null }],
    [{ conditions: 'x' }],
    [{ conditions: [null, 7, 'Ready', {}] }],
    [{ conditions: [{ type: 'Ready', status: 'True' }] }],
    [{ conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: 7 }] }],
  ])('is now where the previous status was %j', (previous) => {
    expect(times(ready, previous)).toStrictEqual([fresh, fresh, fresh, fresh, fresh])
  })
})

describe('a status', () => {
  test('fills in what was rendered', () => {
    const { conditions: _, ...rest } = statusFor(ready, { settings: { ...settings, className: 'gpu' } })
    expect(rest).toStrictEqual({
      observedGeneration: 1,
      trustDomain: 'example.org',
      clusterSPIFFEIDClassName: 'gpu',
      computedSpiffeIDs: [{ mode: 'PoolOnly', spiffeID: identity.spiffeId }],
      renderedSelectors: [{ spiffeID: identity.spiffeId, selectors: identity.selectors }],
      renderedClusterSPIFFEID: {
        name: 'out',
        uid: 'u',
        spiffeID: identity.spiffeId,
        observedGeneration: 4,
      },
    })
  })

  const renderedFields = ['computedSpiffeIDs', 'renderedSelectors', 'renderedClusterSPIFFEID']
  const { managedOutputApplyFailed: _kept, ...withdrawing } = rules

  test.each(Object.keys(withdrawing).filter((name): name is RuleName => Object.hasOwn(rules, name)))(
    'of %s is cleared of what was rendered',
    (rule) => {
      const status = statusFor(failed(rule), { previous: statusFor(ready) })
      expect(Object.keys(status)).toStrictEqual(['observedGeneration', 'conditions', 'trustDomain'])
    },
  )

  test('of an output that is refused keeps what was rendered, since it is still there', () => {
    const previous = statusFor(ready)
    const status = statusFor(failed('managedOutputApplyFailed'), { previous })
    for (const name of renderedFields) expect(status[name]).toStrictEqual(previous[name])
    expect(statusFor(failed('managedOutputApplyFailed'))).not.toHaveProperty('computedSpiffeIDs')
  })

  test.each([
    ['ready', ready],
    ['a failure', failed('invalidPoolSelector')],
    ['a refused output', failed('managedOutputApplyFailed')],
  ])('is equal as long as the outcome is: %s', (_title, outcome) => {
    const first = statusFor(outcome, { previous: statusFor(ready) })
    const again = statusFor(outcome, { previous: JSON.parse(JSON.stringify(first)), now: later })
    expect(sameJson(again, first)).toBe(true)
  })

  test.each([
    ['the generation', ready, { generation: 2 }],
    ['the output', { ...ready, output: { name: 'out', uid: 'u', generation: 5 } }, {}],
    ['the class', ready, { settings: { ...settings, className: 'gpu' } }],
  ])('differs when %s does', (_title, outcome, more) => {
    const first = statusFor(ready)
    expect(sameJson(statusFor(outcome, { previous: first, now: later, ...more }), first)).toBe(false)
  })
})

describe('a status at a glance', () => {
  test.each([['ready', ready], ...ruleNames.map((rule) => [rule, failed(rule)] as const)] as const)(
    'of %s is its outcome',
    (_title, outcome) => {
      expect(summaryIn(statusFor(outcome))).toStrictEqual(summaryOf(outcome))
    },
  )

  test.each([
    [{}],
    [{ observedGeneration: -1 }],
    [{ conditions: null }],
    [{ conditions: [{ type: 'Conflict', status: 'True' }] }],
  ])('%j says nothing yet', (status) => {
    expect(summaryIn(status)).toBeUndefined()
  })
})

describe('a status while nothing can be told', () => {
  test.each([[{}], [{ observedGeneration: -1 }]])('of a binding with %j says only why', (previous) => {
    expect(retryingStatus(previous, 'the API server said 500', noon)).toStrictEqual({
      ...previous,
      conditions: [
        {
          type: 'Ready',
          status: 'Unknown',
          lastTransitionTime: '2026-01-01T12:00:00Z',
          reason: 'Retrying',
          message: 'the API server said 500',
        },
      ],
    })
  })

  test('keeps all else, generations too, but Stalled, which goes with Ready=False', () => {
    const previous = statusFor(failed('invalidContainerName'), { generation: 3 })
    const status = retryingStatus(previous, 'words', later)
    const [first, ...others] = conditionsIn(status)
    expect(first).toMatchObject({ status: 'Unknown', reason: 'Retrying', observedGeneration: 3 })
    expect(others).toStrictEqual(conditionsIn(previous).slice(1, 5))
    expect(status).toMatchObject({ observedGeneration: 3, trustDomain: 'example.org' })
    expect(summaryIn(status)).toStrictEqual({ condition: 'Ready', reason: 'Retrying' })
  })

  test('changes its time only with its status, and has a message of at most the length that a condition may have', () => {
    const first = retryingStatus({}, 'one', noon)
    const second = retryingStatus(first, 'x'.repeat(40_000), later)
    expect(column(second, 'lastTransitionTime')).toStrictEqual(['2026-01-01T12:00:00Z'])
    expect(column(second, 'message')).toStrictEqual(['x'.repeat(30_000)])
  })

  test.each([
    ['nothing yet', {}, 1, false],
    ['the default', { observedGeneration: -1 }, 1, false],
    ['this generation', statusFor(ready), 1, true],
    ['an earlier generation', statusFor(ready), 2, false],
    ['one that is retried', retryingStatus(statusFor(ready), 'words', later), 1, false],
  ])('of %s is current or not', (_title, status, generation, current) => {
    expect(isCurrent(status, generation)).toBe(current)
  })
})

describe('what a status shows of the identity', () => {
  const other: Outcome = { ...ready, identity: { ...identity, selectors: ['k8s:ns:default'] } }

  test('is compared with what it becomes, whichever operator wrote it', () => {
    const { computedSpiffeIDs: _, ...reference } = statusFor(ready)
    for (const status of [statusFor(ready), reference]) {
      expect(changeOfIdentity(status, ready)).toBeUndefined()
      expect(changeOfIdentity(status, other)).toStrictEqual({
        before: { spiffeId: identity.spiffeId, selectors: identity.selectors },
        after: { spiffeId: identity.spiffeId, selectors: ['k8s:ns:default'] },
      })
    }
  })

  test('is no change where there was no identity before, or is none now', () => {
    expect(changeOfIdentity({}, other)).toBeUndefined()
    expect(changeOfIdentity(statusFor(failed('targetPoolNotFound')), other)).toBeUndefined()
    expect(changeOfIdentity(statusFor(ready), failed('targetPoolNotFound'))).toBeUndefined()
  })

  test('comes with the settings under which it was rendered', () => {
    const classed = { trustDomain: 'a.org', className: 'gpu' }
    expect(settingsIn(statusFor(ready, { settings: classed }))).toStrictEqual(classed)
    expect(settingsIn(statusFor(ready))).toStrictEqual(settings)
    expect(settingsIn({ observedGeneration: -1 })).toBeUndefined()
  })
})
