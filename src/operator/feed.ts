import type { BindingKey } from '../core/binding.ts'
import type { Change } from '../core/change.ts'
import type { Inventory } from '../core/inventory.ts'
import {
  allResources,
  bindingResource,
  clusterSpiffeIdResource,
  gvk,
  type Resource,
} from '../core/resources.ts'
import type { Turns } from '../core/slices.ts'
import { unreadWords } from '../core/unread.ts'
import type { Client } from '../kube/client.ts'
import { systemClock, systemTurns } from '../kube/clock.ts'
import { otherVersions } from '../kube/definition.ts'
import { watchKinds } from '../kube/discovery.ts'
import { Reflector, type ReflectorOptions } from '../kube/reflector.ts'
import type { Log } from '../log.ts'
import { contractSummary, obstacleIn, obstacles, type Obstacle } from './contract.ts'
import { lighten } from './lighten.ts'
import { schemaIn, schemaSummary } from './schema-seen.ts'
import { ServedSchemas } from './served-schemas.ts'
import { WorkingOut, type TakingIn, type Waiting } from './working-out.ts'

type FeedOptions = {
  readonly client: Pick<Client, 'call' | 'watch'>
  readonly inventory: Inventory
  /** Told which bindings a change concerns. */
  readonly mark: (keys: Iterable<BindingKey>) => void
  /** Told which bindings one change of many concerns. */
  readonly markLater: (keys: Iterable<BindingKey>) => void
  /** Told of a kind that has another schema: the API server may then store more, or less, of its objects. */
  readonly schemaChanged: (resource: Resource) => void
  /** Told of the uid of each binding that is gone or going: it never holds a collision key again. */
  readonly bindingReleased: (uid: string) => void
  readonly log: Log
  /** The reflectors' usual ones unless given. */
  readonly timings?: ReflectorOptions['timings']
  /** For how long a new schema counts as fresh; ten seconds unless given. */
  readonly schemaSettlesMs?: number
  readonly turns?: Turns
}

export type Feed = {
  readonly start: () => void
  readonly stop: () => Promise<void>
  /** Resolves once everything is known; nothing may be decided before. */
  readonly synced: Promise<void>
  /** What is not known yet. */
  readonly unsynced: () => readonly string[]
  /** Why nothing may be touched: another contract is installed under our name. */
  readonly halted: () => string | undefined
  /** Resolves once what is known of a namespace is of one moment, or the signal aborts; undefined where it is already. */
  readonly whenDecidable: (namespace: string, signal: AbortSignal) => Promise<void> | undefined
  /** The same of what reviews depend on, which is all but the ClusterSPIFFEIDs that are there. */
  readonly whenReviewable: (namespace: string, signal: AbortSignal) => Promise<void> | undefined
  /** Of the lists that the loop or a review waits for, the one that is being taken in for longest, if there is one. */
  readonly takingIn: (waiting: Waiting) => TakingIn | undefined
  /**
   * Whether the schema of a kind that decides about identities has just changed. Until each API server goes by the new schema,
   * what is read, by a list or live, may lack fields that the former one prunes.
   */
  readonly isSchemaFresh: () => boolean
  /** For how long nothing has been heard of bindings, in ms; 0 where their kind is not served. */
  readonly silence: () => number
  readonly reflectors: () => readonly { readonly resource: Resource; readonly reflector: Reflector }[]
}

/**
 * Keeps the inventory what the cluster is: a reflector for every kind that is served, for as long as it is. A
 * kind counts as served once its objects are known, so that none of them is called missing in between.
 */
export function createFeed({
  client,
  inventory,
  mark,
  markLater,
  schemaChanged,
  bindingReleased,
  log,
  timings = {},
  schemaSettlesMs = usualSchemaSettlesMs,
  turns = systemTurns,
}: FeedOptions): Feed {
  const running = new Map<Resource, Reflector>()
  const known = new Set<Resource>()
  /** The kinds that are not served, and what is served instead. */
  const absent = new Map<Resource, string>()
  let stopping: Promise<unknown> = Promise.resolve()
  let halted: Obstacle | undefined

  const complete = Promise.withResolvers<void>()
  const workingOut = new WorkingOut({ inventory, markLater, turns, clock: systemClock, log })
  const schemas = new ServedSchemas({
    settlesMs: schemaSettlesMs,
    // What was written or listed meanwhile may have been pruned by the former schema, so the kind is listed again.
    settled: (resource) => {
      running.get(resource)?.beginAnew()
      if (inventory.isServed(resource)) learnSchema(resource)
    },
  })

  const apply = (change: Change): void => {
    const keys = inventory.apply(change)
    if (keys.size <= markedAtOnce) mark(keys)
    else workingOut.markLater(keys)
    workingOut.goOn()
  }

  const learn = (resource: Resource, served: boolean, instead?: readonly string[]): void => {
    apply({ kind: 'served', resource, served, schema: schemas.of(resource), otherVersions: instead })
    known.add(resource)
    // Nothing is worked out before all kinds are known: references would lead nowhere.
    if (known.size === allResources.length) void workingOut.begin().then(complete.resolve)
  }

  function arrive(resource: Resource, isOtherSchema: boolean): void {
    if (absent.delete(resource)) log.info({ gvk: gvk(resource) }, 'this kind is served now')
    const former = running.get(resource)
    if (former) {
      // Where the definition is only described anew, all that is known stays as it is.
      if (!isOtherSchema) return
      // The API server ends watches of the former kind a second later, or, where a request of it is under way, up to two minutes.
      former.beginAnew()
      if (inventory.isServed(resource)) learnSchema(resource)
      return
    }
    if (resource === bindingResource) known.delete(resource)
    const reflector = new Reflector({
      client,
      resource,
      log,
      timings,
      reduce: (object) => lighten(resource, object, inventory),
      handler: {
        upserted: (object) => {
          const { uid, deletionTimestamp } = object.metadata
          if (resource === bindingResource && deletionTimestamp !== undefined) bindingReleased(uid)
          apply({ kind: 'upserted', resource, object })
        },
        removed: ({ namespace, name, uid }) => {
          if (resource === bindingResource) bindingReleased(uid)
          apply({ kind: 'removed', resource, namespace, name })
        },
        synced: () => learn(resource, true),
        mixed: (isMixed) => workingOut.mixed(resource, isMixed),
      },
    })
    running.set(resource, reflector)
    // A former reflector of this kind that is still being stopped must not report removals after this one has reported objects.
    void stopping.then(() => reflector.start())
  }

  function learnSchema(resource: Resource): void {
    apply({ kind: 'served', resource, served: true, schema: schemas.of(resource) })
    schemaChanged(resource)
  }

  /** @param instead the versions that are served instead, if the kind is unread */
  function leave(resource: Resource, instead: readonly string[] | undefined): void {
    const why = instead && unreadWords({ resource, versions: instead })
    if (absent.get(resource) !== (why ?? ''))
      log.warn({ gvk: gvk(resource), ...(why !== undefined && { why }) }, 'skipping unavailable GVK')
    absent.set(resource, why ?? '')
    learn(resource, false, instead)
    const reflector = running.get(resource)
    running.delete(resource)
    if (reflector) stopping = Promise.all([stopping, reflector.stop({ forget: true })])
  }

  const kinds = watchKinds({
    client,
    resources: allResources,
    log,
    timings,
    summarise: (definition) => ({ ...contractSummary(definition), ...schemaSummary(definition) }),
    changed: (resource, served, definition) => {
      const isOther = schemas.note(resource, schemaIn(definition))
      if (resource === bindingResource) {
        halted = obstacleIn(definition, served)
        if (halted !== undefined) log[obstacles[halted]]({}, halted)
      }
      if (served && !(resource === bindingResource && halted !== undefined)) {
        arrive(resource, isOther)
        if (isOther) schemas.freshen(resource)
      } else leave(resource, definition && otherVersions(definition, resource.version))
    },
  })

  return {
    start: () => kinds.start(),
    stop: async () => {
      await kinds.stop()
      schemas.stop()
      await stopping
      await Promise.all([...running.values()].map((reflector) => reflector.stop()))
    },
    synced: complete.promise,
    unsynced: () => allResources.filter((resource) => !known.has(resource)).map(gvk),
    halted: () => halted,
    whenDecidable: (namespace, signal) => workingOut.whenDecidable(namespace, signal),
    whenReviewable: (namespace, signal) => workingOut.whenReviewable(namespace, signal),
    takingIn: (waiting) => workingOut.takingIn(waiting),
    isSchemaFresh: () =>
      allResources.some(
        (resource) =>
          resource !== clusterSpiffeIdResource &&
          (schemas.isFresh(resource) || running.get(resource)?.isInDoubt === true),
      ),
    silence: () => {
      const bindings = running.get(bindingResource)
      return bindings ? performance.now() - bindings.lastContact : 0
    },
    reflectors: () => [...running].map(([resource, reflector]) => ({ resource, reflector })),
  }
}

/** If a change concerns more bindings than this, they are marked behind those of other changes. */
const markedAtOnce = 100

/** Time for every API server to go by a new CustomResourceDefinition. */
const usualSchemaSettlesMs = 10_000
