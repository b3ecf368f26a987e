import { namespaceOf } from '../inventory.ts'
import type { Report } from '../report.ts'
import type { Samples } from '../statistics.ts'
import { range } from '../waiting.ts'
import { numberIn, startWorker, textIn, type Worker } from '../worker.ts'
import { load, type Protocol } from './load.ts'
import { admissionReview } from './review.ts'

/** Different requests that are sent in turns. */
const spare = 64

/** What is wanted of a review without a look at pods, which is a call of the API server. */
const wanted: Readonly<Record<Protocol, number>> = { h2: 0.52, 'http/1.1': 0.58 }

type Plan = {
  readonly bindings: number
  /** V8 has optimized what it will after this many reviews, however slow the machine. */
  readonly warmUps: number
  readonly rounds: number
  readonly seconds: number
  readonly profile: boolean
  readonly beside: string | undefined
}

/** Servers that answer reviews, by their names in the report. */
type Servers = ReadonlyMap<string, Worker>

type Run = { readonly answered: number; readonly rate: number; readonly cpu: number }

/** Of each server, a run in each round. */
type Runs = ReadonlyMap<string, readonly Run[]>

const without = 'reviews without a look at pods'
const looking = 'reviews with a look at pods'
const besides = { [without]: 'the other build, without', [looking]: 'the other build, with' } as const

export async function throughput(report: Report, plan: Plan): Promise<void> {
  const { bindings, profile, beside } = plan
  await using all = new AsyncDisposableStack()
  const start = (file: string, ...args: readonly string[]): Worker =>
    all.use(startWorker(new URL(file, import.meta.url), args))
  const operator = (pods: 'looks' | 'blind', ...args: readonly string[]): Worker =>
    start('ours.ts', String(bindings), String(spare), pods, ...args)
  const profiled = profile ? 'profile' : ''
  const ours = { [without]: operator('blind', profiled), [looking]: operator('looks', profiled) }
  const servers: Servers = new Map([
    ['bare', start('bare.ts')],
    ['fastify alone', start('fastify.ts')],
    ...Object.entries(ours),
    ...(beside === undefined
      ? []
      : ([
          [besides[without], operator('blind', '', beside)],
          [besides[looking], operator('looks', '', beside)],
        ] as const)),
  ])
  const bodies = range(spare, bindings).map((index) =>
    JSON.stringify(admissionReview(namespaceOf('spread', index - bindings), index)),
  )
  report.note(`${bindings} bindings known, a body of ${bodies[0]?.length} bytes, 128 requests in flight`)
  for (const protocol of ['h2', 'http/1.1'] as const)
    tell(report, protocol, await measure(servers, protocol, bodies, plan))
  if (!profile) return
  for (const [name, worker] of Object.entries(ours)) {
    report.note(`${name}:`)
    for (const line of textIn(await worker.ask('end'), 'lines').split('\n')) report.note(line)
  }
}

async function measure(
  servers: Servers,
  protocol: Protocol,
  bodies: readonly string[],
  { warmUps, rounds, seconds }: Plan,
): Promise<Runs> {
  for (const server of servers.values())
    for (let done = 0; done < warmUps;) done += (await post(server, protocol, bodies, seconds)).answered
  const runs = new Map([...servers.keys()].map((name): [string, Run[]] => [name, []]))
  for (let round = 0; round < rounds; round++)
    for (const [name, server] of servers) runs.get(name)?.push(await post(server, protocol, bodies, seconds))
  return runs
}

function tell(report: Report, protocol: Protocol, runs: Runs): void {
  const of = (name: string, key: keyof Run): Samples => (runs.get(name) ?? []).map((run) => run[key])
  const floor = { name: 'bare server', samples: of('bare', 'rate') }
  for (const name of ['fastify alone', without, looking])
    report.figure({
      name: `${name}, over ${protocol}`,
      unit: '/s',
      samples: of(name, 'rate'),
      floor,
      ...(name === without && { wanted: { of: 'ratio', atLeast: wanted[protocol] } }),
    })
  for (const name of ['fastify alone', without, looking] as const)
    report.figure({
      name: `CPU of the server, ${name}, over ${protocol}`,
      unit: 'µs',
      samples: of(name, 'cpu'),
      floor: { name: 'bare server', samples: of('bare', 'cpu') },
    })
  for (const [name, other] of Object.entries(besides))
    if (runs.has(other))
      report.figure({
        name: `CPU of the server, ${name}, over ${protocol}`,
        unit: 'µs',
        samples: of(name, 'cpu'),
        floor: { name: other, samples: of(other, 'cpu') },
      })
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
