import { writeSync } from 'node:fs'
import type { SerializedError } from 'vitest'
import type { Reporter, TestModule, TestRunEndReason, Vitest } from 'vitest/node'

type Count = { readonly passed: number; readonly failed: number; readonly skipped: number }

/**
 * Ends the output with `N passed, N failed[, N skipped]`. Whatever makes the run fail without a failed test
 * (a file that can't be loaded, a failed hook, an unhandled error, a global setup or teardown) counts as
 * failed, so that this line and the exit code never disagree.
 */
export default class Tally implements Reporter {
  #count: Count = { passed: 0, failed: 0, skipped: 0 }
  #isWatching = false

  onInit(vitest: Vitest): void {
    this.#isWatching = vitest.config.watch
    if (!this.#isWatching) process.once('exit', () => this.#printAtExit())
  }

  onTestRunEnd(
    modules: readonly TestModule[],
    unhandled: readonly SerializedError[],
    reason: TestRunEndReason,
  ): void {
    const count = tally(modules, unhandled.length)
    this.#count = reason === 'passed' ? count : red(count)
    if (this.#isWatching) print(this.#count)
  }

  #printAtExit(): void {
    print((process.exitCode ?? 0) === 0 ? this.#count : red(this.#count))
  }
}

function tally(modules: readonly TestModule[], unhandled: number): Count {
  const states = modules.flatMap((module) =>
    [...module.children.allTests()].map((test) => test.result().state),
  )
  const suites = modules.flatMap((module) => [module, ...module.children.allSuites()])
  const broken = suites.filter((suite) => suite.errors().length > 0).length
  const passed = states.filter((state) => state === 'passed').length
  const failed = states.filter((state) => state === 'failed').length
  // A test that an interrupted run never came to is still pending.
  return { passed, failed: failed + broken + unhandled, skipped: states.length - passed - failed }
}

function red(count: Count): Count {
  return { ...count, failed: Math.max(count.failed, 1) }
}

/** Synchronously: nothing else is written after it, and the process may be about to end. */
function print({ passed, failed, skipped }: Count): void {
  writeSync(1, `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`)
}
