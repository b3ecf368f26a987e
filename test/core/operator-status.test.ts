import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { configurableReasons } from '../../src/core/findings.ts'
import {
  decodeOperatorStatus,
  effectiveActions,
  encodeOperatorStatus,
  problemsOf,
  remarksOf,
  type OperatorStatus,
} from '../../src/core/operator-status.ts'

const status: OperatorStatus = {
  configuration: {
    trustDomain: 'example.org',
    className: 'ours',
    actions: effectiveActions({ MixedModes: 'deny' }),
    flags: { workloads: false },
  },
  health: {
    version: '0.1.0',
    leader: 'a',
    heartbeat: '2026-06-01T12:00:00.000Z',
    everySeconds: 60,
    halted: 'why',
    checks: [
      { name: 'webhook', ok: true },
      { name: 'probe', ok: undefined },
      { name: 'claims', ok: false, problem: 'waiting' },
      { name: 'registration', ok: false, problem: 'no caBundle', informs: true },
    ],
    certificates: { webhook: '2027-01-01T00:00:00.000Z' },
  },
}

test('what the operator says is read as it was written', () => {
  expect(decodeOperatorStatus({ data: encodeOperatorStatus(status) })).toEqual(status)
  const { className: _, ...classless } = status.configuration
  const without = { ...status, configuration: { ...classless, className: undefined } }
  expect(decodeOperatorStatus({ data: encodeOperatorStatus(without) })).toEqual(without)
})

test('it names the action of every reason whose action can be set', () => {
  const actions = effectiveActions({ MixedModes: 'deny', InvalidPoolSelector: 'ignore' })
  expect(new Set(Object.keys(actions))).toEqual(new Set(configurableReasons))
  expect(actions).toMatchObject({
    MixedModes: 'deny',
    InvalidPoolSelector: 'ignore',
    IdentityCollision: 'deny',
    NoSuchContainer: 'warn',
  })
})

test('what only informs is a remark, and no problem', () => {
  const now = new Date(status.health.heartbeat)
  expect(remarksOf(status)).toEqual(['registration: no caBundle'])
  expect(problemsOf(status, now)).toEqual(['nothing is touched: why', 'claims: waiting'])
})

test.each([
  undefined,
  {},
  { data: {} },
  { data: { configuration: '{}', health: '{' } },
  { data: { health: 1 } },
])('of %j nothing can be read', (configMap) => {
  expect(decodeOperatorStatus(configMap)).toBeUndefined()
})

test('whatever somebody writes into it is read or not, and judged', () => {
  const data = fc.record({ configuration: fc.json(), health: fc.json() })
  fc.assert(
    fc.property(data, (any) => {
      const decoded = decodeOperatorStatus({ data: any })
      // The status has no time at which the operator was last heard of, so the operator counts as dead.
      expect(decoded && problemsOf(decoded, new Date())).not.toEqual([])
    }),
  )
})
