import type { BindingKey } from '../core/binding.ts'
import type { Budget } from './budget.ts'
import type { Pace } from './pace.ts'
import type { Queue } from './queue.ts'
import { waitAsAsked, type RunResult } from './run-result.ts'

type Loop = {
  readonly queue: Queue<BindingKey>
  readonly reconcile: (key: BindingKey) => Promise<RunResult>
  readonly workers: number
  /** How many of the workers take part. */
  readonly budget: Pick<Budget, 'wait'>
  readonly pace: Pace
  readonly log: {
    readonly debug: (fields: object, message: string) => void
    readonly error: (fields: object, message: string) => void
  }
  /** Called after each run with how it ended and how many seconds it took. */
  readonly observe: (result: RunResult['kind'] | 'error', seconds: number) => void
}

/** Works the queue off until it is shut down. Resolves when the last run has ended. */
export async function runLoop(loop: Loop): Promise<void> {
  await Promise.all(Array.from({ length: loop.workers }, (_, index) => work(loop, index + 1)))
}

/**
 * A worker that waits for a key already takes it, also if the budget has shrunk meanwhile.
 *
 * @param number of this worker, from 1: it takes part if the budget is at least that large
 */
async function work(loop: Loop, number: number): Promise<void> {
  const { queue, reconcile, budget, pace, log, observe } = loop
  const next = async (): Promise<BindingKey | undefined> => {
    // A worker waits without a key, so that no run that has begun is held up, and the most urgent key is taken afterwards.
    for (let wait = budget.wait(number); wait; wait = budget.wait(number)) await wait
    return queue.next()
  }
  for (let key = await next(); key !== undefined; key = await next()) {
    for (let wait = pace.wait(); wait; wait = pace.wait()) await wait
    const started = performance.now()
    let ended: RunResult['kind'] | 'error' = 'error'
    try {
      const result = await reconcile(key)
      ended = result.kind
      follow(key, result, queue, log)
    } catch (error) {
      // A bug in one binding's run must not end the others'.
      log.error({ err: error, binding: key }, 'reconcile failed')
      queue.retry(key)
    } finally {
      observe(ended, (performance.now() - started) / 1000)
      queue.done(key)
    }
  }
}

function follow(key: BindingKey, result: RunResult, queue: Loop['queue'], log: Loop['log']): void {
  switch (result.kind) {
    case 'settled':
      queue.forget(key)
      break
    case 'wait':
      log.debug({ binding: key, why: result.why }, 'waiting')
      queue.forget(key)
      queue.addAfter(key, result.ms)
      break
    case 'retry':
      log.debug({ binding: key, why: result.why }, 'retrying')
      if (result.afterMs === undefined) queue.retry(key, result.withinMs)
      else queue.addAfter(key, Math.min(waitAsAsked(result.afterMs), result.withinMs ?? Infinity))
      break
  }
}
