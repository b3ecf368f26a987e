import { actions, rules, type Action } from './findings.ts'
import { field, isObject, numberOr, objectOr, textOr, type JsonObject } from './json.ts'
import type { ActionOverrides } from './verdict.ts'

/** The ConfigMap in the operator's namespace in which the leader publishes its configuration and its health. */
export const operatorStatusName = 'kleym-operator-status'

/** The configuration that verdicts and identities depend on. */
export type OperatorConfiguration = {
  readonly trustDomain: string
  readonly className: string | undefined
  /** The action for every configurable reason. */
  readonly actions: { readonly [reason: string]: Action }
  /** Other flags that verdicts depend on, by name, as they are logged at the start. */
  readonly flags: JsonObject
}

export type OperatorHealth = {
  readonly version: string
  /** The host name, in a cluster that of the pod, of the replica that reconciles. */
  readonly leader: string
  /** When this was last published. `heartbeatSeconds` tells how often that happens. */
  readonly heartbeat: string
  readonly everySeconds: number
  /** Why nothing is written; undefined while the operator works. */
  readonly halted: string | undefined
  /** The checks of `/readyz`. `ok` is undefined for a check that has no result yet. */
  readonly checks: readonly OperatorCheck[]
  /** When each certificate of the webhook expires, RFC 3339. */
  readonly certificates: { readonly [certificate: string]: string }
}

export type OperatorCheck = {
  readonly name: string
  readonly ok: boolean | undefined
  readonly problem?: string | undefined
  /** True if the check only informs and does not keep a replica from being ready. */
  readonly informs?: boolean
}

export type OperatorStatus = {
  readonly configuration: OperatorConfiguration
  readonly health: OperatorHealth
}

/**
 * The action for every configurable reason, defaults included, so that a reader of another version need not know the
 * defaults.
 */
export const effectiveActions = (overrides: ActionOverrides): OperatorConfiguration['actions'] =>
  Object.fromEntries(
    Object.values(rules).flatMap(({ reason, configurable, action }) =>
      configurable ? [[reason, overrides[reason] ?? action]] : [],
    ),
  )

/** The `data` of the ConfigMap: JSON under two keys. */
export const encodeOperatorStatus = ({ configuration, health }: OperatorStatus) => ({
  configuration: JSON.stringify(configuration, undefined, 2),
  health: JSON.stringify(health, undefined, 2),
})

/** Reads the ConfigMap; undefined if it does not hold what the operator writes. */
export function decodeOperatorStatus(configMap: unknown): OperatorStatus | undefined {
  const data = objectOr(field(objectOr(configMap), 'data'))
  const configuration = parsed(field(data, 'configuration'))
  const health = parsed(field(data, 'health'))
  if (!configuration || !health) return undefined
  return { configuration: decodeConfiguration(configuration), health: decodeHealth(health) }
}

function parsed(text: unknown): JsonObject | undefined {
  try {
    const value: unknown = typeof text === 'string' ? JSON.parse(text) : undefined
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

const decodeConfiguration = (object: JsonObject): OperatorConfiguration => ({
  trustDomain: textOr(field(object, 'trustDomain'), ''),
  className: textOr(field(object, 'className'), '') || undefined,
  actions: Object.fromEntries(
    Object.entries(objectOr(field(object, 'actions'))).flatMap(([reason, value]) => {
      const action = actions.find((known) => known === value)
      return action === undefined ? [] : [[reason, action]]
    }),
  ),
  flags: objectOr(field(object, 'flags')),
})

function decodeHealth(object: JsonObject): OperatorHealth {
  const checks = field(object, 'checks')
  return {
    version: textOr(field(object, 'version'), ''),
    leader: textOr(field(object, 'leader'), ''),
    heartbeat: textOr(field(object, 'heartbeat'), ''),
    everySeconds: numberOr(field(object, 'everySeconds'), 60),
    halted: textOr(field(object, 'halted'), '') || undefined,
    checks: Array.isArray(checks) ? checks.map(decodeCheck) : [],
    certificates: Object.fromEntries(
      Object.entries(objectOr(field(object, 'certificates'))).flatMap(([name, at]) =>
        typeof at === 'string' ? [[name, at]] : [],
      ),
    ),
  }
}

function decodeCheck(value: unknown): OperatorCheck {
  const check = objectOr(value)
  const ok = field(check, 'ok')
  return {
    name: textOr(field(check, 'name'), ''),
    ok: typeof ok === 'boolean' ? ok : undefined,
    problem: textOr(field(check, 'problem'), '') || undefined,
    ...(field(check, 'informs') === true && { informs: true }),
  }
}

/** After this many missed heartbeats the operator counts as dead. */
const missedHeartbeats = 3

const inWords = ({ name, problem }: OperatorCheck): string => `${name}: ${problem ?? 'not ok'}`

/** Failed checks that only inform. */
export const remarksOf = ({ health }: OperatorStatus): readonly string[] =>
  health.checks.flatMap((check) => (check.ok === false && check.informs ? [inWords(check)] : []))

/** What keeps the operator from working, one sentence each; empty if it is healthy. */
export function problemsOf({ health }: OperatorStatus, now: Date): readonly string[] {
  const { heartbeat, everySeconds, halted, checks, certificates } = health
  const silentMs = now.getTime() - Date.parse(heartbeat)
  const isDead = !(silentMs <= missedHeartbeats * everySeconds * 1000)
  const expired = Object.entries(certificates).filter(([, at]) => Date.parse(at) <= now.getTime())
  return [
    ...(isDead
      ? [
          `no replica reconciles: the leader reports every ${everySeconds} s, and has last done so at ${heartbeat || 'no time'}`,
        ]
      : []),
    ...(halted === undefined ? [] : [`nothing is touched: ${halted}`]),
    ...checks.flatMap((check) =>
      check.ok === false && !check.informs && check.problem !== halted ? [inWords(check)] : [],
    ),
    ...expired.map(([name, at]) => `the certificate of the ${name} has expired at ${at}`),
  ]
}
