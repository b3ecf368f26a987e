import { execFile } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { problemOfNode } from '../src/version.ts'

const root = resolve(import.meta.dirname, '..')

describe('the bundle', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bundle-'))
    await cp(join(root, 'dist'), join(folder, 'dist'), { recursive: true })
  })
  afterAll(() => rm(folder, { recursive: true }))

  const run = (...args: readonly string[]) =>
    promisify(execFile)(process.execPath, [join(folder, 'dist/main.js'), ...args], {
      cwd: root,
      env: { PATH: process.env['PATH'] },
    }).catch((error: { readonly code: number; readonly stdout: string; readonly stderr: string }) => error)

  test('judges manifests with nothing beside it', async () => {
    const files = ['-f', 'examples/accepted', '-f', 'examples/refused', '--trust-domain', 'example.org']
    const { stdout } = await run('check', ...files)
    expect(stdout).toContain('RenderFailure/UnexpectedContainerName')
  })

  test('has all that the operator loads', async () => {
    const kubeconfig = join(folder, 'nowhere')
    const { stdout, stderr } = await run(
      'operator',
      '--trust-domain',
      'example.org',
      '--kubeconfig',
      kubeconfig,
    )
    expect(stdout + stderr).toContain(kubeconfig)
    expect(stdout + stderr).not.toContain('Cannot find')
  })

  test('tells lines of the sources', async () => {
    const maps = (await readdir(join(folder, 'dist'))).filter((name) => name.endsWith('.map'))
    const texts = await Promise.all(maps.map((name) => readFile(join(folder, 'dist', name), 'utf8')))
    const sources = texts.flatMap((text) => JSON.parse(text).sources)
    expect(sources).toContain('../src/operator/run.ts')
    expect(sources).toContain('../src/core/evaluate.ts')
  })

  test('is ASCII alone, which Node keeps in half the memory', async () => {
    const files = (await readdir(join(folder, 'dist'))).filter((name) => name.endsWith('.js'))
    const texts = await Promise.all(files.map((name) => readFile(join(folder, 'dist', name), 'utf8')))
    expect(files.filter((_, index) => /\P{ASCII}/u.test(texts[index] ?? ''))).toEqual([])
  })

  test('has nothing that the operator would hold in memory without use', async () => {
    const maps = (await readdir(join(folder, 'dist'))).filter((name) => name.endsWith('.map'))
    const texts = await Promise.all(maps.map((name) => readFile(join(folder, 'dist', name), 'utf8')))
    const sources: readonly string[] = texts.flatMap((text) => JSON.parse(text).sources)
    const unused =
      /client-node\/dist\/gen\/models|undici\/lib\/(?:mock|cache|web\/websocket)|node_modules\/(?:ajv\/|fast-json-stringify\/(?!lib\/))/
    expect(sources.filter((source) => unused.test(source))).toEqual([])
  })

  test('holds the licences of what it is made of', async () => {
    const text = await readFile(join(folder, 'dist/LICENSES.txt'), 'utf8')
    const { dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
    for (const [name, version] of Object.entries(dependencies))
      expect(text).toMatch(new RegExp(`^# ${name} ${String(version)} \\(.+\\)$`, 'm'))
  })
})

test.each([
  ['22.19.0', 'check', undefined],
  ['22.18.0', 'check', 'Node.js 22.18.0 is too old; run it with 22.19 or later'],
  ['20.20.2', undefined, 'Node.js 20.20.2 is too old; run it with 22.19 or later'],
  ['22.19.0', 'operator', 'Node.js 22.19.0 is too old; run it with 24.0 or later'],
  ['24.0.0', 'operator', undefined],
  ['26.1.0', undefined, undefined],
])('Node.js %s, for %s', (version, command, problem) => {
  expect(problemOfNode(version, command)).toBe(problem)
})
