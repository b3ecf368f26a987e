export type ManualClock = ReturnType<typeof manualClock>

/** Time that moves only when told to, with timers that fire on the way. */
export function manualClock() {
  const epoch = Date.UTC(2026, 0, 1)
  let now = 0
  const timers = new Map<symbol, { readonly at: number; readonly run: () => void }>()
  const nextDue = (until: number) =>
    [...timers].filter(([, { at }]) => at <= until).toSorted(([, a], [, b]) => a.at - b.at)[0]
  return {
    now: () => now,
    date: () => new Date(epoch + now),
    after(ms: number, run: () => void) {
      const id = Symbol('timer')
      timers.set(id, { at: now + ms, run })
      return () => void timers.delete(id)
    },
    advance(ms: number) {
      const until = now + ms
      for (let due = nextDue(until); due; due = nextDue(until)) {
        const [id, { at, run }] = due
        timers.delete(id)
        now = at
        run()
      }
      now = until
    },
    /** Time passes, but no timer fires: the process was frozen. */
    freeze(ms: number) {
      now += ms
    },
    /** How long each timer still has to go, the earliest first. */
    waits: (): readonly number[] => [...timers.values()].map(({ at }) => at - now).toSorted((a, b) => a - b),
  }
}
