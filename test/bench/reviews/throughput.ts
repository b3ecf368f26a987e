import { namespaceOf } from '../inventory.ts'
import type { Report } from '../report.ts'
import { median, type Samples } from '../statistics.ts'
import { range } from '../waiting.ts'
import { numberIn, startWorker, textIn, type Worker } from '../worker.ts'
import { load, type Protocol } from './load.ts'
import { admissionReview } from './review.ts'

/** Different requests that are sent in turns. */
const spare = 64

/** V8 has optimized what it will after this many, however slow the machine. */
const warmUps = 60_000

type Run = { readonly answered: number; readonly rate: number; readonly cpu: number }

export async function throughput(
  report: Report,
  {
    bindings,
    rounds,
    seconds,
    profile,
  }: {
    readonly bindings: number
    readonly rounds: number
    readonly seconds: number
    readonly profile: boolean
  },
): Promise<void> {
  const bodies = range(spare, bindings).map((index) =>
    JSON.stringify(admissionReview(namespaceOf('spread', index - bindings), index)),
  )
  await using ours = startWorker(new URL('ours.ts', import.meta.url), [
    String(bindings),
    String(spare),
    ...(profile ? ['profile'] : []),
  ])
  await using framework = startWorker(new URL('fastify.ts', import.meta.url), [])
  await using bare = startWorker(new URL('bare.ts', import.meta.url), [])
  report.note(`${bindings} bindings known, a body of ${bodies[0]?.length} bytes, 128 requests in flight`)
  for (const protocol of ['h2', 'http/1.1'] as const) {
    for (const worker of [ours, framework, bare])
      for (let done = 0; done < warmUps;) done += (await post(worker, protocol, bodies, seconds)).answered
    const [a, b, fastify]: [Run[], Run[], Run[]] = [[], [], []]
    for (let round = 0; round < rounds; round++) {
      a.push(await post(ours, protocol, bodies, seconds))
      b.push(await post(bare, protocol, bodies, seconds))
      fastify.push(await post(framework, protocol, bodies, seconds))
    }
    const of = (runs: readonly Run[], key: keyof Run): Samples => runs.map((run) => run[key])
    const floor = { name: 'bare server', samples: of(b, 'rate') }
    report.figure({ name: `fastify alone over ${protocol}`, unit: '/s', samples: of(fastify, 'rate'), floor })
    report.figure({
      name: `reviews a second over ${protocol}`,
      unit: '/s',
      samples: of(a, 'rate'),
      floor,
      wanted: { of: 'ratio', atLeast: 0.7 },
    })
    const micros = (runs: readonly Run[]) => median(of(runs, 'cpu')).toFixed(1)
    report.note(`CPU of the server a review: ${micros(a)} µs, bare ${micros(b)} µs`)
  }
  if (!profile) return
  for (const line of textIn(await ours.ask('end'), 'lines').split('\n')) report.note(line)
}

async function post(
  worker: Worker,
  protocol: Protocol,
  bodies: readonly string[],
  seconds: number,
): Promise<Run> {
  const before = await worker.ask('address')
  const target = { port: numberIn(before, 'port'), ca: textIn(before, 'ca'), path: textIn(before, 'path') }
  const done = await load(target, protocol, bodies, seconds)
  const cpu = numberIn(await worker.ask('address'), 'cpu') - numberIn(before, 'cpu')
  return { answered: done.answered, rate: done.answered / done.seconds, cpu: (cpu / done.answered) * 1e6 }
}
