import { expect, test } from 'vitest'
import { explore } from './model/explore.ts'
import { Simulation, type Scenario } from './model/simulation.ts'

const twoCreates: Scenario = {
  clients: [
    { name: 'a', operation: 'CREATE' },
    { name: 'b', operation: 'CREATE' },
  ],
  attempts: 1,
}
const cases: Record<string, Scenario> = {
  base: twoCreates,
  att2: { ...twoCreates, attempts: 2 },
  f1: { ...twoCreates, faults: 1 },
  f1h2: { ...twoCreates, faults: 1, halves: 2 },
  f1a2: { ...twoCreates, faults: 1, attempts: 2 },
  h2d1: { ...twoCreates, halves: 2, deletions: 1 },
  h2d1w: { ...twoCreates, halves: 2, deletions: 1, watchesClaims: true },
  age: { ...twoCreates, ages: 1, collections: 1 },
}
for (const [name, one] of Object.entries(cases))
  test(name, async () => {
    const t = performance.now()
    const r = await explore(() => new Simulation(one))
    process.stderr.write(`${name} ${JSON.stringify(r, null, 1)} ${Math.round(performance.now() - t)} ms\n`)
    expect(r.kind).toBe('sound')
  })
