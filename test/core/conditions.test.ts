import { describe, expect, test } from 'vitest'
import {
  conditionTypes,
  isSameStatus,
  statusOf,
  summaryIn,
  summaryOf,
  type Outcome,
} from '../../src/core/conditions.ts'
import { collisionMessage } from '../../src/core/checks/collision.ts'
import { rules, type RuleName } from '../../src/core/findings.ts'
import { composeIdentity } from '../../src/core/identity.ts'
import { objectOr, type JsonObject } from '../../src/core/json.ts'
import { podLabels } from '../../src/core/selectors.ts'
import { settings } from '../support/builders.ts'

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

const ruleNames = Object.keys(rules).filter((name): name is RuleName => Object.hasOwn(rules, name))

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
    expect(statusFor(failed(rule))['conditions']).toMatchObject(wanted)
  })

  test('are what the API of conditions asks for', () => {
    for (const status of [statusFor(ready), statusFor(failed('identityCollision'))])
      for (const condition of conditionsIn(status)) {
        expect(condition['reason']).toMatch(/^[A-Za-z](?:[A-Za-z0-9_,:]*[A-Za-z0-9_])?$/)
        expect(condition['message']).toBeTypeOf('string')
        // RFC 3339 in whole seconds, as metav1.Time has it.
        expect(condition['lastTransitionTime']).toBe('2026-01-01T12:00:00Z')
      }
  })

  test('observe the generation that was evaluated', () => {
    const previous = statusFor(ready, { generation: 6 })
    expect(column(statusFor(ready, { generation: 7, previous }), 'observedGeneration')).toStrictEqual(
      conditionTypes.map(() => 7),
    )
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
    expect(times(failed('invalidPoolRef', 'two'), previous, 9)).toStrictEqual([old, old, old, old, old])
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
      expect(Object.keys(status)).toStrictEqual(['conditions', 'trustDomain'])
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
    expect(isSameStatus(again, first)).toBe(true)
  })

  test.each([
    ['the generation', ready, { generation: 2 }],
    ['the output', { ...ready, output: { name: 'out', uid: 'u', generation: 5 } }, {}],
    ['the class', ready, { settings: { ...settings, className: 'gpu' } }],
  ])('differs when %s does', (_title, outcome, more) => {
    const first = statusFor(ready)
    expect(isSameStatus(statusFor(outcome, { previous: first, now: later, ...more }), first)).toBe(false)
  })
})

describe('a status at a glance', () => {
  test.each([['ready', ready], ...ruleNames.map((rule) => [rule, failed(rule)] as const)] as const)(
    'of %s is its outcome',
    (_title, outcome) => {
      expect(summaryIn(statusFor(outcome))).toStrictEqual(summaryOf(outcome))
    },
  )

  test.each([[{}], [{ conditions: null }], [{ conditions: [{ type: 'Conflict', status: 'True' }] }]])(
    '%j says nothing yet',
    (status) => {
      expect(summaryIn(status)).toBeUndefined()
    },
  )
})
