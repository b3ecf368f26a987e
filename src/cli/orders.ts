/** Whether the order in which the objects of the input are applied decides what is refused. */
import { replacesAnnotation } from '../core/binding.ts'
import { rules } from '../core/findings.ts'
import { field, objectOr } from '../core/json.ts'
import { admissionLabel } from '../core/resources.ts'
import { isOfTheSpec } from '../core/spec-failures.ts'
import { isRefused, isRefusedAlone, type CheckInput } from './admissions.ts'
import type { Checked } from './assess.ts'
import { outcomeOf } from './check-messages.ts'
import { nameWords } from './item-names.ts'
import { byGroup, byKind, everyOrder, hasVersions, movable, reversed } from './item-orders.ts'
import type { Item } from './manifests.ts'

/** A line on what would be refused in other orders. It claims of an order only what was tried or what admission promises. */
export function orderLine(input: CheckInput, refused: boolean): string {
  if (isSureOfOrder(input) || input.items.some(({ causes }) => causes.length > 0))
    return alikeInAny(input, refused)
  const tried = trialsOf(input, refused)
  const differing = tried.filter((one) => one.refused !== refused)
  const otherwise = `${refused ? 'nothing' : 'something'} of this would be refused`
  if (differing.length > 0) return `${wordsFor(differing)}, ${otherwise}`
  if (!isFew(input)) {
    const [what, too] = refused ? ['something', 'too'] : ['nothing', 'either']
    return `${wordsFor(tried)}, ${what} of this is refused ${too}; no other order was tried`
  }
  const other = everyOrder(input.items).find(
    (items) => !isTried(items, input) && isRefused({ ...input, items }) !== refused,
  )
  return other
    ? `in another order, ${otherwise}: ${movable(other).map(nameOf).join(', ')}`
    : alikeInAny(input, refused)
}

const isTried = (order: readonly Item[], { items }: CheckInput): boolean =>
  isSameOrder(order, items) || isSameOrder(order, reversed(items))

const isSameOrder = (some: readonly Item[], others: readonly Item[]): boolean =>
  some.every((item, at) => item === others[at])

function alikeInAny({ items }: CheckInput, refused: boolean): string {
  const isLabelled = items.some(({ labels }) => field(objectOr(labels), admissionLabel) !== undefined)
  const order = `in another order${isLabelled ? ' that leaves the Namespaces where they are' : ''}`
  return `applied ${order}, ${refused ? 'something of this is refused too' : 'nothing of this is refused either'}`
}

const nameOf = (item: Item): string => `${item.kind} ${nameWords(item)}`

/** An order that was tried; of a tool, or the reverse where `tool` is undefined. */
type Trial = { readonly tool: string | undefined; readonly refused: boolean }

function trialsOf(input: CheckInput, refused: boolean): readonly Trial[] {
  const { items, cluster } = input
  const endingOf = (order: readonly Item[]): boolean =>
    isSameOrder(order, items) ? refused : isRefused({ ...input, items: order })
  const reverse = { tool: undefined, refused: endingOf(reversed(items)) }
  // No tool takes an object twice.
  if (hasVersions(items)) return [reverse]
  const grouped = byGroup(items)
  const isRefusedGrouped = endingOf(grouped)
  // Flux applies nothing before a dry run of all objects, each of them beside what the cluster holds already.
  const isDryRunRefused = cluster.length > 0 && isRefusedAlone({ ...input, items: grouped })
  return [
    { tool: 'Helm', refused: endingOf(byKind(items)) },
    { tool: 'Flux', refused: isRefusedGrouped || isDryRunRefused },
    { tool: 'Kustomize', refused: isRefusedGrouped },
    reverse,
  ]
}

/** Such as `in the order of Helm, of Flux and in reverse`. */
function wordsFor(trials: readonly Trial[]): string {
  const all = trials.map(({ tool }) => (tool === undefined ? 'in reverse' : `of ${tool}`))
  const words = [...all.slice(0, -2), all.slice(-2).join(' and ')].join(', ')
  return all[0]?.startsWith('of ') ? `in the order ${words}` : words
}

/** How many objects may be applied, those of the cluster included, to try every order: about half a second's worth. */
const mostApplied = 5_000

/**
 * Whether all orders that are left can be tried within `mostApplied`. Up to two objects have only the given order and the reverse, which
 * are tried already.
 */
function isFew({ items, cluster }: CheckInput): boolean {
  const count = movable(items).length
  let orders = 1
  for (let n = 2; n <= count && orders <= mostApplied; n += 1) orders *= n
  return count <= 2 || orders * (cluster.length + items.length) <= mostApplied
}

/**
 * Whether the order decides nothing for this input, so that no other order has to be tried, which takes longer than the verdicts
 * themselves. Admission promises that for objects that are created, once each, under actions that refuse what the default ones do. Where
 * a loss is refused, too, it depends on whether the identity was there before.
 */
export function isSureOfOrder({ items, cluster, actions }: CheckInput): boolean {
  const { overrides, onReferences, onLoss } = actions
  const refusesByDefault = Object.keys(overrides).length === 0 && onReferences === 'deny' && onLoss !== 'deny'
  return refusesByDefault && cluster.length === 0 && !hasVersions(items) && items.every(isPlainlyCreated)
}

/** Whether an object is simply created: it is not being deleted, replaces no other, and is no Namespace whose label decides about others. */
const isPlainlyCreated = ({ manifest, labels }: Item): boolean => {
  if (labels) return field(labels, admissionLabel) === undefined
  const metadata = objectOr(field(objectOr(manifest?.object), 'metadata'))
  return (
    field(metadata, 'deletionTimestamp') === undefined &&
    field(objectOr(field(metadata, 'annotations')), replacesAnnotation) === undefined
  )
}

/** That `kubectl apply` warns of bindings which stand before what they name, although all is there in the end. */
export function answeredLines(all: readonly Checked[]): readonly string[] {
  const answered = all.flatMap((one) => (one.kind === 'binding' ? one.answered : []))
  const reasons = new Set(answered.map(({ rule }) => rules[rule].reason))
  return reasons.size === 0
    ? []
    : [`applied in this order, there are warnings about objects that follow: ${[...reasons].join(', ')}`]
}

/** Lines about existing objects that would be refused if they were created anew, as in a restore. */
export function anewLines(all: readonly Checked[]): readonly string[] {
  const refused = all.filter((one) => outcomeOf(one) === 'deny')
  if (refused.length === 0) return ['all of this could be applied anew']
  const [always, unlabelled] = [refused.filter(isRefusedByCrd), refused.filter((one) => !isRefusedByCrd(one))]
  return [
    ...linesOn(
      unlabelled,
      `could not be applied anew, as by a restore, unless the namespace is labelled ${admissionLabel}=warn:`,
    ),
    ...linesOn(
      always,
      'could not be applied anew, as by a restore, since the CustomResourceDefinition refuses it:',
    ),
  ]
}

const linesOn = (some: readonly Checked[], title: string): readonly string[] =>
  some.length === 0
    ? []
    : [
        title,
        ...some.flatMap((one) =>
          one.kind === 'binding' ? [`  ${one.assessment.namespace}/${one.assessment.name}`] : [],
        ),
      ]

/** Whether the label of a namespace would not help. */
const isRefusedByCrd = (one: Checked): boolean =>
  one.kind === 'binding' &&
  one.assessment.verdict.findings.some(({ action, rule }) => action === 'deny' && isOfTheSpec(rule))
