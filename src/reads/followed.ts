import { byBytes } from '../core/names.ts'
import type { Resource } from '../core/resources.ts'
import type { Client } from '../kube/client.ts'
import { systemClock } from '../kube/clock.ts'
import { Reflector, type KubeObject } from '../kube/reflector.ts'

/** Lists that watches keep up to date, for a command that looks again and again. */
export type Followed = {
  /** Begins to follow a kind, of all namespaces or of one. A second call for the same changes nothing. */
  readonly begin: (client: Client, resource: Resource, namespace: string | undefined) => void
  /** The objects of a kind; undefined if it is not followed, or if its watch may have missed something. */
  readonly objects: (resource: Resource, namespace: string | undefined) => readonly KubeObject[] | undefined
  /** Resolves a while after something changed, or at the latest after `atMostMs`. */
  readonly change: (times: ChangeTimes) => Promise<void>
  readonly close: () => Promise<void>
}

export type ChangeTimes = {
  readonly atMostMs: number
  /** Changes come in groups: how long to wait for more after the first one. */
  readonly gatherMs: number
}

type Watch = {
  readonly reflector: Reflector
  readonly objects: Map<string, KubeObject>
  isMixed: boolean
  /** The reflector's `restarts` at the last look. */
  failures: number
  /** When a look first saw that there were more of them. What was heard before may be out of date. */
  doubtedAt: number
}

export function followed(): Followed {
  const watches = new Map<string, Watch>()
  let isNews = false
  let wake: (() => void) | undefined
  const changed = (): void => {
    isNews = true
    wake?.()
  }

  function begin(client: Client, resource: Resource, namespace: string | undefined): void {
    const key = keyOf(resource, namespace)
    if (watches.has(key)) return
    const objects = new Map<string, KubeObject>()
    const reflector = new Reflector({
      client,
      resource,
      ...(namespace !== undefined && { namespace }),
      handler: {
        upserted: (object) => {
          objects.set(placeOf(object.metadata), object)
          changed()
        },
        removed: (at) => {
          objects.delete(placeOf(at))
          changed()
        },
        synced: changed,
        mixed: (isMixed) => void (watch.isMixed = isMixed),
      },
    })
    const watch: Watch = { reflector, objects, isMixed: false, failures: 0, doubtedAt: 0 }
    watches.set(key, watch)
    reflector.start()
  }

  return {
    begin,
    objects: (resource, namespace) => {
      const watch = watches.get(keyOf(resource, namespace))
      return watch && isCurrent(watch) ? sorted(watch.objects) : undefined
    },
    change: async ({ atMostMs, gatherMs }) => {
      if (!isNews) await new Promise<void>((resolve) => void (wake = after(atMostMs, resolve)))
      wake = undefined
      await new Promise<void>((resolve) => void after(isNews ? gatherMs : 0, resolve))
      // What changes from here on may be missing in the next look, so it causes another one.
      isNews = false
    },
    close: async () => {
      await Promise.all([...watches.values()].map(async ({ reflector }) => reflector.stop()))
    },
  }
}

/** In the order of a list, so that a report does not change because an object was heard of later. */
const sorted = (objects: ReadonlyMap<string, KubeObject>): readonly KubeObject[] =>
  [...objects].toSorted(([a], [b]) => byBytes(a, b)).map(([, object]) => object)

const placeOf = (at: { readonly namespace?: string; readonly name: string }): string =>
  `${at.namespace ?? ''}/${at.name}`

const keyOf = ({ group, version, plural }: Resource, namespace: string | undefined): string =>
  [group, version, plural, namespace ?? ''].join('/')

/**
 * Whether the objects are what the cluster has. After a failed watch they are not until something is heard again:
 * the API server may be back long before the reflector has ended its pause.
 */
function isCurrent(watch: Watch): boolean {
  const { reflector } = watch
  if (reflector.restarts !== watch.failures) {
    watch.failures = reflector.restarts
    watch.doubtedAt = systemClock.now()
  }
  return reflector.synced && !watch.isMixed && reflector.lastContact >= watch.doubtedAt
}

/** Runs `run` once: after a time, or as soon as the function that is returned is called. */
function after(ms: number, run: () => void): () => void {
  const end = (): void => {
    cancel()
    run()
  }
  const cancel = systemClock.after(ms, end)
  return end
}
