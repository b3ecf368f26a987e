import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { retryingReason } from '../../src/core/conditions.ts'
import { rules } from '../../src/core/findings.ts'
import { consoleBlock, headingOf, sectionsOf } from '../e2e/support/played-page.ts'
import { readPage, root } from './pages.ts'

const page = readPage('docs/troubleshooting.md')

/** No input leads to these: they guard the renderer against its own mistakes, and so have no command. */
const invariants: ReadonlySet<string> = new Set([rules.unsafeSelector.reason, rules.invalidSpiffeId.reason])

const isReason = (section: string): boolean => section.startsWith('### ')
const sections = sectionsOf(page).filter(isReason)

const printedIn = (section: string): string =>
  [...section.matchAll(consoleBlock)].map(({ groups }) => groups?.['printed'] ?? '').join('')

describe('docs/troubleshooting.md', () => {
  test('has one section for every reason of the rule table, and no other', () => {
    const reasons = new Set([...Object.values(rules).map(({ reason }) => reason), retryingReason])
    expect(sections.map(headingOf).toSorted()).toEqual([...reasons].toSorted())
  })

  test.each(sections.map((section) => [headingOf(section), section] as const))(
    '%s has its condition, symptom, cause and fix',
    (reason, section) => {
      const conditions = Object.values(rules).flatMap((rule) =>
        rule.reason === reason ? [rule.condition] : [],
      )
      const wanted = conditions.map((condition) => `Condition ${condition}.`)
      expect(wanted.filter((words) => !section.includes(words))).toEqual([])
      expect(section).toMatch(/^\*\*Symptom\.\*\* \S/m)
      expect(section).toMatch(/^\*\*Cause\.\*\* \S/m)
      expect(section).toMatch(/^\*\*Fix\.\*\* \S/m)
      // test/e2e/documents.test.ts holds what is printed; it must be about the reason.
      expect(invariants.has(reason) || printedIn(section).includes(reason)).toBe(true)
    },
  )

  test.each(Object.values(rules).map((rule) => [rule.reason, rule] as const))(
    '%s: what is said of its default is what the code does',
    (reason, { action, configurable }) => {
      const section = sections.find((one) => headingOf(one) === reason) ?? ''
      const said = /^Condition \w+\. ([^\n]*)/m.exec(section)?.[1] ?? ''
      const usual = action === 'deny' ? 'refused' : 'warned about'
      const first = reason === rules.managedOutputApplyFailed.reason ? 'only in a status' : usual
      const wanted = configurable ? [first, 'configurable'] : [first]
      expect(wanted.filter((words) => !said.toLowerCase().includes(words))).toEqual([])
    },
  )

  test('names every example, and none that is not there', () => {
    const named = page.match(/examples\/troubleshooting\/[\w-]+\.yaml/g) ?? []
    const files = readdirSync(join(root, 'examples/troubleshooting'))
    expect([...new Set(named)].toSorted()).toEqual(
      files.map((file) => `examples/troubleshooting/${file}`).toSorted(),
    )
  })
})
