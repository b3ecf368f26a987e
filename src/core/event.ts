import type { JsonObject } from './json.ts'
import type { Resource } from './resources.ts'

export type EventParts = {
  /** The object that the Event is about. */
  readonly regarding: {
    readonly resource: Resource
    readonly namespace: string
    readonly name: string
    readonly uid?: string
    readonly resourceVersion?: string
  }
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  /** Cut where it is longer than the API server takes. */
  readonly note: string
  /** The end of the Event's name, by which it differs from others about the same object. At most 52 characters. */
  readonly suffix: string
  readonly now: Date
  /** The pod's name. */
  readonly instance: string
}

export type KubernetesEvent = JsonObject & {
  readonly metadata: { readonly name: string; readonly namespace: string }
}

/** The API server's limit for a note, in bytes. */
const longestNote = 1024

/** How much of the object's name is in the Event's. The API server takes 253 characters for both parts and the dot. */
const longestStem = 200

/** An Event (events.k8s.io/v1) by this operator, with a name and a note that the API server accepts. */
export function eventAbout({
  regarding,
  reason,
  type,
  note,
  suffix,
  now,
  instance,
}: EventParts): KubernetesEvent {
  const { resource, ...object } = regarding
  // A name that is cut may end in a character that must not stand before a dot.
  const stem = object.name.slice(0, longestStem).replace(/[^a-z0-9]+$/, '')
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: `${stem}.${suffix}`, namespace: object.namespace },
    eventTime: now.toISOString().replace('Z', '000Z'),
    reportingController: 'kleym-operator',
    reportingInstance: instance,
    action: reason,
    reason,
    type,
    note: cut(note),
    regarding: {
      apiVersion: resource.group === '' ? resource.version : `${resource.group}/${resource.version}`,
      kind: resource.kind,
      ...object,
    },
  }
}

function cut(note: string): string {
  const bytes = Buffer.from(note)
  if (bytes.length <= longestNote) return note
  // Three bytes are for the ellipsis. A character that the cut goes through reads as U+FFFD.
  const start = bytes.subarray(0, longestNote - 3).toString()
  return `${start.replace(/\ufffd+$/, '')}…`
}
