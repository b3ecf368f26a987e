import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readPage, root } from './pages.ts'

/** The files and folders of the project that a page names: `src/…`, `certs/…` and the like, between backticks. */
const pathsIn = (text: string): readonly string[] =>
  [...text.matchAll(/`((?:src|certs|test|deploy|examples|release|docs)(?:\/[\w.-]+)*)`/g)].map(
    ([, path = '']) => path,
  )

describe('docs/architecture.md', () => {
  const paths = pathsIn(readPage('docs/architecture.md'))

  test('names files and folders that are there', () => {
    expect(paths.length).toBeGreaterThan(80)
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([])
  })

  test('names every folder of src', () => {
    const folders = readdirSync(join(root, 'src'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => `src/${name}`)
    expect(folders.filter((folder) => !paths.includes(folder))).toEqual([])
  })

  test('and CONTRIBUTING.md names what is there', () => {
    const named = pathsIn(readPage('CONTRIBUTING.md'))
    expect(named.length).toBeGreaterThan(15)
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([])
  })
})

const isLong = (path: string): boolean => readFileSync(join(root, path), 'utf8').split('\n').length > 201

describe('the length of files', () => {
  const [, section = ''] = readPage('docs/architecture.md').split('## Long files')

  test('every file over 200 lines has its reason in docs/architecture.md, and no other file has one', () => {
    const long = globSync(['src/**/*.ts', 'certs/**/*.ts'], { cwd: root }).filter(isLong)
    expect(pathsIn(section).toSorted()).toEqual(long.toSorted())
  })
})

describe('docs/decisions', () => {
  const index = readPage('docs/decisions/README.md')
  const files = readdirSync(join(root, 'docs/decisions')).filter((name) => name !== 'README.md')

  test.each(files)('%s has its number, its headings, and tests that are there', (file) => {
    const text = readPage(`docs/decisions/${file}`)
    expect(file).toMatch(/^\d{4}-[a-z-]+\.md$/)
    expect(text.startsWith(`# ${file.slice(0, 4)}: `)).toBe(true)
    expect(index).toContain(`[${file.slice(0, 4)}](${file})`)
    expect([...text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading)).toEqual([
      'Context',
      'Decision',
      'Rejected',
      'Consequences',
      'Held by',
    ])
    const tests = pathsIn(text.slice(text.indexOf('## Held by')))
    expect(tests.length).toBeGreaterThan(0)
    expect(tests.filter((path) => !path.startsWith('test/') || !existsSync(join(root, path)))).toEqual([])
  })

  test('have numbers without a gap', () => {
    expect(files.map((file) => Number(file.slice(0, 4)))).toEqual(files.map((_, at) => at + 1))
  })
})
