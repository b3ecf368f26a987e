import { summaryIn } from '../../src/core/conditions.ts'
import { objectOr } from '../../src/core/json.ts'
import { bindingResource } from '../../src/core/resources.ts'
import { Reflector } from '../../src/kube/reflector.ts'
import type { Cluster } from './cluster.ts'

export type Statuses = AsyncDisposable & {
  /** Resolves once so many bindings of the namespace have this reason, to when that was, by `performance.now()`. */
  readonly reached: (reason: string, count: number) => Promise<number>
}

/** Follows what the bindings of a namespace say, through one watch. */
export async function followStatuses({ client }: Cluster, namespace: string): Promise<Statuses> {
  const reasons = new Map<string, string>()
  const counts = new Map<string, number>()
  let waiting: { readonly reason: string; readonly count: number; readonly resolve: (at: number) => void }[] =
    []
  const synced = Promise.withResolvers<void>()

  const note = (name: string, reason: string | undefined): void => {
    const before = reasons.get(name)
    if (before === reason) return
    if (before !== undefined) counts.set(before, (counts.get(before) ?? 0) - 1)
    if (reason === undefined) return void reasons.delete(name)
    reasons.set(name, reason)
    counts.set(reason, (counts.get(reason) ?? 0) + 1)
    tell()
  }
  const isReached = ({ reason, count }: { readonly reason: string; readonly count: number }): boolean =>
    (counts.get(reason) ?? 0) >= count
  const tell = (): void => {
    for (const one of waiting.filter(isReached)) one.resolve(performance.now())
    waiting = waiting.filter((one) => !isReached(one))
  }

  const reflector = new Reflector({
    client,
    resource: bindingResource,
    namespace,
    handler: {
      upserted: (object) => note(object.metadata.name, summaryIn(objectOr(object['status']))?.reason),
      removed: ({ name }) => note(name, undefined),
      synced: synced.resolve,
    },
  })
  reflector.start()
  await synced.promise
  return {
    reached: (reason, count) =>
      new Promise((resolve) => {
        waiting.push({ reason, count, resolve })
        tell()
      }),
    [Symbol.asyncDispose]: () => reflector.stop(),
  }
}
