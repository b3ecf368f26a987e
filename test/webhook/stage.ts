import { leaseResource } from '../../src/core/resources.ts'
import type { JsonObject } from '../../src/core/json.ts'
import type { Inventory } from '../../src/core/inventory.ts'
import type { Resource } from '../../src/core/resources.ts'
import type { ActionOverrides, Verdict } from '../../src/core/verdict.ts'
import type { AdmissionRequest, AdmissionResponse } from '../../src/webhook/admission-review.ts'
import { Reservations } from '../../src/webhook/reservations.ts'
import { mutating, validating } from '../../src/webhook/review.ts'
import { blind, type LookAtPods } from '../../src/webhook/workloads.ts'
import { inventoryOf } from '../support/builders.ts'
import { resourceOf, type Manifest } from '../support/vectors.ts'
import { MemoryObjects, objectsOver } from './memory-objects.ts'
import { requestFor } from './request.ts'

type Options = {
  /** What the replica remembers, */
  readonly remembered?: readonly Manifest[]
  /** and what is there by now; the same unless given. Undefined: nothing can be read. */
  readonly live?: readonly Manifest[] | undefined
  readonly actions?: ActionOverrides
  readonly served?: readonly Resource[]
  readonly leases?: MemoryObjects
  /** How its pods are looked at; not at all unless given. */
  readonly lookAtPods?: (inventory: Inventory) => LookAtPods
}

type Asked = Parameters<typeof requestFor>[1]

/** One replica's reviews, over what it remembers and what there is. */
export function stage(options: Options = {}) {
  const { remembered = [], actions = {}, served, leases = new MemoryObjects() } = options
  const live = 'live' in options ? options.live : remembered
  const reads: string[] = []
  const observed: { readonly request: AdmissionRequest; readonly verdict: Verdict }[] = []
  const reservations = new Reservations({
    objects: objectsOver(leases, (_verb, effect) => Promise.resolve(effect())),
    namespace: 'system',
    now: () => 0,
  })
  const world = inventoryOf(remembered, served && { served })
  const reach = {
    world,
    actions,
    lookAtPods: options.lookAtPods?.(world) ?? blind,
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
  return {
    reads,
    observed,
    claims: () => leases.all(leaseResource),
    validate: (object: JsonObject, asked?: Asked) => validating(reach)(requestFor(object, asked), signal),
    mutate: (object: JsonObject, asked?: Asked) => mutating(reach)(requestFor(object, asked), signal),
  }
}

/** The lines of a denial without its first, or of the warnings. */
export const linesOf = (response: AdmissionResponse): readonly string[] =>
  response.kind === 'denied' ? response.status.message.split('\n').slice(1) : response.warnings

/** `allowed`, or the reasons of a denial, in order; warnings come after a question mark. */
export function outcomeOf(response: AdmissionResponse): string {
  const warnings = response.warnings.length > 0 ? `?${reasons(response.warnings)}` : ''
  return `${response.kind === 'denied' ? reasons(linesOf(response)) : 'allowed'}${warnings}`
}

const reasons = (lines: readonly string[]): string =>
  lines.map((line) => /[A-Za-z]+\/([A-Za-z]+): /.exec(line)?.[1] ?? line).join(', ')
