import type { Benchmark } from '../benchmark.ts'
import { populate, startEmbeddedCluster } from '../cluster.ts'
import { namespaceOf } from '../inventory.ts'
import { runOperator } from '../operator.ts'
import { memoryOf } from '../processes.ts'
import { condition } from '../waiting.ts'
import { numberIn, startWorker } from '../worker.ts'

const mebibyte = 2 ** 20

/** What a binding takes in the inventory, and the operator's process as a whole; which API server it is does not matter. */
export const memory: Benchmark = async (report, { quick }) => {
  const size = quick ? 500 : 10_000
  await using worker = startWorker(new URL('heap.ts', import.meta.url), [String(size)], ['--expose-gc'])
  report.figure({
    name: `inventory a binding, with its pool, objective and ClusterSPIFFEID, of ${size}`,
    unit: 'bytes',
    samples: [numberIn(await worker.ask('bytes'), 'bytes')],
    wanted: { of: 'value', atMost: 3072 },
  })
  await using cluster = await startEmbeddedCluster()
  const empty = await resident(0)
  await populate(cluster, size, (index) => namespaceOf('spread', index))
  const floor = { name: 'without any', samples: [empty] }
  const limits = { 'that it made Ready': 236, 'that were Ready before it started': 188 }
  for (const [when, atMost] of Object.entries(limits))
    report.figure({
      name: `RSS with ${size} bindings ${when}`,
      unit: 'MiB',
      samples: [await resident(size)],
      floor,
      wanted: { of: 'value', atMost },
    })

  async function resident(bindings: number): Promise<number> {
    await using operator = await runOperator(cluster, { webhook: false })
    const isReady = async () => (await operator.metric('kleym_identity_bindings', /Reconciled/)) === bindings
    await condition(isReady, { what: 'that all are Ready', everyMs: 500, withinMs: 600_000 })
    report.note(`highest: ${((await memoryOf(operator.pid, 'VmHWM')) / mebibyte).toFixed(0)} MiB`)
    return (await memoryOf(operator.pid, 'VmRSS')) / mebibyte
  }
}
