import { stopSignals } from '../operator/signals.ts'
import type { CommandResult } from '../result.ts'

/** Signals are listened for before the operator is even loaded. */
export async function run(argv: readonly string[]): Promise<CommandResult> {
  const stop = stopSignals()
  const { runOperator } = await import('../operator/run.ts')
  return runOperator(argv, process.env, stop)
}
