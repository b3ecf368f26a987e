import Fastify from 'fastify'
import type { Log } from '../log.ts'
import { portOf, type Listening } from './listening.ts'

/** A check with a problem keeps this replica from being healthy or ready, unless the check only informs. */
export type HealthCheck = {
  readonly name: string
  readonly problem: string | undefined
  readonly informs?: boolean
}

type ProbeOptions = {
  /** Empty for every address of the machine. */
  readonly host: string
  readonly port: number
  readonly healthy: () => readonly HealthCheck[]
  readonly ready: () => readonly HealthCheck[]
  readonly log: Log
}

/**
 * `/healthz` and `/readyz` as the API server has them: 200 `ok`, or 503 with every check listed, which
 * `?verbose` asks for in any case. Rejects if it can't listen.
 */
export async function startProbes({ host, port, healthy, ready, log }: ProbeOptions): Promise<Listening> {
  const app = Fastify({ forceCloseConnections: true })
  for (const [path, checks] of [
    ['/healthz', healthy],
    ['/readyz', ready],
  ] as const) {
    const noteChange = changeLogger(path, log)
    app.get<{ Querystring: Readonly<Record<string, unknown>> }>(path, (request, reply) => {
      const found = checks()
      const failed = found.filter(({ problem, informs }) => problem !== undefined && !informs)
      noteChange(failed)
      const ok = failed.length === 0
      return reply
        .code(ok ? 200 : 503)
        .header('cache-control', 'no-store')
        .type('text/plain; charset=utf-8')
        .send(ok && !('verbose' in request.query) ? 'ok' : listing(path, found, ok))
    })
  }
  await app.listen({ host, port })
  return { port: portOf(app.server), close: () => app.close() }
}

function listing(path: string, checks: readonly HealthCheck[], ok: boolean): string {
  const lines = checks.map(({ name, problem }) =>
    problem === undefined ? `[+]${name} ok` : `[-]${name}: ${problem}`,
  )
  return [...lines, `${path.slice(1)} check ${ok ? 'passed' : 'failed'}`, ''].join('\n')
}

/** The kubelet asks every few seconds; only a different answer is news. */
function changeLogger(path: string, log: Log): (failed: readonly HealthCheck[]) => void {
  let before = ''
  return (failed) => {
    const now = failed.map(({ name }) => name).join()
    if (now === before) return
    before = now
    if (failed.length === 0) log.info({ probe: path }, 'probe passes again')
    else log.warn({ probe: path, failed }, 'probe fails')
  }
}
