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

type Rule = {
  readonly name: string
  /** The imports it is about. */
  readonly of: RegExp
  /** What those may lead to. */
  readonly only: RegExp
  /** What they may lead to for a type, which is nothing at run time. */
  readonly orTypes?: RegExp
}

/** Siblings meet in the composition root alone: src/operator, src/reads, src/commands, src/main.ts and src/snapshot.ts. */
const rules: readonly Rule[] = [
  { name: 'the core is pure', of: /^src\/core\//, only: /^(?:src\/core\/|node:crypto$)/ },
  { name: 'schemas are pure', of: /^src\/schema\//, only: /^src\/(?:core|schema)\// },
  {
    name: 'kube reaches the API server and nothing else of ours',
    of: /^src\/kube\//,
    only: /^(?:src\/core\/|src\/kube\/|@kubernetes\/client-node$|undici$|node:)/,
  },
  {
    name: 'only kube knows the client library',
    of: /^(?!src\/kube\/)/,
    only: /^(?!@kubernetes\/client-node|undici(?:\/|$))/,
  },
  {
    name: 'the webhook meets no sibling',
    of: /^src\/webhook\//,
    only: /^(?:src\/core\/|src\/webhook\/|node:|fastify$)/,
    orTypes: /^src\/log\.ts$/,
  },
  {
    name: 'the controller meets no sibling',
    of: /^src\/controller\//,
    only: /^(?:src\/core\/|src\/controller\/|node:)/,
    orTypes: /^src\/log\.ts$/,
  },
  {
    name: 'certificates meet no sibling',
    of: /^certs\//,
    only: /^(?:src\/core\/|certs\/|node:|node-forge$)/,
    orTypes: /^src\/log\.ts$/,
  },
  {
    name: 'the command line meets no sibling',
    of: /^src\/cli\//,
    only: /^(?:src\/core\/|src\/schema\/|src\/cli\/|src\/flags\/|src\/(?:config|version)\.ts$|node:|yaml$)/,
  },
  {
    name: 'flags, metrics and servers know no layer above',
    of: /^src\/(?:flags|metrics|serving)\//,
    only: /^(?:src\/(?:core|flags|metrics|serving)\/|node:|fastify$|prom-client$)/,
    orTypes: /^src\/log\.ts$/,
  },
  {
    name: 'only the composition root composes',
    of: /^(?!src\/(?:operator\/|reads\/|commands\/|main\.ts$|snapshot\.ts$))/,
    only: /^(?!src\/(?:operator\/|reads\/|commands\/|main\.ts$|snapshot\.ts$))/,
  },
  { name: 'what runs knows no tests', of: /^(?:src|certs)\//, only: /^(?!test\/)/ },
]

const strays = (arrows: readonly Arrow[]): readonly string[] =>
  rules.flatMap(({ name, of, only, orTypes }) =>
    arrows
      .filter(({ from }) => of.test(from))
      .filter(({ to, typeOnly }) => !only.test(to) && !(typeOnly && orTypes?.test(to)))
      .map(({ from, to }) => `${name}: ${from} → ${to}`),
  )

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

  test('form no cycle', () => {
    expect(cycles(arrows)).toStrictEqual([])
  })
})

/** What the rules make of one file that imports one thing in a given way. */
const said = (path: string, text: string): readonly string[] => strays(arrowsOf({ path, text }))

describe('a broken arrow is found', () => {
  test.each([
    ['src/core/x.ts', "import { readFile } from 'node:fs'", 'the core is pure'],
    ['src/core/checks/x.ts', "import type { Log } from '../../log.ts'", 'the core is pure'],
    ['src/kube/x.ts', "import { run } from '../controller/loop.ts'", 'kube reaches the API server'],
    ['src/kube/x.ts', "export * from '../webhook/server.ts'", 'kube reaches the API server'],
    ['src/operator/x.ts', "import { Agent } from 'undici'", 'only kube knows the client library'],
    ['src/main.ts', "const k = await import('@kubernetes/client-node')", 'only kube knows the client'],
    ['src/main.ts', 'import "undici"', 'only kube knows the client library'],
    ['src/webhook/x.ts', "import {\n  a,\n  b,\n} from '../kube/client.ts'", 'the webhook meets no sibling'],
    ['src/webhook/x.ts', "import { createLog, type Log } from '../log.ts'", 'the webhook meets no sibling'],
    ['src/controller/x.ts', "export type { A } from '../webhook/review.ts'", 'the controller meets no'],
    ['certs/x.ts', "import { get } from '../src/kube/client.ts'", 'certificates meet no sibling'],
    ['src/cli/x.ts', "import type { Client } from '../kube/client.ts'", 'the command line meets no sibling'],
    [
      'src/cli/x.ts',
      "import { snapshotCluster } from '../snapshot.ts'",
      'only the composition root composes',
    ],
    [
      'src/serving/x.ts',
      "import { loop } from '../controller/loop.ts'",
      'flags, metrics and servers know no layer',
    ],
    [
      'src/operator/x.ts',
      "import { pool } from '../../test/support/builders.ts'",
      'what runs knows no tests',
    ],
  ])('%s: %s', (path, text, rule) => {
    expect(said(path, text).filter((stray) => stray.startsWith(rule))).toHaveLength(1)
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
