import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { freePort } from '../../support/controlplane/daemon.ts'
import { until } from './cluster.ts'

const main = resolve(import.meta.dirname, '../../../src/main.ts')

export type Operator = {
  readonly stop: () => Promise<void>
  readonly kill: () => Promise<void>
  readonly log: () => string
}

export async function startOperator(options: {
  readonly kubeconfig: string
  readonly trustDomain: string
  readonly args?: readonly string[]
}): Promise<Operator> {
  const port = await freePort()
  const child = spawn(
    process.execPath,
    [
      main,
      'operator',
      '--kubeconfig',
      options.kubeconfig,
      '--trust-domain',
      options.trustDomain,
      '--health-probe-bind-address',
      `127.0.0.1:${port}`,
      ...(options.args ?? []),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let log = ''
  child.stdout.on('data', (chunk) => (log += String(chunk)))
  child.stderr.on('data', (chunk) => (log += String(chunk)))
  const end = once(child, 'exit')
  const finish = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    await end
  }
  await until('the operator is ready', async () => {
    if (child.exitCode !== null) throw new Error(log)
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined)
    return answer?.status === 200
  })
  return { stop: () => finish('SIGTERM'), kill: () => finish('SIGKILL'), log: () => log }
}
void join
