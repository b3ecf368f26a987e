type HeapOptions = {
  /** Forgets what is no longer of use, which only time tells. It is called again and again. */
  readonly forget: () => void
  /** Collects all garbage, and stops everything meanwhile. Undefined where Node does not offer that. */
  readonly collect: (() => void) | undefined
  /** Bytes of the heap that are in use, garbage included. */
  readonly used: () => number
  /** The share of the time since the last call in which the event loop was busy. */
  readonly load: () => number
  /** Runs `run` again and again; the function that is returned ends that. */
  readonly every: (ms: number, run: () => void) => () => void
}

export type Heap = {
  /** Collects all garbage now. To be called when nobody waits for an answer, because it stops the process. */
  readonly release: () => void
  readonly stop: () => void
}

/** So often, too, `forget` is called. */
const lookEveryMs = 20_000

/** A quarter above what was left the last time, and some MiB for the garbage of a process that rests. */
const isBurst = (used: number, left: number): boolean => used > 1.25 * left + 8 * 2 ** 20

/** Above this load no garbage is collected: the pause would cost more than it wins, since the memory is needed again soon. */
const restingLoad = 0.1

/**
 * Collects the garbage that a burst left. V8 lets garbage grow to a share of the live heap, so a process that took in a long
 * list, or brought thousands of bindings to Ready, would keep 1.5 times the memory that it needs for as long as little
 * happens. A collection stops the process, for longer the more there is, so it is done at the start, before reviews are
 * served, and later only at rest and after a burst.
 */
export function createHeap({ forget, collect, used, load, every }: HeapOptions): Heap {
  if (!collect) return { release: () => {}, stop: every(lookEveryMs, forget) }
  let left = used()
  const release = (): void => {
    collect()
    left = used()
  }
  const stop = every(lookEveryMs, () => {
    forget()
    const isResting = load() < restingLoad
    if (isResting && isBurst(used(), left)) release()
  })
  return { release, stop }
}

/** The heap of this process. It can only be collected with `--expose-gc`, which the Deployment sets. */
export function heapOfProcess({ forget }: Pick<HeapOptions, 'forget'>): Heap {
  let before = performance.eventLoopUtilization()
  return createHeap({
    forget,
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
