import type { Benchmark } from '../benchmark.ts'
import type { Layout } from '../inventory.ts'
import { numberIn, startWorker } from '../worker.ts'

type Scene = {
  readonly layout: Layout
  /** The class that the operator is configured with; the bindings were made Ready by one without. */
  readonly className: string
  readonly changes: Readonly<Record<string, string>>
}

/** What a change is called in site.ts, and what it is. */
const scenes: readonly Scene[] = [
  {
    layout: 'spread',
    className: '',
    changes: {
      start: 'the lists of a start, and the first look at all',
      'output schema': 'another description in the ClusterSPIFFEID CRD',
      'binding schema': 'another description in the CRD of bindings',
      'pools come': 'a second kind of pools comes, without any',
      'pools go': 'that kind goes',
      'bindings anew': 'a list of bindings after 410, of which all are newer',
      'outputs anew': 'a list of ClusterSPIFFEIDs after 410, of which all are newer',
      'all pools go': 'the kind of all pools is served no more',
      'all pools come': 'it is served again',
    },
  },
  {
    layout: 'spread',
    className: 'another',
    changes: { start: 'the same start with another class configured' },
  },
  {
    layout: 'together',
    className: '',
    changes: {
      start: 'the same start with all in one namespace, on one pool',
      'one pool': 'that pool gets another selector',
    },
  },
]

/** As deploy/operator sets it: V8 copies what is young and lives at once, and young is what came since it last did. */
export const nodeFlags = ['--expose-gc', '--max-semi-space-size=4', '--max-old-space-size=8192']

/**
 * For how long one change keeps the event loop at once, at most. In CPU time of that thread: on a busy machine the clock
 * would tell of others.
 */
export const stall: Benchmark = async (report, { quick, large }) => {
  const [size, atMost] = quick ? [500, 20] : large ? [100_000, 30] : [10_000, 20]
  for (const { layout, className, changes } of scenes) {
    await using site = startWorker(
      new URL('site.ts', import.meta.url),
      [String(size), layout, className],
      nodeFlags,
    )
    for (const [change, what] of Object.entries(changes)) {
      const answer = await site.ask(change)
      report.figure({
        name: `longest hold of the event loop with ${size} bindings: ${what}`,
        unit: 'ms',
        samples: [numberIn(answer, 'cpuMs')],
        floor: { name: 'at rest', samples: [numberIn(answer, 'restMs')] },
        wanted: { of: 'value', atMost },
      })
      report.note(
        `by the clock ${numberIn(answer, 'wallMs').toFixed(0)} ms, of the longest collection of garbage ${numberIn(answer, 'collectionMs').toFixed(0)} ms; ${numberIn(answer, 'runs')} looks at a binding; all over in ${numberIn(answer, 'seconds').toFixed(1)} s`,
      )
    }
  }
}
