/** Something that goes on in steps, always in the same way for the same steps. */
export type Run = {
  /** What could happen next; the same number in the same state. */
  readonly choices: () => number
  readonly take: (choice: number) => Promise<void>
  /** Equal for states that can't be told apart by what may follow. */
  readonly state: () => string
  /** What must never be so. */
  readonly problem: () => string | undefined
  /** Whether nothing is under way, */
  readonly isAtRest: () => boolean
  /** and then what is wrong if nothing more happens. Puts an end to the run. */
  readonly problemAtRest: () => Promise<string | undefined>
  /** What happened, a line a step. */
  readonly trace: () => readonly string[]
}

export type Explored =
  | { readonly kind: 'sound'; readonly states: number }
  | { readonly kind: 'violation'; readonly problem: string; readonly trace: readonly string[] }

/**
 * Visits every state that any order of choices leads to. What runs can't be copied in mid-flight, so that another
 * branch is begun from the start; a state that was seen is not gone on from.
 */
export async function explore(begin: () => Run): Promise<Explored> {
  const visited = new Set<string>()
  const open: (readonly number[])[] = [[]]
  for (let path = open.pop(); path; path = open.pop()) {
    const run = await replay(begin, path)
    const here = [...path]
    for (;;) {
      const state = run.state()
      if (visited.has(state)) break
      visited.add(state)
      const choices = run.choices()
      for (let choice = 1; choice < choices; choice += 1) open.push(here.concat(choice))
      const problem = run.problem()
      if (problem !== undefined) return { kind: 'violation', problem, trace: run.trace() }
      if (run.isAtRest()) {
        const resting = await replay(begin, here)
        const later = await resting.problemAtRest()
        if (later !== undefined) return { kind: 'violation', problem: later, trace: resting.trace() }
      }
      if (choices === 0) break
      await run.take(0)
      here.push(0)
    }
  }
  return { kind: 'sound', states: visited.size }
}

async function replay(begin: () => Run, path: readonly number[]): Promise<Run> {
  const run = begin()
  for (const choice of path) await run.take(choice)
  return run
}
