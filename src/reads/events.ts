import type { EventsSeen, EventSeen } from '../cli/cluster.ts'
import { field, numberOr, objectOr, textOr } from '../core/json.ts'
import { bindingResource, eventResource } from '../core/resources.ts'
import { failureWords, resourcePath } from '../kube/client.ts'
import { unseenBecause, type Connection } from './connected.ts'

/** One page is enough: the API server keeps Events for an hour, and one binding has few. */
const atMost = 500

/** Reads the Events of a binding. */
export const readEvents = (
  { use }: Connection,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): Promise<EventsSeen> =>
  use<EventsSeen>(async (client) => {
    const answer = await client.call({
      method: 'GET',
      path: resourcePath(eventResource, { namespace }),
      query: {
        fieldSelector: `regarding.kind=${bindingResource.kind},regarding.name=${name}`,
        limit: String(atMost),
      },
    })
    if (answer.kind !== 'ok') return unseenBecause(`listing events: ${failureWords(answer)}`)
    const { items } = objectOr(answer.body)
    const events = Array.isArray(items) ? items.map(eventOf) : []
    return { kind: 'seen', events: events.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at)) }
  }, unseenBecause)

/**
 * An Event as the report has it. If it repeats, its time is that of the last occurrence, which Events of the older
 * API have in other fields.
 */
function eventOf(object: unknown): EventSeen {
  const event = objectOr(object)
  const series = objectOr(field(event, 'series'))
  const times = [
    field(series, 'lastObservedTime'),
    field(event, 'deprecatedLastTimestamp'),
    field(event, 'eventTime'),
    field(objectOr(field(event, 'metadata')), 'creationTimestamp'),
  ]
  return {
    at: textOr(
      times.find((time) => typeof time === 'string' && time !== ''),
      '',
    ),
    type: textOr(field(event, 'type'), ''),
    reason: textOr(field(event, 'reason'), ''),
    note: textOr(field(event, 'note'), ''),
    count: numberOr(field(series, 'count'), numberOr(field(event, 'deprecatedCount'), 1)) || 1,
  }
}
