import type { Benchmark } from '../benchmark.ts'
import { numberIn, startWorker, type Worker } from '../worker.ts'
import { nodeFlags } from './benchmark.ts'

const changes = {
  start: 'the lists of a start, and the first look at all',
  'output schema': 'another description in the ClusterSPIFFEID CRD',
  'one pool': 'a pool of a tenth of the bindings gets another selector',
} as const

/**
 * A hundred thousand Ready bindings with their pools, objectives and outputs in 20,000 namespaces, a tenth of them on one
 * pool: how long until all is known and looked at, what that takes of memory and how long it keeps the event loop, and what
 * one review costs then.
 */
export const huge: Benchmark = async (report, { quick }) => {
  const size = quick ? 5_000 : 100_000
  const site = new URL('site.ts', import.meta.url)
  await using all = new AsyncDisposableStack()
  const start = (bindings: number): Worker =>
    all.use(startWorker(site, [String(bindings), 'huge', ''], nodeFlags))
  const [few, many] = [start(100), start(size)]
  for (const [change, what] of Object.entries(changes)) {
    const [least, answer] = [await few.ask(change), await many.ask(change)]
    report.figure({
      name: `${size} bindings: ${what}`,
      unit: 's',
      samples: [numberIn(answer, 'seconds')],
      floor: { name: 'among 100', samples: [numberIn(least, 'seconds')] },
    })
    report.figure({
      name: `longest hold of the event loop meanwhile`,
      unit: 'ms of CPU',
      samples: [numberIn(answer, 'cpuMs')],
      floor: { name: 'at rest', samples: [numberIn(answer, 'restMs')] },
      wanted: { of: 'value', atMost: 30 },
    })
    report.note(
      `by the clock ${numberIn(answer, 'wallMs').toFixed(0)} ms, of the longest collection of garbage ${numberIn(answer, 'collectionMs').toFixed(0)} ms; ${numberIn(answer, 'runs')} looks at a binding`,
    )
    if (change === 'start')
      report.figure({
        name: 'heap a binding, with its pool, objective and ClusterSPIFFEID',
        unit: 'bytes',
        samples: [numberIn(await many.ask('heap'), 'bytes') / size],
        wanted: { of: 'value', atMost: 3072 },
      })
  }
  const [least, most] = [await few.ask('review'), await many.ask('review')]
  report.figure({
    name: `one review among ${size} bindings`,
    unit: 'µs of CPU',
    samples: [numberIn(most, 'micros')],
    floor: { name: 'among 100', samples: [numberIn(least, 'micros')] },
    wanted: { of: 'ratio', atMost: 1.1 },
  })
}
