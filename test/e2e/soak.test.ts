import { expect, test } from 'vitest'
import { describeReport } from '../soak/report.ts'
import { soak } from '../soak/soak.ts'
import { controlPlane, describeReal } from '../support/real.ts'

const timeout = 300_000

describeReal('a short soak', () => {
  test('breaks no promise', { timeout }, async ({ annotate }) => {
    const seed = Math.floor(Math.random() * 2 ** 32)
    const { binaries } = controlPlane()
    const report = await soak({ binaries, seed, minutes: 0, stormMs: [12_000, 12_000], say: () => {} })
    await annotate(describeReport(report))
    expect(report.violations.map(({ rule, about, what }) => `${rule}: ${about}: ${what}`)).toEqual([])
    expect(report.accidents).toEqual([])
    // Without edits and faults there would have been nothing to find.
    expect(report.edits.size).toBeGreaterThan(10)
    expect(report.faults.size).toBeGreaterThan(1)
    expect(report.judged.written).toBeGreaterThan(20)
  })
})
