import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { access, readdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, isAbsolute, join, resolve } from 'node:path'
import { type Binaries, programsOf, type Toolset } from './toolset.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export type Located<Paths> =
  | { readonly kind: 'found'; readonly binaries: Paths }
  /** Nothing there yet; a build belongs into `directory`. */
  | { readonly kind: 'absent'; readonly directory: string }
  /** What was asked for can't be had; `remedy` says what to install or to set. */
  | { readonly kind: 'missing'; readonly remedy: string }

/**
 * Looks where the toolset's variable points, else into the cache. A variable that points to nothing is an error:
 * whoever set it wants those programs and not others.
 */
export async function locate<Paths extends Binaries>(
  tools: Toolset<Paths>,
  env: Environment,
): Promise<Located<Paths>> {
  const { variable } = tools
  const given = variable === undefined ? undefined : env[variable]
  if (given) {
    const absent = await absentFrom(given, tools)
    return absent.length === 0
      ? { kind: 'found', binaries: binariesIn(given, tools) }
      : {
          kind: 'missing',
          remedy: `${variable} is ${given}, where no executable ${absent.join(', ')} is: set it to a directory with ${programsOf(tools).join(', ')}, or unset it`,
        }
  }
  const directory = await cacheDirectory(tools, env)
  return (await isComplete(directory, tools))
    ? { kind: 'found', binaries: binariesIn(directory, tools) }
    : { kind: 'absent', directory }
}

export const binariesIn = <Paths extends Binaries>(directory: string, { at }: Toolset<Paths>): Paths =>
  at((program) => resolve(directory, program))

export async function isComplete(directory: string, tools: Toolset): Promise<boolean> {
  return (await absentFrom(directory, tools)).length === 0
}

/** The cache folder is named by all that decides what a build gives, so that no stale build is ever used. */
async function cacheDirectory({ module }: Toolset, env: Environment): Promise<string> {
  const hash = createHash('sha256').update(`${process.platform}-${process.arch}\n`)
  const sources = (await readdir(module)).filter((name) => name.endsWith('.go')).toSorted()
  for (const file of ['go.mod', 'go.sum', ...sources]) hash.update(await readFile(join(module, file)))
  return join(cacheOf(env), basename(module), hash.digest('hex').slice(0, 16))
}

/** The folder of everything that is built. The XDG Base Directory Specification has relative paths ignored. */
export function cacheOf(env: Environment): string {
  const cache = env['XDG_CACHE_HOME']
  const home = cache && isAbsolute(cache) ? cache : join(env['HOME'] || homedir(), '.cache')
  return join(home, 'kleym-operator')
}

async function absentFrom(directory: string, tools: Toolset): Promise<readonly string[]> {
  const programs = programsOf(tools)
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
