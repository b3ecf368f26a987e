import { setTimeout as sleep } from 'node:timers/promises'
import type { Action } from '../../src/core/findings.ts'
import type { Inventory } from '../../src/core/inventory.ts'
import type { JsonObject } from '../../src/core/json.ts'
import { leaseResource } from '../../src/core/resources.ts'
import type { Resource } from '../../src/core/resources.ts'
import type { ActionOverrides, Verdict } from '../../src/core/verdict.ts'
import type { AdmissionRequest, AdmissionResponse } from '../../src/webhook/admission-review.ts'
import type { ListLive } from '../../src/webhook/missing.ts'
import { judgingReferences } from '../../src/webhook/references.ts'
import { Reservations } from '../../src/webhook/reservations.ts'
import { mutating, validating } from '../../src/webhook/review.ts'
import { withoutPods, type LookAtPods } from '../../src/webhook/workloads.ts'
import { inventoryOf, upserted } from '../support/builders.ts'
import { resourceOf, type Manifest } from '../support/vectors.ts'
import { MemoryObjects, objectsOver } from './memory-objects.ts'
import { requestFor } from './request.ts'

type Options = {
  /** The objects that the replica has in memory. */
  readonly remembered?: readonly Manifest[]
  /** The objects that live reads find: the same as in memory, unless given. Undefined if nothing can be read. */
  readonly live?: readonly Manifest[] | undefined
  /** How many objects a page of a list has, and whether pages after the first one ever come. One page has all, unless given. */
  readonly pages?: { readonly size: number; readonly later: 'come' | 'hang'; readonly counts?: boolean }
  /** Kinds of which no list is answered. */
  readonly unlisted?: readonly Resource[]
  /** What a watch brings while a list is under way. */
  readonly meanwhile?: readonly Manifest[]
  readonly actions?: ActionOverrides
  readonly served?: readonly Resource[]
  readonly leases?: MemoryObjects
  /** The clock by which claims age, in ms. It stands still unless given. */
  readonly now?: () => number
  /** How its pods are looked at; not at all unless given. */
  readonly lookAtPods?: (inventory: Inventory) => LookAtPods
  readonly onReferences?: Action
  readonly onLoss?: Action
  /** A namespace in which nothing is refused. */
  readonly lenient?: string
  /** What every answer warns of. */
  readonly notices?: readonly string[]
}

type Asked = Parameters<typeof requestFor>[1]

/** The reviews of one replica, over the objects in its memory and those that live reads find. */
export function stage(options: Options = {}) {
  const { remembered = [], actions = {}, served, leases = new MemoryObjects() } = options
  const live = 'live' in options ? options.live : remembered
  const reads: string[] = []
  const refusals: (readonly string[])[] = []
  const observed: { readonly request: AdmissionRequest; readonly verdict: Verdict }[] = []
  const reservations = new Reservations({
    objects: objectsOver(leases, (_verb, effect) => Promise.resolve(effect())),
    namespace: 'system',
    now: options.now ?? (() => 0),
    holders: () => [],
  })
  const inventory = inventoryOf(remembered, served && { served })
  const notices = (): readonly string[] => options.notices ?? []
  const lists: string[] = []
  const list = (): ListLive => async (resource, namespace, take, paging) => {
    await new Promise(setImmediate)
    for (const one of options.meanwhile ?? []) inventory.apply(upserted(one))
    lists.push(`${resource.group}/${resource.plural}/${namespace}`)
    if (!live || options.unlisted?.includes(resource)) throw new Error('the API server is gone')
    const { size = Infinity, later = 'come', counts = true } = options.pages ?? {}
    const isHere = (one: Manifest): boolean =>
      resourceOf(one) === resource && one.metadata.namespace === namespace
    // As an API server lists them.
    const all = live.filter(isHere).toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    for (let at = 0; ; at += size) {
      all.slice(at, at + size).forEach((one) => take(one))
      const left = all.length - at - size
      if (!(left > 0) || !(paging?.wantsMore?.(counts ? left : undefined) ?? true)) return
      // Late enough for an answer that does not wait.
      await (later === 'hang' ? new Promise(() => {}) : sleep(50))
    }
  }
  const isLenient = (namespace: string): Promise<boolean> => Promise.resolve(namespace === options.lenient)
  const reach = {
    world: inventory,
    actions,
    isLenient,
    lookAtPods: options.lookAtPods?.(inventory) ?? withoutPods,
    notices,
    read: () => (resource: Resource, at: { readonly namespace: string; readonly name: string }) => {
      reads.push(`${resource.group}/${resource.plural}/${at.namespace}/${at.name}`)
      if (!live) return Promise.reject(new Error('the API server is gone'))
      const found = live.find(
        (one) =>
          resourceOf(one) === resource &&
          one.metadata.namespace === at.namespace &&
          one.metadata.name === at.name,
      )
      return Promise.resolve(found)
    },
    reserve: (...claim: Parameters<Reservations['reserve']>) => reservations.reserve(...claim),
    observe: (request: AdmissionRequest, verdict: Verdict) => void observed.push({ request, verdict }),
  }
  const signal = new AbortController().signal
  const references = judgingReferences({
    inventory,
    read: reach.read,
    list,
    isLenient,
    notices,
    actions: {
      onReferences: options.onReferences ?? 'deny',
      onLoss: options.onLoss ?? 'warn',
      overrides: actions,
    },
    refused: (_request, reasons) => void refusals.push(reasons),
  })
  return {
    reads,
    lists,
    observed,
    refusals,
    /** Reviews a pool or an objective. Unless given, `oldObject` is the object that live reads find. */
    judge: (object: Manifest, operation: 'CREATE' | 'UPDATE' | 'DELETE' = 'CREATE', asked?: Asked) =>
      references(
        requestFor(operation === 'DELETE' ? {} : object, {
          of: resourceOf(object),
          operation,
          namespace: object.metadata.namespace ?? '',
          name: object.metadata.name,
          ...(operation === 'DELETE' && { object: null }),
          ...(operation !== 'CREATE' && {
            oldObject: remembered.find((one) => placeOf(one) === placeOf(object)) ?? object,
          }),
          ...asked,
        }),
        signal,
      ),
    claims: () => leases.all(leaseResource),
    validate: (object: JsonObject, asked?: Asked) => validating(reach)(requestFor(object, asked), signal),
    mutate: (object: JsonObject, asked?: Asked) => mutating(reach)(requestFor(object, asked), signal),
  }
}

const placeOf = ({ apiVersion, kind, metadata }: Manifest): string =>
  `${apiVersion} ${kind} ${metadata.namespace}/${metadata.name}`

/** The lines of a denial without its first, or of the warnings. */
export const linesOf = (response: AdmissionResponse): readonly string[] =>
  response.kind === 'denied' ? response.status.message.split('\n').slice(1) : response.warnings

/** `allowed`, or the reasons of a denial, in order; warnings come after a question mark. */
export function outcomeOf(response: AdmissionResponse): string {
  const said = response.warnings.filter((line) => !isCollisionAdvice(line))
  const warnings = said.length > 0 ? `?${reasons(said)}` : ''
  return `${response.kind === 'denied' ? reasons(linesOf(response)) : 'allowed'}${warnings}`
}

/** Whether a line is the advice that stands beside each refused collision. */
const isCollisionAdvice = (line: string): boolean =>
  line.startsWith('spec.containerName: give this binding, or the one')

const reasons = (lines: readonly string[]): string =>
  lines.map((line) => /[A-Za-z]+\/([A-Za-z]+): /.exec(line)?.[1] ?? line).join(', ')
