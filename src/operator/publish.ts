import { hostname } from 'node:os'
import { describeConfig, type Config } from '../config.ts'
import { sameJson, type JsonObject } from '../core/json.ts'
import type { Objects, Reply } from '../core/objects.ts'
import {
  effectiveActions,
  encodeOperatorStatus,
  operatorStatusName,
  type OperatorConfiguration,
  type OperatorHealth,
} from '../core/operator-status.ts'
import { configMapResource } from '../core/resources.ts'
import type { Log } from '../log.ts'
import type { HealthCheck } from '../serving/probes.ts'
import { version } from '../version.ts'
import { notTried } from './probe.ts'

type PublishingOptions = {
  readonly config: Config
  readonly objects: Pick<Objects, 'create' | 'mergePatch'>
  readonly isLeading: () => boolean
  readonly halted: () => string | undefined
  readonly checks: () => readonly HealthCheck[]
  readonly certificates: () => Readonly<Record<string, Date>>
  readonly log: Log
}

export type Publishing = { readonly start: () => void; readonly stop: () => void }

/** How often changes are looked for, and how often everything is published again as a heartbeat. */
const lookEveryMs = 2_000
const heartbeatMs = 60_000

/** Flags that verdicts depend on and that have no field of their own in the published configuration. */
const verdictFlags = [
  'webhook-bind-address',
  'webhook-on-references',
  'webhook-on-loss',
  'workloads',
] as const

/** While this replica leads, publishes the operator's configuration and health in a ConfigMap. */
export function createPublishing(options: PublishingOptions): Publishing {
  const { config, isLeading, log } = options
  const configuration = configurationOf(config)
  let published: { readonly essence: unknown; readonly at: number } | undefined
  let hasWarned = false
  let timer: NodeJS.Timeout | undefined

  async function publishIfDue(): Promise<void> {
    if (!isLeading()) {
      published = undefined
      return
    }
    const health = healthOf(options)
    const isOld = !published || performance.now() - published.at >= heartbeatMs
    const essence = essenceOf(health)
    if (!isOld && sameJson(published?.essence, essence)) return
    const at = performance.now()
    const latest = { ...health, heartbeat: new Date().toISOString() }
    const reply = await write(options, encodeOperatorStatus({ configuration, health: latest }))
    if (reply.kind === 'done') published = { essence, at }
    else if (!hasWarned) log.warn({ reply }, `ConfigMap ${operatorStatusName} can't be written`)
    hasWarned = reply.kind !== 'done'
  }

  const publishAgain = async (): Promise<void> => {
    await publishIfDue()
    timer?.refresh()
  }
  return {
    start: () => {
      timer = setTimeout(() => void publishAgain(), lookEveryMs)
    },
    stop: () => {
      clearTimeout(timer)
      timer = undefined
    },
  }
}

function configurationOf(config: Config): OperatorConfiguration {
  const flags = describeConfig(config)
  return {
    trustDomain: config.trustDomain,
    className: config.className,
    actions: effectiveActions(config.webhook.actions.overrides),
    flags: Object.fromEntries(verdictFlags.map((name) => [name, flags[name]])),
  }
}

function healthOf({ halted, checks, certificates }: PublishingOptions): Omit<OperatorHealth, 'heartbeat'> {
  return {
    version,
    leader: hostname(),
    everySeconds: heartbeatMs / 1000,
    halted: halted(),
    checks: checks().map(({ name, problem, informs }) => ({
      name,
      ...(problem === notTried ? { ok: undefined } : { ok: problem === undefined, problem }),
      ...(informs && { informs }),
    })),
    certificates: Object.fromEntries(
      Object.entries(certificates()).map(([name, at]) => [name, at.toISOString()]),
    ),
  }
}

/** The parts of the health whose change is news. The texts of problems are left out, because they may count seconds. */
const essenceOf = ({ checks, ...rest }: Omit<OperatorHealth, 'heartbeat'>): unknown => ({
  ...rest,
  checks: checks.map(({ name, ok }) => [name, ok ?? null]),
})

/** Writes the ConfigMap. Keys, labels and annotations that others added are left alone. */
async function write({ config, objects }: PublishingOptions, data: JsonObject): Promise<Reply> {
  const at = { namespace: config.namespace, name: operatorStatusName }
  const reply = await objects.mergePatch(configMapResource, at, { data })
  if (reply.kind !== 'absent') return reply
  const labels = { 'app.kubernetes.io/name': 'kleym', 'app.kubernetes.io/component': 'operator' }
  return objects.create(configMapResource, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { ...at, labels },
    data,
  })
}
