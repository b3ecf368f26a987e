/** For how long the event loop was kept at once, at most: by the clock, and in CPU time, which others on the machine hardly change. */
export type Hold = { readonly cpuMs: number; readonly wallMs: number }

export async function longestHold(work: () => Promise<void>): Promise<Hold> {
  let [cpuMs, wallMs] = [0, 0]
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
  return { cpuMs, wallMs }
}

/** Of this thread, so without what the garbage collector's helpers do beside it. */
function cpuNow(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
