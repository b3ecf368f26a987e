import type { Objects, Reply } from '../../../src/core/objects.ts'

/** When the process dies: before its n-th write has any effect, or before it hears of that. */
export type Death = { readonly atWrite: number; readonly when: 'before' | 'after' }

export type Mortal = {
  readonly through: (objects: Objects) => Objects
  readonly isDead: () => boolean
  /** How many writes took effect; rehearsals are none. */
  readonly writes: () => number
}

/** The API server as a process knows it that ends at a certain write: from then on nothing happens any more. */
export function mortal(death?: Death): Mortal {
  const nothing = new Promise<never>(() => undefined)
  let begun = 0
  let writes = 0
  let dead = false
  const alive =
    <Args extends readonly unknown[]>(ask: (...args: Args) => Promise<Reply>) =>
    async (...args: Args): Promise<Reply> => {
      if (dead) return nothing
      const reply = await ask(...args)
      return dead ? nothing : reply
    }
  const writing =
    <Args extends readonly unknown[]>(write: (...args: Args) => Promise<Reply>) =>
    async (...args: Args): Promise<Reply> => {
      if (dead) return nothing
      begun += 1
      const isLast = begun === death?.atWrite
      if (isLast && death.when === 'before') dead = true
      if (dead) return nothing
      const reply = await write(...args)
      if (reply.kind === 'done') writes += 1
      if (isLast) dead = true
      return dead ? nothing : reply
    }
  return {
    isDead: () => dead,
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
