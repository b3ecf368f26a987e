import { setTimeout } from 'node:timers/promises'

/** Resolves once `holds`; looks every `everyMs`. Rejects after `withinMs`, naming what did not come. */
export async function condition(
  holds: () => boolean | Promise<boolean>,
  { what = 'a condition', everyMs = 20, withinMs = 120_000 } = {},
): Promise<void> {
  const giveUpAt = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > giveUpAt) throw new Error(`${what} did not come within ${withinMs / 1000} s`)
    await setTimeout(everyMs)
  }
}

/** How long it takes, in ms. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

/** Does something with each item, so many of them at a time. */
export async function inFlight<T>(
  width: number,
  items: Iterable<T>,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const queue = Iterator.from(items)
  const worker = async (): Promise<void> => {
    for (let next = queue.next(); !next.done; next = queue.next()) await work(next.value)
  }
  await Promise.all(Array.from({ length: width }, worker))
}

export const range = (size: number, from: number = 0): readonly number[] =>
  Array.from({ length: size }, (_, index) => from + index)
