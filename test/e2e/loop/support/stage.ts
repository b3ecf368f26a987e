import { resolve } from 'node:path'
import { optionalResources } from '../../../../src/core/resources.ts'
import { startFaultProxy, type FaultProxy } from '../../../support/fault-proxy/proxy.ts'
import { startOperator, type RunningOperator } from '../../../support/operator.ts'
import type { AuditLog } from '../../support/audit-log.ts'
import { startCluster, type Cluster } from '../../support/cluster.ts'
import { serveBindings, serveOnly } from '../../support/kinds.ts'
import { createAudit, type Audited } from './audit.ts'

export const trustDomain = 'example.org'

/** A control plane that writes down every request, and the real operator on it, behind a fault proxy. */
export type Stage = {
  readonly cluster: Cluster
  readonly audit: AuditLog<Audited>
  readonly proxy: FaultProxy
  readonly operator: () => RunningOperator
  /** Ready when this resolves, unless it is not to be waited for. `args` come after those of the stage. */
  readonly startOperator: (
    args?: readonly string[],
    options?: { readonly waits?: boolean },
  ) => Promise<RunningOperator>
  readonly stopOperator: (signal?: NodeJS.Signals) => Promise<number>
  readonly stop: () => Promise<void>
}

export type StageOptions = {
  /** Further flags of the operator. */
  readonly args?: readonly string[]
  /** Whether the operator runs from the start, as it does unless this is false. */
  readonly runs?: boolean
}

export async function openStage(options: StageOptions = {}): Promise<Stage> {
  await using undo = new AsyncDisposableStack()
  const audit = await createAudit()
  undo.defer(audit.remove)
  const cluster = await startCluster(audit.flags)
  undo.defer(cluster.stop)
  await serveAll(cluster)
  const proxy = await startFaultProxy(cluster.plane)
  undo.defer(proxy.stop)
  const kubeconfig = await proxy.kubeconfig(cluster.plane.adminToken)
  let running: RunningOperator | undefined
  const stopOperator = async (signal?: NodeJS.Signals): Promise<number> => {
    const code = await operator().stop(signal)
    running = undefined
    return code
  }
  const operator = (): RunningOperator => {
    if (!running) throw new Error('the operator is not running')
    return running
  }
  undo.defer(async () => void (await running?.stop()))
  const start: Stage['startOperator'] = async (more = [], { waits = true } = {}) => {
    const args = ['--webhook-bind-address=0', ...(options.args ?? []), ...more]
    running = await startOperator({ kubeconfig, trustDomain, args })
    if (waits) await running.ready()
    return running
  }
  if (options.runs !== false) await start()
  const opened = undo.move()
  return {
    cluster,
    audit,
    proxy,
    operator,
    startOperator: start,
    stopOperator,
    stop: () => opened.disposeAsync(),
  }
}

const outputDefinition = resolve(
  import.meta.dirname,
  '../../../crds/spire-controller-manager-v0.6.6-clusterspiffeids.yaml',
)

/** What the operator writes is served as in a real cluster; pools and objectives need only be what tests say. */
async function serveAll(cluster: Cluster): Promise<void> {
  const { code, stderr } = await cluster.kubectl(['create', '-f', outputDefinition])
  if (code !== 0) throw new Error(stderr)
  await serveOnly(cluster, optionalResources)
  await serveBindings(cluster, 'strict')
}
