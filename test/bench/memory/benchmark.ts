import type { Benchmark } from '../benchmark.ts'
import { populate, startEmbeddedCluster } from '../cluster.ts'
import { namespaceOf } from '../inventory.ts'
import { runOperator } from '../operator.ts'
import { memoryOf } from '../processes.ts'
import { condition } from '../waiting.ts'
import { numberIn, startWorker } from '../worker.ts'

const mebibyte = 2 ** 20

const home = (index: number): string => namespaceOf('spread', index)

/** Half as much again as the 81 MB that an operator in Go took with as many bindings. */
const besideGo = 116

/** What a binding takes in the inventory, and the operator's process as a whole; which API server it is does not matter. */
export const memory: Benchmark = async (report, { quick }) => {
  const [few, size] = quick ? [50, 500] : [700, 10_000]
  await using worker = startWorker(new URL('heap.ts', import.meta.url), [String(size)], ['--expose-gc'])
  report.figure({
    name: `inventory a binding, with its pool, objective and ClusterSPIFFEID, of ${size}`,
    unit: 'bytes',
    samples: [numberIn(await worker.ask('bytes'), 'bytes')],
    wanted: { of: 'value', atMost: 3072 },
  })
  await using cluster = await startEmbeddedCluster()
  const floor = { name: 'without any', samples: [await resident(0)] }
  await populate(cluster, few, home)
  await tell(few, { 'that it made Ready': besideGo, 'that were Ready before it started': besideGo })
  await populate(cluster, size - few, home, few)
  await tell(size, { 'that it made Ready': 236, 'that were Ready before it started': 188 })

  async function tell(bindings: number, limits: Readonly<Record<string, number>>): Promise<void> {
    for (const [when, atMost] of Object.entries(limits))
      report.figure({
        name: `RSS with ${bindings} bindings ${when}`,
        unit: 'MiB',
        samples: [await resident(bindings)],
        floor,
        wanted: { of: 'value', atMost },
      })
  }

  async function resident(bindings: number): Promise<number> {
    await using operator = await runOperator(cluster, { webhook: false })
    const isReady = async () => (await operator.metric('kleym_identity_bindings', /Reconciled/)) === bindings
    await condition(isReady, { what: 'that all are Ready', everyMs: 500, withinMs: 600_000 })
    report.note(`highest: ${((await memoryOf(operator.pid, 'VmHWM')) / mebibyte).toFixed(0)} MiB`)
    return (await memoryOf(operator.pid, 'VmRSS')) / mebibyte
  }
}
