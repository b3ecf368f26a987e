import { lstat, lutimes, readlink, rm, symlink } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'

const beatMs = 2_000
/** Many beats, so that a busy machine does not make a living owner look dead. */
const staleMs = 60_000

export type Lock = AsyncDisposable

/**
 * Takes the lock at `path`, waiting for whoever holds it; undefined once `isDone` says that there is nothing
 * left to do. The lock is a symbolic link to the owner's process id: made in one step, it never lacks its
 * owner. An owner that is gone loses it at once. Its id may have been given to another process since, so a
 * lock that is not touched for a minute is lost too.
 *
 * Two waiters that find a dead owner at the same moment can both get in: what they do must bear that.
 */
export async function acquire(
  path: string,
  isDone: () => Promise<boolean>,
  onWait: (owner: string) => void,
): Promise<Lock | undefined> {
  for (let isWaiting = false; !(await isDone());) {
    if (await take(path)) return held(path)
    const owner = await ownerOf(path)
    if (owner === undefined) continue
    if (await isStale(path, owner)) {
      await rm(path, { force: true })
      continue
    }
    if (!isWaiting) onWait(owner)
    isWaiting = true
    await wait(200)
  }
  return undefined
}

/** True also for a process of another user. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

function held(path: string): Lock {
  const touch = (): void => {
    // Fails only if somebody has taken the lock away. The release of the lock looks for that.
    lutimes(path, new Date(), new Date()).catch(() => undefined)
  }
  const beat = setInterval(touch, beatMs).unref()
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(beat)
      if ((await ownerOf(path)) === String(process.pid)) await rm(path, { force: true })
    },
  }
}

async function take(path: string): Promise<boolean> {
  try {
    await symlink(String(process.pid), path)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

async function isStale(path: string, owner: string): Promise<boolean> {
  if (!isAlive(Number(owner))) return true
  const stats = await unlessGone(lstat(path))
  return stats !== undefined && Date.now() - stats.mtimeMs > staleMs
}

function ownerOf(path: string): Promise<string | undefined> {
  return unlessGone(readlink(path))
}

async function unlessGone<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
