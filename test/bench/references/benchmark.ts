import type { Benchmark } from '../benchmark.ts'
import { addedToPools } from './added.ts'
import { crowdedPool } from './crowd.ts'

/** The webhook on pools and objectives: what it costs those that concern nobody, and how it bears a crowd. */
export const references: Benchmark = async (report, options) => {
  await addedToPools(report, options)
  await crowdedPool(report, options)
}
