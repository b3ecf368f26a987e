import type { EventsSeen, Happening } from '../cli/cluster.ts'
import { field, numberOr, objectOr, textOr } from '../core/json.ts'
import { bindingResource } from '../core/resources.ts'
import { explain, resourcePath } from '../kube/client.ts'
import { unseenBecause, type Connection } from './connected.ts'

const eventResource = { group: 'events.k8s.io', version: 'v1', plural: 'events' }

/** The API server keeps events for an hour, and one binding has few: a page of them is all there is to tell. */
const atMost = 500

/** What has happened to a binding, as far as events of it are kept. */
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
    if (answer.kind !== 'ok') return unseenBecause(`listing events: ${explain(answer)}`)
    const { items } = objectOr(answer.body)
    const events = Array.isArray(items) ? items.map(happening) : []
    return { kind: 'seen', events: events.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at)) }
  }, unseenBecause)

/** Of an event that repeats, when it did last. What wrote it by the older API has other fields for that. */
function happening(object: unknown): Happening {
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
