import { eventResource, bindingResource, clusterSpiffeIdResource } from '../../../src/core/resources.ts'
import { recordOf, textOf, type Json } from '../../support/embedded/json.ts'
import { metaOf, type Admin } from '../../support/world.ts'

/** Fields that differ between two runs in which the same happened. */
const ofTheMoment = new Set([
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'deletionTimestamp',
  'lastTransitionTime',
  'eventTime',
])

const timeless = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(timeless)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !ofTheMoment.has(key))
      .map(([key, inner]) => [key, timeless(inner)]),
  )
}

/** `ReasonA of binding: note`, one for each event. */
const told = (event: Json): string => {
  const { type, reason, note, regarding } = event
  return `${textOf(type)} ${textOf(reason)} of ${textOf(recordOf(regarding)['name'])}: ${textOf(note)}`
}

const inOrder = (objects: readonly Json[]): readonly unknown[] =>
  objects.toSorted((a, b) => (textOf(metaOf(a)['name']) < textOf(metaOf(b)['name']) ? -1 : 1)).map(timeless)

/** All that a run leaves behind, as it would be whenever it happened. */
export async function recordOfRun({ list }: Admin): Promise<{
  readonly bindings: readonly unknown[]
  readonly outputs: readonly unknown[]
  readonly events: readonly string[]
}> {
  const [bindings, outputs, events] = await Promise.all([
    list(bindingResource),
    list(clusterSpiffeIdResource),
    list(eventResource),
  ])
  return { bindings: inOrder(bindings), outputs: inOrder(outputs), events: events.map(told).toSorted() }
}
