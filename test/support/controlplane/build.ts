import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import {
  type Binaries,
  binariesIn,
  type Environment,
  isComplete,
  locate,
  moduleDirectory,
  programs,
} from './locate.ts'
import { acquire, isAlive } from './lock.ts'
import { tether } from './tether.ts'

export type Outcome =
  | { readonly kind: 'found'; readonly binaries: Binaries }
  | { readonly kind: 'missing'; readonly remedy: string }

type Say = (line: string) => void

/**
 * The three programs, built with Go when neither `KUBEBUILDER_ASSETS` nor the cache has them. Of several
 * processes one builds and the others wait. `say` gets a line now and then: the first build takes minutes.
 */
export async function locateOrBuild(env: Environment, say: Say): Promise<Outcome> {
  const located = await locate(env)
  return located.kind === 'absent' ? buildInto(located.directory, env, say) : located
}

async function buildInto(directory: string, env: Environment, say: Say): Promise<Outcome> {
  await mkdir(dirname(directory), { recursive: true })
  const lock = `${directory}.lock`
  await using mine = await acquire(
    lock,
    () => isComplete(directory),
    (owner) => say(`waiting for process ${owner}, which builds the control plane (lock: ${lock})`),
  )
  // Whoever held the lock before may have finished between the look and the lock.
  if (mine === undefined || (await isComplete(directory))) {
    return { kind: 'found', binaries: binariesIn(directory) }
  }
  await removeAbandoned(directory)
  const staging = `${directory}.building-${process.pid}`
  try {
    await mkdir(staging, { recursive: true })
    const failure = await goInstall(staging, env, say)
    if (failure !== undefined) return { kind: 'missing', remedy: failure }
    await publish(staging, directory)
    say(`built ${directory}`)
    return { kind: 'found', binaries: binariesIn(directory) }
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}

/** A directory gets its name only when it is whole. A second builder that was quicker is as good. */
async function publish(staging: string, directory: string): Promise<void> {
  if (await isComplete(directory)) return
  await rm(directory, { recursive: true, force: true })
  try {
    await rename(staging, directory)
  } catch (error) {
    if (!(await isComplete(directory))) throw error
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

/** Undefined when all three programs are in `target`, otherwise why not and what to do. */
async function goInstall(target: string, env: Environment, say: Say): Promise<string | undefined> {
  const { version, flags } = await pinned()
  say(`building ${programs.join(', ')} (Kubernetes ${version}) with Go; once, it takes minutes`)
  const started = performance.now()
  const go = tether(
    ['go', 'install', '-mod=readonly', '-buildvcs=false', '-trimpath', `-ldflags=${flags}`, 'tool'],
    {
      cwd: moduleDirectory,
      env: { ...env, GOBIN: target, GOWORK: 'off' },
      scratch: target,
      output: 'pipe',
    },
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
  if (ending === 'exit code 127') return withoutGo
  if (ending !== 'exit code 0') return `go install in ${moduleDirectory} failed (${ending}):\n${output}`
  // The module path ends in server/v3, so that is what Go calls it.
  await rename(join(target, 'server'), join(target, 'etcd'))
  return undefined
}

const withoutGo =
  'the tests against a real control plane need Go 1.26 or later on PATH (https://go.dev/dl) to build it once, ' +
  `or KUBEBUILDER_ASSETS set to a directory with ${programs.join(', ')}`

/** Without a version in the binaries, whatever parses the API server's version fails. */
async function pinned(): Promise<{ readonly version: string; readonly flags: string }> {
  const text = await readFile(join(moduleDirectory, 'go.mod'), 'utf8')
  const found = /^\s*k8s\.io\/kubernetes (v(\d+)\.(\d+)\.\S+)/m.exec(text)
  if (!found) throw new Error(`${moduleDirectory}/go.mod requires no k8s.io/kubernetes`)
  const [, version = '', major, minor] = found
  const variable = 'k8s.io/component-base/version'
  const flags = `-s -w -X ${variable}.gitVersion=${version} -X ${variable}.gitMajor=${major} -X ${variable}.gitMinor=${minor}`
  return { version, flags }
}
