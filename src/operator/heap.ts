type HeapOptions = {
  /** Collects all garbage, and stops everything meanwhile. Undefined where Node does not offer that. */
  readonly collect: (() => void) | undefined
  /** Bytes of the heap that are in use, garbage included. */
  readonly used: () => number
  /** What share of the time since the last call something was done. */
  readonly load: () => number
  /** Runs `run` again and again; the function that is returned ends that. */
  readonly every: (ms: number, run: () => void) => () => void
}

export type Heap = {
  /** For a moment at which nothing waits for an answer. */
  readonly release: () => void
  readonly stop: () => void
}

const lookEveryMs = 20_000

/** A quarter above what was left the last time, and some MiB for the garbage of a process that rests. */
const isBurst = (used: number, left: number): boolean => used > 1.25 * left + 8 * 2 ** 20

/** Above this, what a pause would cost is more than memory that is needed again soon. */
const restingLoad = 0.1

/**
 * Collects the garbage that a burst left. V8 lets garbage grow to a share of the live heap, so a process that took in a long
 * list, or brought thousands of bindings to Ready, would keep 1.5 times the memory that it needs for as long as little
 * happens. A collection stops the process, for longer the more there is, so it is done at the start, before reviews are
 * served, and later only at rest and after a burst.
 */
export function createHeap({ collect, used, load, every }: HeapOptions): Heap {
  if (!collect) return { release: () => {}, stop: () => {} }
  let left = used()
  const release = (): void => {
    collect()
    left = used()
  }
  const stop = every(lookEveryMs, () => {
    const isResting = load() < restingLoad
    if (isResting && isBurst(used(), left)) release()
  })
  return { release, stop }
}

/** That of this process: with `--expose-gc`, as the Deployment sets it. */
export function heapOfProcess(): Heap {
  let before = performance.eventLoopUtilization()
  return createHeap({
    collect: globalThis.gc && (() => globalThis.gc?.()),
    used: () => process.memoryUsage().heapUsed,
    load: () => {
      const since = performance.eventLoopUtilization(before).utilization
      before = performance.eventLoopUtilization()
      return since
    },
    every: (ms, run) => {
      const timer = setInterval(run, ms)
      return () => clearInterval(timer)
    },
  })
}
