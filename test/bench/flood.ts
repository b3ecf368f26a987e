import { once } from 'node:events'
import { Agent, request } from 'node:https'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { objectOr } from '../../src/core/json.ts'
import { leaseResource } from '../../src/core/resources.ts'
import { resourcePath } from '../../src/kube/client.ts'
import { listOf } from '../support/embedded/json.ts'
import type { Benchmark } from './benchmark.ts'
import { startEmbeddedCluster, type Cluster } from './cluster.ts'
import { runOperator, type Operator } from './operator.ts'
import type { Figure, Report } from './report.ts'
import { admissionReview } from './reviews/review.ts'

/** Forged reviews a second, over connections that are kept. */
const rate = 1000
const connections = 16
const tickMs = 10

/** By how much the event loop may be late at the 99th percentile. The timer that measures this has steps of 10 ms. */
const bearableMs = 20

/** What a stranger who reaches the port can do to the operator: by forged reviews, and by connections one after the other. */
export const flood: Benchmark = async (report, { quick }) => {
  const seconds = Number(process.env['KLEYM_FLOOD_SECONDS'] ?? (quick ? 5 : 20))
  await using cluster = await startEmbeddedCluster()
  await using operator = await runOperator(cluster, { webhook: true })
  const idle = await during(cluster, operator, () => wait(seconds * 1000))
  let answered = 0
  const forged = await during(cluster, operator, async () => {
    answered = await forge(operator.webhookPort, seconds)
  })
  let opened = 0
  const dialled = await during(cluster, operator, async () => {
    opened = await dial(operator.webhookPort, seconds)
  })
  report.note(`${Math.round(answered / seconds)} forged reviews a second were refused, for ${seconds} s`)
  report.note(`${Math.round(opened / seconds)} connections a second were tried, for ${seconds} s`)
  tell(report, 'forged reviews', forged, idle, { of: 'value', atMost: bearableMs })
  tell(report, 'new connections', dialled, idle)
}

type Seen = { readonly lagMs: number; readonly requests: number; readonly leases: number }

function tell(report: Report, what: string, seen: Seen, idle: Seen, wanted?: Figure['wanted']): void {
  report.figure({
    name: `event-loop delay with ${what}, 99th percentile`,
    unit: 'ms',
    samples: [seen.lagMs],
    floor: { name: 'idle', samples: [idle.lagMs] },
    ...(wanted && { wanted }),
  })
  report.figure({
    name: `requests to the API server with ${what}`,
    unit: '',
    samples: [seen.requests],
    floor: { name: 'idle', samples: [idle.requests] },
  })
  report.figure({
    name: `Leases made by ${what}`,
    unit: '',
    samples: [seen.leases],
    wanted: { of: 'value', atMost: 0 },
  })
}

async function during(cluster: Cluster, operator: Operator, work: () => Promise<unknown>): Promise<Seen> {
  const leases = await leasesIn(cluster)
  const requests = await operator.metric('kleym_api_requests_total')
  // Each scrape resets the measure of the event loop.
  await operator.metric('nodejs_eventloop_lag_p99_seconds')
  await work()
  return {
    lagMs: (await operator.metric('nodejs_eventloop_lag_p99_seconds')) * 1000,
    requests: (await operator.metric('kleym_api_requests_total')) - requests,
    leases: (await leasesIn(cluster)) - leases,
  }
}

async function leasesIn({ client }: Cluster): Promise<number> {
  const answer = await client.call({ method: 'GET', path: resourcePath(leaseResource) })
  if (answer.kind !== 'ok') throw new Error('Leases could not be listed')
  return listOf(objectOr(answer.body)['items']).length
}

/** Sends forged reviews. Returns how many were answered by a 403; any other answer is an error. */
async function forge(port: number, seconds: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections, rejectUnauthorized: false })
  const body = JSON.stringify(admissionReview('default', 1))
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  const post = async (): Promise<void> => {
    const sent = request({
      host: '127.0.0.1',
      port,
      path: '/validate?timeout=5s',
      method: 'POST',
      headers,
      agent,
    })
    sent.end(body)
    const [answer] = await once(sent, 'response')
    if (answer.statusCode !== 403) throw new Error(`answered ${answer.statusCode}`)
    await once(answer.resume(), 'end')
  }
  const pending: Promise<void>[] = []
  const end = performance.now() + seconds * 1000
  for (let next = performance.now(); next < end; next += tickMs) {
    for (let count = 0; count < (rate * tickMs) / 1000; count += 1) pending.push(post())
    await wait(Math.max(0, next + tickMs - performance.now()))
  }
  await Promise.all(pending)
  agent.destroy()
  return pending.length
}

/** Connects as often as possible from an address that has never shown a token. Returns the number of connections. */
async function dial(port: number, seconds: number): Promise<number> {
  const end = performance.now() + seconds * 1000
  let count = 0
  const one = async (): Promise<void> => {
    while (performance.now() < end) {
      count += 1
      const tcp = connect({ host: '127.0.0.1', port, localAddress: '127.0.0.2' })
      const tls = connectTls({ socket: tcp, rejectUnauthorized: false })
      const over = new Promise<void>((resolve) => {
        for (const socket of [tcp, tls]) socket.on('error', () => {}).once('close', () => resolve())
        tls.once('secureConnect', () => tls.destroy())
      })
      await over
    }
  }
  await Promise.all(Array.from({ length: connections }, one))
  return count
}
