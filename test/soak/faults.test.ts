import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { faultKinds } from './soak.ts'

const root = join(import.meta.dirname, '../..')
const document = readFileSync(join(root, 'docs/faults.md'), 'utf8')
const sources = globSync(['src/**/*.ts', 'certs/**/*.ts'], { cwd: root })
  .map((path) => readFileSync(join(root, path), 'utf8'))
  .join('\n')
const rows = document.split('\n').filter((line) => line.startsWith('| '))

const named = (pattern: RegExp): readonly string[] => [
  ...new Set([...document.matchAll(pattern)].map(([, name = '']) => name)),
]

test('every fault of the soak has its row', () => {
  const told = new Set(rows.map((row) => row.split(' | ')[0]?.slice(2)))
  expect(faultKinds.flatMap((kinds) => Object.keys(kinds)).filter((name) => !told.has(name))).toEqual([])
})

test('every row says what is seen, how long it lasts and what to do', () => {
  expect(rows.filter((row) => row.split(' | ').length !== 4)).toEqual([])
})

test('the metrics, log lines and events that it names are there', () => {
  const metrics = named(/`(kleym_\w+)`/g)
  const lines = named(/\blog `([^`]+)`/g).map((line) =>
    line.replace(/^ClusterSPIFFEID .*/, 'ClusterSPIFFEID $'),
  )
  const events = named(/event `(\w+)`/g)
  expect(metrics.length).toBeGreaterThan(5)
  expect(lines.length).toBeGreaterThan(5)
  expect(events.length).toBeGreaterThan(3)
  expect([...metrics, ...lines, ...events].filter((name) => !sources.includes(name))).toEqual([])
})
