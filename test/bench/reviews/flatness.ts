import type { Layout } from '../inventory.ts'
import type { Report } from '../report.ts'
import { numberIn, startWorker } from '../worker.ts'

const warmUps = 10

/** What one review costs among few bindings and among many, each inventory in a process of its own. */
export async function flatness(
  report: Report,
  { sizes, rounds }: { readonly sizes: readonly number[]; readonly rounds: number },
): Promise<void> {
  const layouts = { spread: 'ten to a namespace', together: 'all in one namespace' } as const
  for (const layout of ['spread', 'together'] as const) {
    const costs = await costsOf(layout, sizes, rounds)
    const [smallest = [], ...larger] = costs
    for (const [index, samples] of larger.entries())
      report.figure({
        name: `one review among ${sizes[index + 1]} bindings, ${layouts[layout]}`,
        unit: 'µs of CPU',
        samples,
        floor: { name: `among ${sizes[0]}`, samples: smallest },
        wanted: { of: 'ratio', atMost: 1.1 },
      })
  }
}

async function costsOf(layout: Layout, sizes: readonly number[], rounds: number): Promise<number[][]> {
  await using all = new AsyncDisposableStack()
  const workers = sizes.map((size) =>
    all.use(
      startWorker(new URL('cost.ts', import.meta.url), [String(size), layout], ['--max-old-space-size=8192']),
    ),
  )
  for (const worker of workers) for (let round = 0; round < warmUps; round++) await worker.ask('cost')
  const costs = sizes.map((): number[] => [])
  for (let round = 0; round < rounds; round++)
    for (const [index, worker] of workers.entries())
      costs[index]?.push(numberIn(await worker.ask('cost'), 'micros'))
  return costs
}
