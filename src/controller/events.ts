import { createHash } from 'node:crypto'
import type { Binding } from '../core/binding.ts'
import { summaryIn, summaryOf, type Outcome } from '../core/conditions.ts'
import type { JsonObject } from '../core/json.ts'
import type { Resource } from '../core/resources.ts'
import { bindingResource } from '../core/resources.ts'

export const eventResource: Resource = {
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
}

/** Something that those who watch a binding are told. */
export type News = {
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly note: string
  /** What tells it from other news of this reason: the same for the same occasion, whichever process tells it. */
  readonly about: string
}

/** The API server's limit for a note, in bytes. */
const longestNote = 1024

/** The Event of a piece of news. One that is told again after a crash has the same name, so that it is not told twice. */
export function eventOf(
  binding: Binding,
  { type, reason, note, about }: News,
  { now, instance }: { readonly now: Date; readonly instance: string },
): JsonObject & { readonly metadata: { readonly name: string; readonly namespace: string } } {
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: eventName(binding, about, reason), namespace: binding.namespace },
    eventTime: now.toISOString().replace('Z', '000Z'),
    reportingController: 'kleym-operator',
    reportingInstance: instance,
    action: reason,
    reason,
    type,
    note: cut(note),
    regarding: {
      apiVersion: `${bindingResource.group}/${bindingResource.version}`,
      kind: bindingResource.kind,
      namespace: binding.namespace,
      name: binding.name,
      uid: binding.uid,
      resourceVersion: binding.resourceVersion,
    },
  }
}

/**
 * What a transition says to those who watch the binding: nothing where the outcome is what the status says.
 *
 * @param version the binding's resourceVersion when the transition was first announced
 */
export function eventsOf(
  binding: Binding,
  outcome: Outcome,
  { now, instance, version }: { readonly now: Date; readonly instance: string; readonly version: string },
): readonly JsonObject[] {
  const before = summaryIn(binding.status)
  const after = summaryOf(outcome)
  if (before?.condition === after.condition && before.reason === after.reason) return []
  const event = (type: News['type'], reason: string, note: string): JsonObject =>
    eventOf(binding, { type, reason, note, about: version }, { now, instance })
  const resolved = before?.reason === 'IdentityCollision'
  return [
    ...(resolved
      ? [event('Normal', 'IdentityCollisionResolved', 'no other binding claims the same container any more')]
      : []),
    outcome.kind === 'ready'
      ? event(
          'Normal',
          'Reconciled',
          `${outcome.identity.spiffeId} by ClusterSPIFFEID ${outcome.output.name}`,
        )
      : event('Warning', after.reason, outcome.message),
  ]
}

/** The same for the same transition, so that a crash between the event and the status neither loses nor doubles one. */
function eventName({ name, uid }: Binding, about: string, reason: string): string {
  const hash = createHash('sha256').update(`${uid}/${about}/${reason}`).digest('hex').slice(0, 16)
  return `${name.slice(0, 200).replace(/[^a-z0-9]+$/, '')}.${hash}`
}

function cut(note: string): string {
  const bytes = Buffer.from(note)
  return bytes.length <= longestNote
    ? note
    : `${bytes
        .subarray(0, longestNote - 4)
        .toString()
        .replace(/\ufffd+$/, '')}…`
}
