import type { Benchmark } from '../benchmark.ts'
import { flatness } from './flatness.ts'
import { throughput } from './throughput.ts'

/** Reviews a second beside a bare server of the same protocol, and what one costs among ever more bindings. */
export const reviews: Benchmark = async (report, { quick, profile, beside }) => {
  const size = quick
    ? { bindings: 1000, warmUps: 500, rounds: 3, seconds: 1 }
    : { bindings: 10_000, warmUps: 60_000, rounds: 7, seconds: 3 }
  await throughput(report, { ...size, profile, beside })
  const sizes = quick ? [100, 10_000] : [100, 10_000, 100_000]
  await flatness(report, { sizes, rounds: quick ? 5 : 15 })
}
