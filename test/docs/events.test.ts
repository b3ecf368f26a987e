import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { retryingReason } from '../../src/core/conditions.ts'
import { rules } from '../../src/core/findings.ts'
import { readPage, root } from './pages.ts'

/** The reasons of the events that a source file makes: what it says of `reason` beside the type of an event. */
function reasonsIn(text: string): readonly string[] {
  if (!/\btype: '(?:Normal|Warning)'/.test(text)) return []
  return text.split('\n').flatMap((line) => {
    if (!/\breason: /.test(line)) return []
    const written = [...line.matchAll(/'([A-Z][A-Za-z]+)'/g)].map(([, reason = '']) => reason)
    const named = line.includes('retryingReason') ? [retryingReason] : []
    return [...written, ...named].filter((reason) => reason !== 'Normal' && reason !== 'Warning')
  })
}

test('docs/reference/events.md has a row for every event of the code, and no other', () => {
  const sources = globSync(['src/**/*.ts', 'certs/**/*.ts'], { cwd: root })
  const inCode = new Set(sources.flatMap((path) => reasonsIn(readFileSync(join(root, path), 'utf8'))))
  // What a binding fails for is an event too, and has its section in docs/troubleshooting.md.
  for (const { reason } of Object.values(rules)) inCode.delete(reason)
  const onPage = [...readPage('docs/reference/events.md').matchAll(/^\| `(\w+)` \| (?:Normal|Warning) \|/gm)]
  expect(inCode.size).toBeGreaterThan(8)
  expect(onPage.map(([, reason = '']) => reason).toSorted()).toEqual([...inCode].toSorted())
})

test('the reasons of a file that makes events are found', () => {
  const file = "{ type: 'Warning', reason: on ? 'OneThing' : 'Another' }\nreason: retryingReason"
  expect(reasonsIn(file)).toEqual(['OneThing', 'Another', 'Retrying'])
  expect(reasonsIn("reason: 'NoEvent'")).toEqual([])
})
