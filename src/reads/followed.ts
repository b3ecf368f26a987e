import { byBytes } from '../core/names.ts'
import { crdName, definitionResource, type Resource } from '../core/resources.ts'
import type { Client } from '../kube/client.ts'
import { systemClock } from '../kube/clock.ts'
import { slim } from '../kube/definition.ts'
import { Reflector, type KubeObject, type ReflectorOptions } from '../kube/reflector.ts'

/** Lists that watches keep up to date, for a command that looks again and again. */
export type Followed = {
  /** Begins to follow a kind, of all namespaces or of one. A second call for the same changes nothing. */
  readonly begin: (client: Client, resource: Resource, namespace: string | undefined) => void
  /** The objects of a kind; undefined if it is not followed, or if its watch may have missed something. */
  readonly objects: (resource: Resource, namespace: string | undefined) => readonly KubeObject[] | undefined
  /** Begins to follow the CustomResourceDefinition of a kind. Where its schema changes, what is followed of the kind is listed anew. */
  readonly beginDefinition: (client: Client, resource: Resource) => void
  /** The CustomResourceDefinition of a kind, without schemas; undefined if there is none, or as with `objects`. */
  readonly definition: (resource: Resource) => KubeObject | undefined
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
  readonly resource: ReflectorOptions['resource']
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
  /** By kind: cancels the list that follows a new schema. */
  const waits = new Map<Resource, () => void>()
  let isNews = false
  let wake: (() => void) | undefined
  const changed = (): void => {
    isNews = true
    wake?.()
  }

  /** @param heard told of each object that is new or has changed */
  function follow(
    key: string,
    options: Pick<ReflectorOptions, 'client' | 'resource' | 'namespace' | 'fieldSelector' | 'reduce'>,
    heard: (object: KubeObject) => void = () => {},
  ): void {
    if (watches.has(key)) return
    const objects = new Map<string, KubeObject>()
    const reflector = new Reflector({
      ...options,
      handler: {
        upserted: (object) => {
          objects.set(objectKey(object.metadata), object)
          heard(object)
          changed()
        },
        removed: (at) => {
          objects.delete(objectKey(at))
          changed()
        },
        synced: changed,
        mixed: (isMixed) => void (watch.isMixed = isMixed),
      },
    })
    const { resource } = options
    const watch: Watch = { resource, reflector, objects, isMixed: false, failures: 0, doubtedAt: 0 }
    watches.set(key, watch)
    reflector.start()
  }

  /** The same versions of objects read differently now. The watches of a kind do not say so. */
  function listAnew(resource: Resource): void {
    for (const watch of watches.values()) if (watch.resource === resource) watch.reflector.beginAnew()
    changed()
  }

  function schemaChanged(resource: Resource): void {
    listAnew(resource)
    waits.get(resource)?.()
    waits.set(
      resource,
      systemClock.after(schemaSettlesMs, () => listAnew(resource)),
    )
  }

  const known = (key: string): readonly KubeObject[] | undefined => {
    const watch = watches.get(key)
    return watch && isCurrent(watch) ? sorted(watch.objects) : undefined
  }

  return {
    begin: (client, resource, namespace) =>
      follow(keyOf(resource, namespace), { client, resource, ...(namespace !== undefined && { namespace }) }),
    objects: (resource, namespace) => known(keyOf(resource, namespace)),
    beginDefinition: (client, resource) => {
      const name = crdName(resource)
      const options = {
        client,
        resource: definitionResource,
        fieldSelector: `metadata.name=${name}`,
        reduce: (definition: KubeObject) => slim(definition, {}),
      }
      let schema: string | undefined
      follow(name, options, ({ metadata }) => {
        const former = schema
        schema = `${metadata.uid}/${String(metadata['generation'])}`
        if (former !== undefined && former !== schema) schemaChanged(resource)
      })
    },
    definition: (resource) => known(crdName(resource))?.[0],
    change: async ({ atMostMs, gatherMs }) => {
      if (!isNews) await new Promise<void>((resolve) => void (wake = after(atMostMs, resolve)))
      wake = undefined
      await new Promise<void>((resolve) => void after(isNews ? gatherMs : 0, resolve))
      // What changes from here on may be missing in the next look, so it causes another one.
      isNews = false
    },
    close: async () => {
      for (const cancel of waits.values()) cancel()
      await Promise.all([...watches.values()].map(async ({ reflector }) => reflector.stop()))
    },
  }
}

/** Of several API servers some go by the former schema for a moment longer. What was listed then is listed once more. */
const schemaSettlesMs = 10_000

/** In the order of a list, so that a report does not change because an object was heard of later. */
const sorted = (objects: ReadonlyMap<string, KubeObject>): readonly KubeObject[] =>
  [...objects].toSorted(([a], [b]) => byBytes(a, b)).map(([, object]) => object)

const objectKey = (at: { readonly namespace?: string; readonly name: string }): string =>
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
  return (
    reflector.synced && !reflector.isInDoubt && !watch.isMixed && reflector.lastContact >= watch.doubtedAt
  )
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
