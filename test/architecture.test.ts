import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')

/** One import: both ends from the root of the project, or the name of a package. */
type Arrow = { readonly from: string; readonly to: string; readonly typeOnly: boolean }

type File = { readonly path: string; readonly text: string }

/** `import … from 'x'`, `export … from 'x'`, `import 'x'` and `import('x')`, where the code says them. */
const statements =
  /(?:^[ \t]*(?:import|export)\b(?<clause>[\w$\s{},*]*)\bfrom\s*|^[ \t]*import\s*|\bimport\s*\(\s*)['"](?<target>[^'"\n]+)['"]/gm

const arrowsOf = ({ path, text }: File): readonly Arrow[] =>
  [...text.matchAll(statements)].map(({ groups: { clause = '', target = '' } = {} }) => ({
    from: path,
    to: target.startsWith('.') ? join(dirname(path), target) : target,
    typeOnly: /^\s*type\b/.test(clause),
  }))

type Layer = {
  /** A folder, or a file of src that is in none. */
  readonly path: string
  /** The layers that its files may import, beside its own. */
  readonly imports: readonly string[]
  /** Those that they may import types of, which are nothing at run time. */
  readonly types?: readonly string[]
  readonly packages?: RegExp
}

const log = ['src/log.ts']

/**
 * Siblings never meet: what one of them needs of another is handed over by src/operator or src/commands. docs/architecture.md
 * has a row for each layer. Only src/kube knows the client library, and no layer knows a test.
 */
const layers: readonly Layer[] = [
  { path: 'src/core', imports: [], packages: /^node:crypto$/ },
  { path: 'src/schema', imports: ['src/core'] },
  { path: 'src/flags', imports: ['src/core'], types: log, packages: /^node:net$/ },
  { path: 'src/config.ts', imports: ['src/core', 'src/flags'], types: log },
  { path: 'src/log.ts', imports: [], packages: /^pino$/ },
  { path: 'src/root.ts', imports: [], packages: /^node:/ },
  { path: 'src/version.ts', imports: [], packages: /^package\.json$/ },
  { path: 'src/result.ts', imports: [] },
  {
    path: 'src/kube',
    imports: ['src/core'],
    packages: /^(?:@kubernetes\/client-node|js-yaml|undici|node:.*)$/,
  },
  { path: 'src/webhook', imports: ['src/core'], types: log, packages: /^(?:fastify|node:.*)$/ },
  { path: 'src/controller', imports: ['src/core'], types: log, packages: /^node:/ },
  { path: 'certs', imports: ['src/core'], types: log, packages: /^(?:node-forge|node:.*)$/ },
  { path: 'src/metrics', imports: ['src/core'], packages: /^prom-client$/ },
  { path: 'src/serving', imports: ['src/metrics'], types: log, packages: /^(?:fastify|node:.*)$/ },
  {
    path: 'src/cli',
    imports: ['src/core', 'src/schema', 'src/flags', 'src/config.ts', 'src/result.ts', 'src/version.ts'],
    packages: /^(?:yaml|node:.*)$/,
  },
  { path: 'src/reads', imports: ['src/core', 'src/schema', 'src/kube', 'src/cli', 'src/config.ts'] },
  {
    path: 'src/operator',
    imports: [
      'src/core',
      'src/kube',
      'src/webhook',
      'src/controller',
      'certs',
      'src/metrics',
      'src/serving',
      'src/flags',
      'src/config.ts',
      'src/log.ts',
      'src/root.ts',
      'src/version.ts',
      'src/result.ts',
    ],
    packages: /^(?:yaml|node:.*)$/,
  },
  {
    path: 'src/commands',
    imports: ['src/cli', 'src/reads', 'src/operator', 'src/result.ts', 'src/version.ts'],
    packages: /^node:/,
  },
  {
    path: 'src/main.ts',
    imports: ['src/commands', 'src/cli', 'src/core', 'src/result.ts', 'src/version.ts'],
    packages: /^node:/,
  },
]

const isIn = (path: string, layer: string): boolean => path === layer || path.startsWith(`${layer}/`)

const layerOf = (path: string): Layer | undefined => layers.find((layer) => isIn(path, layer.path))

function isAllowed({ from, to, typeOnly }: Arrow): boolean {
  const layer = layerOf(from)
  if (!layer) return false
  const { path, imports, types = [], packages } = layer
  return (
    [path, ...imports, ...(typeOnly ? types : [])].some((one) => isIn(to, one)) || packages?.test(to) === true
  )
}

const strays = (arrows: readonly Arrow[]): readonly string[] =>
  arrows.filter((arrow) => !isAllowed(arrow)).map(({ from, to }) => `${from} → ${to}`)

/** The first way back to a file that is met again, for each file where one starts. */
function cycles(arrows: readonly Arrow[]): readonly string[] {
  const targets = Map.groupBy(arrows, ({ from }) => from)
  const done = new Set<string>()
  const found: string[] = []
  const visit = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file)
    if (at !== -1) found.push([...path.slice(at), file].join(' → '))
    if (at !== -1 || done.has(file)) return
    for (const { to } of targets.get(file) ?? []) visit(to, [...path, file])
    done.add(file)
  }
  for (const file of targets.keys()) visit(file, [])
  return found
}

const files = globSync(['src/**/*.ts', 'certs/**/*.ts'], { cwd: root }).map((path) => ({
  path,
  text: readFileSync(join(root, path), 'utf8'),
}))
const arrows = files.flatMap(arrowsOf)

const pathsIn = (text: string): readonly string[] =>
  [...text.matchAll(/`([^`]+)`/g)].map(([, path = '']) => path)

describe('the arrows between the layers', () => {
  test('every import in the sources is seen', () => {
    const words = files.flatMap(
      ({ text }) => text.match(/^(?:import|export)\b[^;=]*?\bfrom '[^']+'$/gm) ?? [],
    )
    expect(files.length).toBeGreaterThan(50)
    expect(arrows.length).toBeGreaterThanOrEqual(words.length)
    const own = arrows.filter(({ to }) => /^(?:src|certs|test)\//.test(to))
    const known = new Set(files.map(({ path }) => path))
    expect(own.map(({ to }) => to).filter((path) => !known.has(path))).toStrictEqual([])
  })

  test('point inward, and siblings never meet', () => {
    expect(strays(arrows)).toStrictEqual([])
  })

  test('are those of docs/architecture.md', () => {
    const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8')
    const rows = [...page.matchAll(/^\| `((?:src|certs)[^`]*)` \|[^|]*\|([^|]*)\|$/gm)]
    const told = rows.map(([, path = '', cell = '']) => [path, new Set(pathsIn(cell))])
    const held = layers.map(({ path, imports, types = [] }) => [path, new Set([...imports, ...types])])
    expect(Object.fromEntries(told)).toEqual(Object.fromEntries(held))
  })

  test('form no cycle', () => {
    expect(cycles(arrows)).toStrictEqual([])
  })
})

/** What the rules make of one file that imports one thing in a given way. */
const said = (path: string, text: string): readonly string[] => strays(arrowsOf({ path, text }))

describe('a broken arrow is found', () => {
  test.each([
    ['src/core/x.ts', "import { readFile } from 'node:fs'"],
    ['src/core/checks/x.ts', "import type { Log } from '../../log.ts'"],
    ['src/kube/x.ts', "import { run } from '../controller/loop.ts'"],
    ['src/kube/x.ts', "export * from '../webhook/server.ts'"],
    ['src/operator/x.ts', "import { Agent } from 'undici'"],
    ['src/operator/x.ts', "import { check } from '../cli/check.ts'"],
    ['src/operator/x.ts', "import type { Connection } from '../reads/connected.ts'"],
    ['src/reads/x.ts', "import { createFeed } from '../operator/feed.ts'"],
    ['src/main.ts', "const k = await import('@kubernetes/client-node')"],
    ['src/main.ts', 'import "undici"'],
    ['src/main.ts', "import { runOperator } from './operator/run.ts'"],
    ['src/webhook/x.ts', "import {\n  a,\n  b,\n} from '../kube/client.ts'"],
    ['src/webhook/x.ts', "import { createLog, type Log } from '../log.ts'"],
    ['src/controller/x.ts', "export type { A } from '../webhook/review.ts'"],
    ['certs/x.ts', "import { get } from '../src/kube/client.ts'"],
    ['src/cli/x.ts', "import type { Client } from '../kube/client.ts'"],
    ['src/cli/x.ts', "import { snapshotCluster } from '../reads/cluster.ts'"],
    ['src/config.ts', "import { check } from './cli/check.ts'"],
    ['src/serving/x.ts', "import { loop } from '../controller/loop.ts'"],
    ['src/operator/x.ts', "import { pool } from '../../test/support/builders.ts'"],
    ['src/other.ts', "import { field } from './core/json.ts'"],
  ])('%s: %s', (path, text) => {
    expect(said(path, text)).toHaveLength(1)
  })

  test.each([
    ['src/core/x.ts', "import { createHash } from 'node:crypto'"],
    ['src/webhook/x.ts', "import type { Log } from '../log.ts'"],
    ['src/webhook/x.ts', "export const path = '../kube/client.ts'"],
    ['src/operator/x.ts', "import { run } from '../webhook/server.ts'"],
    ['src/cli/x.ts', "import { operatorConfig } from '../config.ts'"],
  ])('and a good one is not: %s: %s', (path, text) => {
    expect(said(path, text)).toStrictEqual([])
  })

  test('as is a cycle, of types too', () => {
    const ring = [
      { path: 'src/a.ts', text: "import { b } from './b.ts'" },
      { path: 'src/b.ts', text: "import type { C } from './c.ts'" },
      { path: 'src/c.ts', text: "export { a } from './a.ts'" },
    ]
    expect(cycles(ring.flatMap(arrowsOf))).toStrictEqual(['src/a.ts → src/b.ts → src/c.ts → src/a.ts'])
    expect(cycles(ring.slice(1).flatMap(arrowsOf))).toStrictEqual([])
  })
})
