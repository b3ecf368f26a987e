import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parse } from 'yaml'
import { freePort } from './controlplane/daemon.ts'
import { tether } from './controlplane/tether.ts'
import { createClient, type Endpoint } from './embedded/client.ts'
import { listOf, recordOf, textOf } from './embedded/json.ts'
import * as programs from './program.ts'
import { webhookHost } from './webhook-host.ts'

const namespace = 'kleym-system'
const readyWithinMs = 120_000
const stoppedWithinMs = 15_000

export type OperatorOptions = {
  /** The path of a kubeconfig whose current user has a token. */
  readonly kubeconfig: string
  /** Undefined where `env` has the trust domain. */
  readonly trustDomain: string | undefined
  /** Further flags, after ours. */
  readonly args?: readonly string[]
  /** The program to run, if it is not the one that all tests run. */
  readonly program?: string
  /** Variables beside PATH and HOME. Nothing else is inherited. */
  readonly env?: Readonly<Record<string, string>>
}

export type RunningOperator = {
  readonly pid: number
  /** The URL by which the webhook is registered, unless `args` say otherwise: `https://0.0.0.0:<port>` */
  readonly webhookUrl: string
  /** The port of the webhook on 127.0.0.1. */
  readonly webhookPort: number
  /** `http://127.0.0.1:<port>`, with `/healthz` and `/readyz` */
  readonly probes: string
  /** All that it has written, standard output and standard error. */
  log(): string
  /** Resolves when `/readyz` says so; throws, with the end of the log, if it ends or takes too long. */
  ready(): Promise<void>
  /** Resolves to the exit code, as a shell gives it: 128 and the signal's number for a signal. */
  stop(signal?: NodeJS.Signals): Promise<number>
}

/** Runs `kleym operator` as a program of its own, as users do, with its webhook and probes on loopback. */
export async function startOperator(options: OperatorOptions): Promise<RunningOperator> {
  await createNamespace(await endpointOf(options.kubeconfig))
  const scratch = await mkdtemp(join(tmpdir(), 'operator-'))
  const webhook = await freePort()
  const probe = `127.0.0.1:${await freePort()}`
  const { program = programs.program } = options
  const { process: child, ended } = tether([process.execPath, program, ...argsOf(options, webhook, probe)], {
    scratch,
    output: 'pipe',
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...options.env },
  })
  let output = ''
  const keep = (chunk: Buffer): void => void (output += chunk.toString())
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  let ending: string | undefined
  const end = async (): Promise<void> => {
    ending = await ended
    await rm(scratch, { recursive: true, force: true })
  }
  const gone = end()
  const withLog = (problem: string): Error => new Error(`${problem}\n${tail(output)}`)
  const probes = `http://${probe}`
  return {
    pid: child.pid ?? 0,
    webhookUrl: urlOf(webhook),
    webhookPort: webhook,
    probes,
    log: () => output,
    async ready() {
      const giveUpAt = performance.now() + readyWithinMs
      while (!(await isReady(probes))) {
        if (ending !== undefined) throw withLog(`the operator ended (${ending})`)
        if (performance.now() > giveUpAt)
          throw withLog(`the operator is not ready after ${readyWithinMs / 1000} s`)
        await wait(50)
      }
    },
    async stop(signal = 'SIGTERM') {
      if (ending === undefined) child.kill(signal)
      const patience = setTimeout(() => child.kill('SIGKILL'), stoppedWithinMs)
      await gone.finally(() => clearTimeout(patience))
      return child.exitCode ?? 128 + (child.signalCode === null ? 0 : constants.signals[child.signalCode])
    },
  }
}

const urlOf = (port: number): string => `https://${webhookHost}:${port}`

const argsOf = (
  { kubeconfig, trustDomain, args = [] }: OperatorOptions,
  webhook: number,
  probe: string,
): readonly string[] => [
  'operator',
  `--kubeconfig=${kubeconfig}`,
  ...(trustDomain === undefined ? [] : [`--trust-domain=${trustDomain}`]),
  `--namespace=${namespace}`,
  `--webhook-bind-address=127.0.0.1:${webhook}`,
  `--webhook-url=${urlOf(webhook)}`,
  `--health-probe-bind-address=${probe}`,
  ...args,
]

/** Where a kubeconfig leads and the token of its user; other credentials are not read. */
async function endpointOf(kubeconfig: string): Promise<Endpoint> {
  const config = recordOf(parse(await readFile(kubeconfig, 'utf8')))
  const entry = (list: string, name: unknown) =>
    recordOf(
      listOf(config[list])
        .map(recordOf)
        .find((one) => one['name'] === name),
    )
  const context = recordOf(entry('contexts', config['current-context'])['context'])
  const cluster = recordOf(entry('clusters', context['cluster'])['cluster'])
  const user = recordOf(entry('users', context['user'])['user'])
  const ca = textOf(cluster['certificate-authority-data'])
  return {
    server: textOf(cluster['server']),
    caPem: Buffer.from(ca, 'base64').toString(),
    token: textOf(user['token']),
  }
}

/** Creates the namespace that the operator's Secret and Leases go to. */
async function createNamespace(endpoint: Endpoint): Promise<void> {
  const client = createClient(endpoint)
  try {
    const { code, body } = await client.post('/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace },
    })
    // 409: the namespace exists. 403: this user may create none, and then the test that gave the user its rights did.
    if (![201, 403, 409].includes(code))
      throw new Error(`creating namespace ${namespace}: ${textOf(body['message'])}`)
  } finally {
    await client.close()
  }
}

async function isReady(probes: string): Promise<boolean> {
  try {
    const reply = await fetch(`${probes}/readyz`, { signal: AbortSignal.timeout(2_000) })
    await reply.body?.cancel()
    return reply.status === 200
  } catch {
    return false
  }
}

const tail = (text: string): string => text.trimEnd().split('\n').slice(-20).join('\n')
