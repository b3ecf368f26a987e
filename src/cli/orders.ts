import { replacesAnnotation } from '../core/binding.ts'
import { field, objectOr } from '../core/json.ts'
import { byBytes } from '../core/names.ts'
import { admissionLabel } from '../core/resources.ts'
import { isRefused, type Checked } from './assess.ts'
import { outcomeOf } from './check-messages.ts'
import type { Item } from './manifests.ts'

type Input = Parameters<typeof isRefused>[0]

/** The orders in which tools apply the same objects: Helm sorts kinds that it does not know by name, others by group. */
const toolOrders: readonly (readonly [tool: string, by: (item: Item) => string])[] = [
  ['Helm', ({ kind }) => kind],
  ['Flux and Kustomize', ({ group }) => group],
]

/** A line that says whether the order in which the objects are applied matters. With default settings it never does. */
export function orderLine(input: Input, refused: boolean): string {
  const differing = isSureOfOrder(input)
    ? []
    : toolOrders.filter(([, by]) => {
        const items = input.items.toSorted((a, b) => byBytes(by(a), by(b)))
        return isRefused({ ...input, items }) !== refused
      })
  if (differing.length === 0)
    return refused
      ? 'applied in another order, something of this is refused too'
      : 'applied in another order, nothing of this is refused either'
  const tools = differing.map(([tool]) => tool).join(' and ')
  return refused
    ? `in the order of ${tools}, nothing of this would be refused`
    : `in the order of ${tools}, something of this would be refused`
}

/**
 * Whether what admission promises holds for this input: of objects that are created, once each, the order decides nothing while
 * its actions are the default ones. Only what is not promised is tried out: that takes longer than the verdicts themselves.
 */
export function isSureOfOrder({ items, cluster, actions }: Input): boolean {
  const isDefault = Object.keys(actions.overrides).length === 0 && actions.onReferences === 'deny'
  const names = new Set(
    items.map(({ group, kind, namespace, name }) => [group, kind, namespace, name].join('/')),
  )
  return isDefault && cluster.length === 0 && names.size === items.length && items.every(isPlainlyCreated)
}

/** Neither on its way out nor in the place of another. */
const isPlainlyCreated = ({ manifest }: Item): boolean => {
  const metadata = objectOr(field(objectOr(manifest?.object), 'metadata'))
  return (
    field(metadata, 'deletionTimestamp') === undefined &&
    field(objectOr(field(metadata, 'annotations')), replacesAnnotation) === undefined
  )
}

/** Lines about existing objects that would be refused if they were created anew, as in a restore. */
export function anewLines(all: readonly Checked[]): readonly string[] {
  const names = all.flatMap((one) =>
    one.kind === 'binding' && outcomeOf(one) === 'deny'
      ? [`  ${one.assessment.namespace}/${one.assessment.name}`]
      : [],
  )
  return names.length === 0
    ? ['all of this could be applied anew']
    : [
        `could not be applied anew, as by a restore, unless the namespace is labelled ${admissionLabel}=warn:`,
        ...names,
      ]
}
