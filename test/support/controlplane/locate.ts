import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { access, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'

export const programs = ['etcd', 'kube-apiserver', 'kubectl'] as const

/** The path of each program. */
export type Binaries = Readonly<Record<(typeof programs)[number], string>>

export type Environment = Readonly<Record<string, string | undefined>>

export type Located =
  | { readonly kind: 'found'; readonly binaries: Binaries }
  /** Nothing there yet; a build belongs into `directory`. */
  | { readonly kind: 'absent'; readonly directory: string }
  /** What was asked for can't be had; `remedy` says what to install or to set. */
  | { readonly kind: 'missing'; readonly remedy: string }

/** The Go module that pins the versions of the three programs. */
export const moduleDirectory = resolve(import.meta.dirname, '../../controlplane')

/**
 * Looks where `KUBEBUILDER_ASSETS` points, else into the cache. A variable that points to nothing is an
 * error: whoever set it wants those programs and not others.
 */
export async function locate(env: Environment): Promise<Located> {
  const assets = env['KUBEBUILDER_ASSETS']
  if (assets) {
    const absent = await absentFrom(assets)
    return absent.length === 0
      ? { kind: 'found', binaries: binariesIn(assets) }
      : {
          kind: 'missing',
          remedy: `KUBEBUILDER_ASSETS is ${assets}, where no executable ${absent.join(', ')} is: set it to a directory with ${programs.join(', ')}, or unset it`,
        }
  }
  const directory = await cacheDirectory(env)
  return (await isComplete(directory))
    ? { kind: 'found', binaries: binariesIn(directory) }
    : { kind: 'absent', directory }
}

export function binariesIn(directory: string): Binaries {
  const path = (program: string): string => resolve(directory, program)
  return { etcd: path('etcd'), 'kube-apiserver': path('kube-apiserver'), kubectl: path('kubectl') }
}

export async function isComplete(directory: string): Promise<boolean> {
  return (await absentFrom(directory)).length === 0
}

/** The cache folder is named by all that decides what a build gives, so that no stale build is ever used. */
async function cacheDirectory(env: Environment): Promise<string> {
  const hash = createHash('sha256').update(`${process.platform}-${process.arch}\n`)
  for (const file of ['go.mod', 'go.sum']) hash.update(await readFile(join(moduleDirectory, file)))
  return join(cacheHome(env), 'kleym-operator', 'controlplane', hash.digest('hex').slice(0, 16))
}

/** The XDG Base Directory Specification has relative paths ignored. */
function cacheHome(env: Environment): string {
  const cache = env['XDG_CACHE_HOME']
  return cache && isAbsolute(cache) ? cache : join(env['HOME'] || homedir(), '.cache')
}

async function absentFrom(directory: string): Promise<readonly string[]> {
  const there = await Promise.all(programs.map((program) => isExecutable(join(directory, program))))
  return programs.filter((_, index) => !there[index])
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
