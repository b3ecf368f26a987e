import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { programs } from '../support/program.ts'
import type { Benchmark } from './benchmark.ts'
import { startRealCluster, type Cluster } from './cluster.ts'
import { runOperator } from './operator.ts'
import { memoryOf } from './processes.ts'

const restMs = 10_000

type Weight = { readonly readyMs: number; readonly bytes: number }

/**
 * What the bundle saves compared with its sources, in a cluster without bindings. Both have the options of the Deployment. The
 * bundle also has the environment of the image, and so the code that Node compiled at an earlier start.
 */
export const weight: Benchmark = async (report, { quick }) => {
  await using cluster = await startRealCluster()
  const compiled = await mkdtemp(join(tmpdir(), 'bench-compiled-'))
  const env = { NODE_COMPILE_CACHE: compiled, MALLOC_ARENA_MAX: '1' }
  const bundle = { program: programs.bundle, env }
  await weigh(cluster, bundle, 0)
  const [ours, floor]: [Weight[], Weight[]] = [[], []]
  for (let round = 0; round < (quick ? 1 : 5); round++) {
    floor.push(await weigh(cluster, { program: programs.sources }, quick ? 0 : restMs))
    ours.push(await weigh(cluster, bundle, quick ? 0 : restMs))
  }
  await rm(compiled, { recursive: true })
  report.figure({
    name: 'the bundle, from its start to ready',
    unit: 'ms',
    samples: ours.map(({ readyMs }) => readyMs),
    floor: { name: 'its sources', samples: floor.map(({ readyMs }) => readyMs) },
    wanted: { of: 'ratio', atMost: 0.4 },
  })
  const [mebibytes, those] = [ours, floor].map((weights) => weights.map(({ bytes }) => bytes / 2 ** 20))
  report.figure({
    name: 'the bundle at rest, resident memory',
    unit: 'MiB',
    samples: mebibytes ?? [],
    floor: { name: 'its sources', samples: those ?? [] },
    wanted: { of: 'ratio', atMost: 0.58 },
  })
  report.figure({
    name: 'the bundle at rest, resident memory',
    unit: 'MiB',
    samples: mebibytes ?? [],
    wanted: { of: 'value', atMost: 98 },
  })
}

async function weigh(
  cluster: Cluster,
  how: Pick<Parameters<typeof runOperator>[1], 'program' | 'env'>,
  forMs: number,
): Promise<Weight> {
  const started = performance.now()
  await using operator = await runOperator(cluster, { webhook: true, ...how })
  const readyMs = performance.now() - started
  await wait(forMs)
  return { readyMs, bytes: await memoryOf(operator.pid, 'VmRSS') }
}
