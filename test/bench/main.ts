import { availableParallelism, cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import type { Benchmark } from './benchmark.ts'
import { collision } from './collision.ts'
import { commands } from './commands/benchmark.ts'
import { disturbed } from './disturbed.ts'
import { flood } from './flood.ts'
import { latency } from './latency.ts'
import { memory } from './memory/benchmark.ts'
import { parallel } from './parallel.ts'
import { ready } from './ready.ts'
import { references } from './references/benchmark.ts'
import { createReport } from './report.ts'
import { restart } from './restart.ts'
import { reviews } from './reviews/benchmark.ts'
import { stall } from './stall/benchmark.ts'
import { huge } from './stall/huge.ts'
import { weight } from './weight.ts'
import { workloads } from './workloads.ts'

const benchmarks: Readonly<Record<string, Benchmark>> = {
  reviews,
  ready,
  restart,
  collision,
  memory,
  latency,
  disturbed,
  parallel,
  workloads,
  references,
  flood,
  stall,
  huge,
  weight,
  commands,
}

const help = `Usage: npm run bench -- [--quick | --large] [--profile] [--beside PROGRAM] [${Object.keys(benchmarks).join(' | ')}]…

Measures the operator beside a floor in the same run, all of it or the benchmarks that are named.
Each line is a figure: median (least … most) | its floor | the ratio | what is wanted of it.

  --quick    small sizes, to see whether it works
  --large    stall with 100,000 bindings
  --profile  print where the operator's time went, where a benchmark runs it
  --beside   dist/main.js of another build, which reviews and ready measure in turn with this one
`

const write = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    large: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    beside: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
const names = positionals.length > 0 ? positionals : Object.keys(benchmarks)
const unknown = names.filter((name) => !Object.hasOwn(benchmarks, name))
if (values.help || unknown.length > 0) {
  process.stderr.write(unknown.length > 0 ? `no such benchmark: ${unknown.join(', ')}\n\n${help}` : help)
  process.exitCode = values.help ? 0 : 4
} else {
  write(
    `Node ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model ?? 'CPU'}, load ${loadavg()[0]?.toFixed(1)}`,
  )
  const report = createReport(write)
  for (const name of names) {
    write(`\n# ${name}`)
    await benchmarks[name]?.(report, { ...values, beside: values.beside })
  }
  write('')
  report.end()
}
