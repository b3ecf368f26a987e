import type { Objects, Reply } from '../../../src/core/objects.ts'

/** When a process dies: before it hears the answer to its first write, or after that and before its next write. */
export type Death = 'unheard' | 'heard'

export type Mortal = {
  readonly through: (objects: Objects) => Objects
  readonly isDead: () => boolean
  /** How many writes took effect; rehearsals are none. */
  readonly writes: () => number
}

/**
 * The API server as a process knows it that writes once and dies. From then on nothing happens any more. A write
 * that is refused because it was made before does not count, or no successor would get any further.
 */
export function mortal(death?: Death): Mortal {
  const nothing = new Promise<never>(() => undefined)
  let writes = 0
  let dead = false
  const isDead = (): boolean => dead
  const alive =
    <Args extends readonly unknown[]>(ask: (...args: Args) => Promise<Reply>) =>
    async (...args: Args): Promise<Reply> => {
      if (dead) return nothing
      const reply = await ask(...args)
      return isDead() ? nothing : reply
    }
  const writing =
    <Args extends readonly unknown[]>(write: (...args: Args) => Promise<Reply>) =>
    async (...args: Args): Promise<Reply> => {
      if (death === 'heard' && writes === 1) dead = true
      if (dead) return nothing
      const reply = await write(...args)
      if (reply.kind === 'done') writes += 1
      if (death === 'unheard' && writes === 1) dead = true
      return dead ? nothing : reply
    }
  return {
    isDead,
    writes: () => writes,
    through: (objects) => {
      const [create, replace] = [writing(objects.create), writing(objects.replace)]
      return {
        get: alive(objects.get),
        create: (resource, object, options) =>
          (options?.dryRun ? alive(objects.create) : create)(resource, object, options),
        replace: (resource, object, options) =>
          (options?.dryRun ? alive(objects.replace) : replace)(resource, object, options),
        replaceStatus: writing(objects.replaceStatus),
        mergePatch: writing(objects.mergePatch),
        remove: writing(objects.remove),
      }
    },
  }
}
