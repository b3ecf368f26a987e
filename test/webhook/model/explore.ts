/** A run in steps. The same steps always lead to the same state. */
export type Run = {
  /** How many different steps are possible now; always the same number in the same state. */
  readonly choices: () => number
  readonly take: (choice: number) => Promise<void>
  /** A text for the state, equal for states after which the same can happen. */
  readonly state: () => string
  /** What is wrong, if the state breaks a rule that must hold in every state. */
  readonly problem: () => string | undefined
  /** Whether nothing is under way. */
  readonly isAtRest: () => boolean
  /** What is wrong if nothing more happens, for a run at rest. Ends the run. */
  readonly problemAtRest: () => Promise<string | undefined>
  /** What happened, a line a step. */
  readonly trace: () => readonly string[]
}

export type Explored =
  | { readonly kind: 'sound'; readonly states: number }
  | { readonly kind: 'violation'; readonly problem: string; readonly trace: readonly string[] }

/**
 * Visits every state that any order of choices leads to. A run can't be copied, so each branch begins with a new run
 * from the start. A state that was seen before is not explored again.
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
