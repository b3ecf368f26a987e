import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { tether } from '../controlplane/tether.ts'
import { binariesIn, type Environment, isComplete, locate } from './locate.ts'
import { acquire, isAlive } from './lock.ts'
import { type Binaries, programsOf, type Toolset } from './toolset.ts'

export type Located<Paths> =
  | { readonly kind: 'found'; readonly binaries: Paths }
  | { readonly kind: 'missing'; readonly remedy: string }

type Say = (line: string) => void

/**
 * The programs of a toolset, built with Go when neither its variable nor the cache has them. Of several processes
 * one builds and the others wait. `say` gets a line now and then: the first build takes minutes.
 */
export async function locateOrBuild<Paths extends Binaries>(
  tools: Toolset<Paths>,
  env: Environment,
  say: Say,
): Promise<Located<Paths>> {
  const located = await locate(tools, env)
  return located.kind === 'absent' ? buildInto(located.directory, tools, env, say) : located
}

async function buildInto<Paths extends Binaries>(
  directory: string,
  tools: Toolset<Paths>,
  env: Environment,
  say: Say,
): Promise<Located<Paths>> {
  await mkdir(dirname(directory), { recursive: true })
  const lock = `${directory}.lock`
  await using mine = await acquire(
    lock,
    () => isComplete(directory, tools),
    (owner) => say(`waiting for process ${owner}, which builds ${tools.what} (lock: ${lock})`),
  )
  // Whoever held the lock before may have finished between the look and the lock.
  if (mine === undefined || (await isComplete(directory, tools)))
    return { kind: 'found', binaries: binariesIn(directory, tools) }
  await removeAbandoned(directory)
  const staging = `${directory}.building-${process.pid}`
  try {
    await mkdir(staging, { recursive: true })
    const failure = await goInstall(staging, tools, env, say)
    if (failure !== undefined) return { kind: 'missing', remedy: failure }
    await publish(staging, directory, tools)
    say(`built ${directory}`)
    return { kind: 'found', binaries: binariesIn(directory, tools) }
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}

/** A directory gets its name only when it is whole. A second builder that was quicker is as good. */
async function publish(staging: string, directory: string, tools: Toolset): Promise<void> {
  if (await isComplete(directory, tools)) return
  await rm(directory, { recursive: true, force: true })
  try {
    await rename(staging, directory)
  } catch (error) {
    if (!(await isComplete(directory, tools))) throw error
  }
}

/** Stagings of builders that were killed. */
async function removeAbandoned(directory: string): Promise<void> {
  const prefix = `${basename(directory)}.building-`
  const names = await readdir(dirname(directory))
  const abandoned = names.filter(
    (name) => name.startsWith(prefix) && !isAlive(Number(name.slice(prefix.length))),
  )
  await Promise.all(
    abandoned.map((name) => rm(join(dirname(directory), name), { recursive: true, force: true })),
  )
}

/** Undefined when all programs are in `target`, otherwise why not and what to do. */
async function goInstall(
  target: string,
  tools: Toolset,
  env: Environment,
  say: Say,
): Promise<string | undefined> {
  const { what, module, linkerFlags, builtAs = {} } = tools
  const flags = linkerFlags(await readFile(join(module, 'go.mod'), 'utf8'))
  say(`building ${what} (${programsOf(tools).join(', ')}) with Go; once, it takes minutes`)
  const started = performance.now()
  const go = tether(
    ['go', 'install', '-mod=readonly', '-buildvcs=false', '-trimpath', `-ldflags=${flags}`, 'tool'],
    { cwd: module, env: { ...env, GOBIN: target, GOWORK: 'off' }, scratch: target, output: 'pipe' },
  )
  let output = ''
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-4_000)
  }
  go.process.stdout?.on('data', keep)
  go.process.stderr?.on('data', keep)
  const seconds = (): string => ((performance.now() - started) / 1000).toFixed(0)
  const progress = setInterval(() => say(`still building after ${seconds()} s`), 30_000)
  const ending = await go.ended.finally(() => clearInterval(progress))
  if (ending === 'exit code 127') return withoutGo(tools)
  if (ending !== 'exit code 0') return `go install in ${module} failed (${ending}):\n${output}`
  for (const [program, built] of Object.entries(builtAs))
    await rename(join(target, built), join(target, program))
  return undefined
}

function withoutGo(tools: Toolset): string {
  const need = `the tests against ${tools.what} need Go 1.26 or later on PATH (https://go.dev/dl) to build it once`
  if (tools.variable === undefined) return need
  return `${need}, or ${tools.variable} set to a directory with ${programsOf(tools).join(', ')}`
}
