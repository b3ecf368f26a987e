/** The longest time for which the event loop was kept at once, by the clock and in CPU time. Other programs hardly change the second. */
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

/** The CPU time of this thread, without that of the helper threads of the garbage collector. */
function cpuNow(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
