import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../support/controlplane/daemon.ts'
import { startOperator, type OperatorOptions, type RunningOperator } from '../support/operator.ts'
import type { Cluster } from './cluster.ts'
import { hottest } from './profile.ts'

export type Operator = AsyncDisposable &
  RunningOperator & {
    /** What `/metrics` says of a metric, the samples whose labels match added up. */
    readonly metric: (name: string, labels?: RegExp) => Promise<number>
    /** Ends it; lines about where its time went, if it was profiled. */
    readonly end: () => Promise<readonly string[]>
  }

type Choice = Pick<OperatorOptions, 'program' | 'env' | 'args'> & {
  readonly webhook: boolean
  readonly profile?: boolean
}

/** The operator as users run it. Without its webhook nothing is registered, so that bindings can come while it is down. */
export async function runOperator(
  { kubeconfig }: Pick<Cluster, 'kubeconfig'>,
  { webhook, profile = false, env, args = [], ...choice }: Choice,
): Promise<Operator> {
  const metrics = `127.0.0.1:${await freePort()}`
  const directory = await mkdtemp(join(tmpdir(), 'bench-profile-'))
  const running = await startOperator({
    ...choice,
    kubeconfig,
    trustDomain: 'kleym.sonda.red',
    args: [
      `--metrics-bind-address=${metrics}`,
      '--metrics-secure=false',
      ...(webhook ? [] : ['--webhook-bind-address=0']),
      ...args,
    ],
    env: {
      ...env,
      NODE_OPTIONS: `${await deployedOptions()}${profile ? ` --cpu-prof --cpu-prof-dir=${directory}` : ''}`,
    },
  })
  let ending: Promise<readonly string[]> | undefined
  const stop = async (): Promise<readonly string[]> => {
    await running.stop()
    const lines = profile ? await hottest(directory) : []
    await rm(directory, { recursive: true, force: true })
    return lines
  }
  const end = () => (ending ??= stop())
  try {
    await running.ready()
  } catch (error) {
    await end()
    throw error
  }
  return {
    ...running,
    end,
    metric: async (name, labels) =>
      sumOf(await (await fetch(`http://${metrics}/metrics`)).text(), name, labels),
    [Symbol.asyncDispose]: async () => void (await end()),
  }
}

/** What the Deployment sets NODE_OPTIONS to. */
async function deployedOptions(): Promise<string> {
  const manifest = await readFile(new URL('../../deploy/operator/deployment.yaml', import.meta.url), 'utf8')
  const value = /name: NODE_OPTIONS\n\s+value: (.+)/.exec(manifest)?.[1]
  if (value === undefined) throw new Error('the Deployment sets no NODE_OPTIONS')
  return value
}

/** Of the Prometheus text format, the samples of one name whose labels match. */
export const sumOf = (text: string, name: string, labels: RegExp = /(?:)/): number =>
  text
    .split('\n')
    .filter((line) => (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) && labels.test(line))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
