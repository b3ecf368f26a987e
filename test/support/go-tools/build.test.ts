import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { basename, delimiter, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test, vi } from 'vitest'
import { controlPlaneTools as tools } from '../controlplane/binaries.ts'
import { script, scratchDirectory } from '../controlplane/scratch.ts'
import { fluxTools, helmTools, scoreTools, statusTools } from '../gitops/binaries.ts'
import { binariesIn, locate } from './locate.ts'
import { programsOf, type Toolset, versionIn } from './toolset.ts'

const main = join(import.meta.dirname, 'main.ts')
const programs = programsOf(tools)
/** A builder is a process, and on a busy machine a process takes long to start. */
const patience = { timeout: 30_000 }

describe('finding the programs', () => {
  test('KUBEBUILDER_ASSETS wins over the cache', async () => {
    const scratch = await scratchDirectory()
    const assets = await filledWith(programs, join(scratch, 'assets'))
    await filledWith(programs, await cacheDirectory(scratch))
    const located = await locate(tools, { XDG_CACHE_HOME: scratch, KUBEBUILDER_ASSETS: assets })
    expect(located).toEqual({ kind: 'found', binaries: binariesIn(assets, tools) })
  })

  test('the cache is used when KUBEBUILDER_ASSETS is unset or empty', async () => {
    const scratch = await scratchDirectory()
    const cache = await filledWith(programs, await cacheDirectory(scratch))
    for (const assets of [undefined, '']) {
      const located = await locate(tools, { XDG_CACHE_HOME: scratch, KUBEBUILDER_ASSETS: assets })
      expect(located).toEqual({ kind: 'found', binaries: binariesIn(cache, tools) })
    }
  })

  test('a KUBEBUILDER_ASSETS that lacks a program is an error that names it', async () => {
    const scratch = await scratchDirectory()
    const assets = await filledWith(['etcd', 'kubectl'], join(scratch, 'assets'))
    const located = await locate(tools, { XDG_CACHE_HOME: scratch, KUBEBUILDER_ASSETS: assets })
    expect(located).toMatchObject({
      kind: 'missing',
      remedy: expect.stringMatching(/no executable kube-apiserver is/),
    })
  })

  test('without XDG_CACHE_HOME, or with a relative one, the cache is in ~/.cache', async () => {
    const scratch = await scratchDirectory()
    for (const cache of [undefined, 'relative']) {
      const located = await locate(tools, { HOME: scratch, XDG_CACHE_HOME: cache })
      expect(located).toMatchObject({
        kind: 'absent',
        directory: expect.stringContaining(`${scratch}/.cache/kleym-operator/`),
      })
    }
  })

  test('each toolset has a variable and a place in the cache of its own', async () => {
    const scratch = await scratchDirectory()
    const others: readonly Toolset[] = [helmTools, fluxTools, statusTools, scoreTools]
    for (const one of others) {
      expect(await locate(one, { XDG_CACHE_HOME: scratch, KUBEBUILDER_ASSETS: scratch })).toMatchObject({
        kind: 'absent',
        directory: expect.stringContaining(`${scratch}/kleym-operator/${basename(one.module)}/`),
      })
      const binaries = await filledWith(programsOf(one), join(scratch, basename(one.module)))
      expect(await locate(one, { XDG_CACHE_HOME: scratch, [one.variable ?? '']: binaries })).toEqual({
        kind: 'found',
        binaries: binariesIn(binaries, one),
      })
    }
  })

  test('a change of any Go file of the module leads to a build of its own', async () => {
    const scratch = await scratchDirectory()
    const module = join(scratch, 'flux-apply')
    await cp(fluxTools.module, module, { recursive: true })
    const place = () => locate({ ...fluxTools, module }, { XDG_CACHE_HOME: scratch })
    const before = await place()
    expect(before.kind).toBe('absent')
    expect(await place()).toEqual(before)
    await appendFile(join(module, 'main.go'), '// another\n')
    expect(await place()).not.toEqual(before)
  })

  test('a version is read from the line of its module alone', () => {
    const goMod = 'module m\n\nrequire (\n\ta.b/c/d v1.0.0\n\ta.b/c v1.2.3 // indirect\n)\n'
    expect(versionIn(goMod, 'a.b/c')).toBe('v1.2.3')
    expect(versionIn('module m\n\nrequire a.b/c v1.2.3\n', 'a.b/c')).toBe('v1.2.3')
    expect(() => versionIn(goMod, 'a.b')).toThrow('go.mod requires no a.b')
  })
})

describe('building the programs', () => {
  test('of two builders one builds and the other waits for it', async () => {
    const scratch = await scratchDirectory()
    const go = await fakeGo(scratch)
    const builders = [builder(scratch, go), builder(scratch, go)]
    await vi.waitFor(
      () => expect(builders.map(({ stderr }) => stderr()).join('')).toMatch(/waiting for process \d+/),
      patience,
    )
    await vi.waitFor(async () => expect(await go.runs()).toBe(1), patience)
    await go.finish()
    const results = await Promise.all(builders.map(({ result }) => result))
    const printed = await printedPaths(scratch)
    expect(results).toEqual([
      { code: 0, stdout: printed },
      { code: 0, stdout: printed },
    ])
    expect(await go.runs()).toBe(1)
    expect(await readdir(join(scratch, 'kleym-operator/controlplane'))).toHaveLength(1)
  })

  test('a builder that was killed holds nobody up and leaves nothing behind', async () => {
    const scratch = await scratchDirectory()
    const go = await fakeGo(scratch)
    const first = builder(scratch, go)
    await vi.waitFor(async () => expect(await go.runs()).toBe(1), patience)
    first.process.kill('SIGKILL')
    await first.result
    const second = builder(scratch, go)
    await vi.waitFor(async () => expect(await go.runs()).toBe(2), patience)
    await go.finish()
    expect(await second.result).toEqual({ code: 0, stdout: await printedPaths(scratch) })
    expect(await readdir(join(scratch, 'kleym-operator/controlplane'))).toHaveLength(1)
  })

  test('a lock whose owner is gone is taken over', async () => {
    const scratch = await scratchDirectory()
    const gone = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
    await once(gone, 'exit')
    await mkdir(join(scratch, 'kleym-operator/controlplane'), { recursive: true })
    await symlink(String(gone.pid), `${await cacheDirectory(scratch)}.lock`)
    const go = await fakeGo(scratch)
    await go.finish()
    expect(await builder(scratch, go).result).toEqual({ code: 0, stdout: await printedPaths(scratch) })
  })

  test('what Go says when it fails is in the message, and nothing is published', async () => {
    const scratch = await scratchDirectory()
    const go = await fakeGo(scratch, 'echo "no such module" >&2; exit 1')
    const failing = builder(scratch, go)
    expect(await failing.result).toEqual({ code: 1, stdout: '' })
    expect(failing.stderr()).toContain('no such module')
    expect(await readdir(join(scratch, 'kleym-operator/controlplane'))).toEqual([])
  })

  test('without Go the message says what to install or to set', async () => {
    const scratch = await scratchDirectory()
    await mkdir(join(scratch, 'empty'))
    const failing = builder(scratch, { path: join(scratch, 'empty') })
    expect(await failing.result).toEqual({ code: 1, stdout: '' })
    expect(failing.stderr()).toMatch(/need Go 1\.\d+ or later on PATH/)
    expect(failing.stderr()).toContain('KUBEBUILDER_ASSETS')
  })
})

async function cacheDirectory(scratch: string): Promise<string> {
  const located = await locate(tools, { XDG_CACHE_HOME: scratch })
  if (located.kind !== 'absent') throw new Error(`the cache is ${located.kind}`)
  return located.directory
}

async function printedPaths(scratch: string): Promise<string> {
  const located = await locate(tools, { XDG_CACHE_HOME: scratch })
  if (located.kind !== 'found') throw new Error(`the cache is ${located.kind}`)
  return Object.entries(located.binaries)
    .map(([name, path]) => `${name} ${path}\n`)
    .join('')
}

async function filledWith(names: readonly string[], directory: string): Promise<string> {
  await mkdir(directory, { recursive: true })
  for (const name of names) await script(join(directory, name), '')
  return directory
}

type Go = {
  /** A value of PATH on which it comes first. */
  readonly path: string
  /** How often it was started. */
  readonly runs: () => Promise<number>
  /** Lets the builds end: until then they have written only a part. */
  readonly finish: () => Promise<void>
}

/** A `go` on a PATH of its own, as slow as the test wants it. */
async function fakeGo(scratch: string, instead?: string): Promise<Go> {
  const bin = join(scratch, 'bin')
  const log = join(scratch, 'runs')
  const finished = join(scratch, 'finished')
  await mkdir(bin)
  await writeFile(log, '')
  const build = `
    echo run >>'${log}'
    printf '#!/bin/sh\\n' >"$GOBIN/server" && chmod +x "$GOBIN/server"
    until [ -e '${finished}' ]; do sleep 0.05; done
    cp -p "$GOBIN/server" "$GOBIN/kubectl"
    cp -p "$GOBIN/server" "$GOBIN/kube-apiserver"`
  await script(join(bin, 'go'), instead ?? build)
  return {
    path: [bin, '/usr/bin', '/bin'].join(delimiter),
    runs: async () => (await readFile(log, 'utf8')).split('\n').length - 1,
    finish: () => writeFile(finished, ''),
  }
}

type Builder = {
  readonly process: ChildProcess
  readonly stderr: () => string
  readonly result: Promise<{ readonly code: unknown; readonly stdout: string }>
}

function builder(scratch: string, { path }: Pick<Go, 'path'>): Builder {
  const env = { PATH: path, HOME: scratch, XDG_CACHE_HOME: scratch }
  const child = spawn(process.execPath, [main, 'controlplane'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let stderr = ''
  child.stderr.on('data', (chunk) => (stderr += String(chunk)))
  const result = Promise.all([once(child, 'close'), text(child.stdout)])
  return {
    process: child,
    stderr: () => stderr,
    result: result.then(([[code], stdout]) => ({ code, stdout })),
  }
}
