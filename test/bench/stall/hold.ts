import { PerformanceObserver } from 'node:perf_hooks'

/** The longest time for which the event loop was kept at once, by the clock and in CPU time. Other programs hardly change the second. */
export type Hold = {
  readonly cpuMs: number
  readonly wallMs: number
  /** The longest pause for a collection of garbage meanwhile, by the clock. */
  readonly collectionMs: number
}

export async function longestHold(work: () => Promise<void>): Promise<Hold> {
  let [cpuMs, wallMs, collectionMs] = [0, 0, 0]
  const collections = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) collectionMs = Math.max(collectionMs, duration)
  })
  collections.observe({ entryTypes: ['gc'] })
  let last = [cpuNow(), performance.now()] as const
  let over = false
  const look = (): void => {
    const now = [cpuNow(), performance.now()] as const
    cpuMs = Math.max(cpuMs, now[0] - last[0])
    wallMs = Math.max(wallMs, now[1] - last[1])
    last = now
    if (!over) setImmediate(look)
  }
  look()
  await work()
  over = true
  // What was observed last is told in a turn of its own.
  await new Promise((resolve) => setImmediate(resolve))
  collections.disconnect()
  return { cpuMs, wallMs, collectionMs }
}

/** The CPU time of this thread, without that of the helper threads of the garbage collector. */
function cpuNow(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
