import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isObject, objectOr } from '../../src/core/json.ts'
import { pages, readPage, root } from './pages.ts'

const contributing = readPage('CONTRIBUTING.md')
const scripts = objectOr(objectOr(JSON.parse(readPage('package.json')))['scripts'])

describe('CONTRIBUTING.md', () => {
  test('names every variable of the tests', () => {
    const variables = globSync(['test/**/*.ts', 'vitest.config.ts'], { cwd: root }).flatMap((path) =>
      [...readFileSync(join(root, path), 'utf8').matchAll(/env\['(KLEYM_(?!TRUST_DOMAIN)\w+)'\]/g)].map(
        ([, name = '']) => name,
      ),
    )
    expect(new Set(variables).size).toBeGreaterThan(5)
    expect([...new Set(variables)].filter((name) => !contributing.includes(`\`${name}`))).toEqual([])
  })
})

test('every npm script that a page names is there', () => {
  expect(isObject(scripts)).toBe(true)
  const named = pages.flatMap((page) =>
    [...readPage(page).matchAll(/\bnpm run ([a-z-]+)/g)].map(([, name = '']) => `${page}: ${name}`),
  )
  expect(named.length).toBeGreaterThan(8)
  expect(named.filter((one) => !Object.hasOwn(scripts, one.split(': ')[1] ?? ''))).toEqual([])
})
