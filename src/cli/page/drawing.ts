import { bindingKey, given, type Binding } from '../../core/binding.ts'
import { readyIn, summaryIn } from '../../core/conditions.ts'
import { gather, type Facts } from '../../core/facts.ts'
import { rules } from '../../core/findings.ts'
import type { Inventory } from '../../core/inventory.ts'
import { byBytes } from '../../core/names.ts'
import type { Lookup } from '../../core/references.ts'
import { gvk } from '../../core/resources.ts'
import { hasLabels } from '../../core/selectors.ts'
import { show } from '../../core/show.ts'
import type { Checked } from '../assess.ts'
import { messagesOf, type CheckMessage } from '../check-messages.ts'
import type { PodsSeen } from '../cluster.ts'
import { explained } from '../failure-findings.ts'
import { podsState, renderingOf, type PodState } from '../pod-state.ts'
import { rivalsIn } from '../rivals.ts'
import { gradeOfRow, rowFindings, type Row } from '../rows.ts'
import type { DrawnBinding, Grade, Group, Peer, Target, Problem } from './model.ts'

export type BindingChecked = Extract<Checked, { kind: 'binding' }>

export type Drawing = {
  readonly checked: readonly BindingChecked[]
  /** Has all objects of the files or of the cluster. */
  readonly inventory: Inventory
  /** What the statuses of a cluster say, by key; empty for files. */
  readonly rows: ReadonlyMap<string, Row>
  /** The pods of a namespace; undefined where nobody has looked for them. */
  readonly podsIn: (namespace: string) => PodsSeen | undefined
}

type Part = {
  readonly namespace: string
  readonly pool: Target
  readonly binding: DrawnBinding
  readonly pods: readonly PodState[] | undefined
}

/** One group for each pool, those with something wrong first. */
export function groupsOf(drawing: Drawing): readonly Group[] {
  const parts = onceEach(drawing.checked.map((one) => partOf(one, drawing)))
  const byPool = Map.groupBy(parts, ({ namespace, pool }) =>
    JSON.stringify([namespace, pool.kind, pool.name]),
  )
  return [...byPool.values()]
    .map(groupOf)
    .toSorted(
      (a, b) => worst(a) - worst(b) || byBytes(a.namespace, b.namespace) || byBytes(a.pool.name, b.pool.name),
    )
}

/** Files may name a binding twice, the second time as an update: what is wrong with one of them is wrong. */
function onceEach(parts: readonly Part[]): readonly Part[] {
  const byName = new Map<string, Part>()
  for (const part of parts) {
    const key = bindingKey(part.namespace, part.binding.name)
    const before = byName.get(key)
    if (!before || ranks[part.binding.grade] <= ranks[before.binding.grade]) byName.set(key, part)
  }
  return [...byName.values()]
}

const ranks = { error: 0, warning: 1, ok: 2 } as const satisfies Record<Grade, number>

const worst = ({ bindings }: Group): number => Math.min(...bindings.map(({ grade }) => ranks[grade]))

function groupOf(parts: readonly Part[]): Group {
  const [first] = parts
  if (!first) throw new Error('a group has a binding')
  const { namespace, pool } = first
  const seen = parts.find(({ pods }) => pods !== undefined)?.pods
  return {
    namespace,
    pool,
    bindings: parts
      .map(({ binding }) => binding)
      .toSorted((a, b) => ranks[a.grade] - ranks[b.grade] || byBytes(a.name, b.name)),
    ...(seen && {
      pods: seen.map(({ name, serviceAccountName, containers }) => ({
        name,
        account: serviceAccountName,
        containers,
      })),
    }),
  }
}

function partOf(checked: BindingChecked, { inventory, rows, podsIn }: Drawing): Part {
  const { namespace, name } = checked.assessment
  const key = bindingKey(namespace, name)
  const binding = inventory.binding(key)
  if (!binding) throw new Error(`${key} was applied and is not there`)
  const facts = gather(binding, inventory)
  const row = rows.get(key)
  const problems = row ? problemsOf(row, checked) : problemsOfFile(checked)
  const pods = podsOf(facts, podsIn(namespace))
  const { identity } = facts
  const { spec } = binding
  const { clusterSpiffeId } = checked.assessment
  return {
    namespace,
    pool: { ...targetOf(facts.pool, spec.poolRef.name), ...labelsOf(facts) },
    pods,
    binding: {
      name,
      mode: textOf(given(spec.mode)),
      grade: row ? gradeOfRow(row) : gradeOfProblems(problems),
      state: row ? stateOf(row) : stateOfFile(checked),
      ...(spec.objectiveRef && { objective: targetOf(facts.objective, spec.objectiveRef.name) }),
      account: textOf(given(spec.serviceAccountName)),
      ...(spec.containerName !== undefined && { container: textOf(given(spec.containerName)) }),
      ...(identity && { spiffeID: identity.spiffeId }),
      selectors: identity?.selectors ?? [],
      ...(clusterSpiffeId && { output: clusterSpiffeId.metadata.name }),
      problems,
      peers: peersOf(facts),
      pods: (pods ?? []).map(({ lacks }) => lacks.join('; ')),
    },
  }
}

/** The object that a reference leads to; if it leads to none, the name that is written in it. */
const targetOf = (lookup: Lookup<unknown> | undefined, written: Binding['spec']['poolRef']['name']): Target =>
  lookup?.kind === 'found'
    ? { name: lookup.name, kind: gvk(lookup.resource) }
    : { name: textOf(given(written)) }

const labelsOf = ({ pool }: Facts): Pick<Target, 'labels'> =>
  pool.kind === 'found' && pool.object.selector.kind === 'labels'
    ? { labels: pool.object.selector.pods.pairs }
    : {}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : show(value))

function peersOf(facts: Facts): readonly Peer[] {
  const { binding, identity, world } = facts
  const rivals = rivalsIn(facts).flatMap((one) => (one.isThisOne ? [] : [one.name]))
  const near = identity ? [...new Set(world.neighbours.overlapping(binding, identity))] : []
  return [
    ...rivals.map((name) => ({ name, kind: 'collision' as const })),
    ...near
      .filter((name) => name !== binding.name && !rivals.includes(name))
      .map((name) => ({ name, kind: 'overlap' as const })),
  ]
}

/** The pods that the pool selects, and what each of them lacks. */
function podsOf(
  { binding, identity, pool }: Facts,
  seen: PodsSeen | undefined,
): readonly PodState[] | undefined {
  if (!seen || seen.kind === 'unseen' || !identity || pool.kind !== 'found') return undefined
  // Only those of the pool: to say of thousands of others what they lack would take most of the time.
  const pods = seen.pods.filter((pod) => hasLabels(pod.labels, identity.pods.labels))
  const state = podsState(renderingOf({ binding, identity }), { ...seen, pods })
  return state.seen ? state.selected : undefined
}

const gradeOfProblems = (problems: readonly Problem[]): Grade =>
  problems.reduce<Grade>((most, { grade }) => (ranks[grade] < ranks[most] ? grade : most), 'ok')

const stateOf = ({ ready, condition, reason, deleting }: Row): string =>
  deleting ? 'Deleting' : ready === 'True' ? 'Ready' : `${condition}/${reason}`

/** What a cluster says of a binding, then what admission would say of it today. */
function problemsOf(row: Row, checked: BindingChecked): readonly Problem[] {
  const found = rowFindings(row).map(({ severity, message, reason, fix }): Problem => {
    const words = row.ready === 'False' ? explained(reason, row.message) : { problem: message, fix }
    const remedy = fix ?? words.fix
    return {
      grade: severity === 'error' ? 'error' : 'warning',
      cause: `${reason}: ${words.problem}`,
      ...(remedy !== undefined && { fix: remedy }),
    }
  })
  const told = new Set(rowFindings(row).map(({ reason }) => reason))
  const today = messagesOf(checked).filter(({ reason }) => !told.has(reason))
  return [...found, ...today.flatMap((one) => problemOf(one))]
}

function problemsOfFile(checked: BindingChecked): readonly Problem[] {
  const problems = messagesOf(checked).flatMap((one) => problemOf(one))
  const ready = readyIn((checked.willBe ?? checked.assessment).status)
  if (problems.some(({ grade }) => grade === 'error') || !ready || ready.status === 'True') return problems
  const { problem, fix } = explained(ready.reason, ready.message)
  return [
    { grade: 'error', cause: `not Ready if all of this were applied: ${ready.reason}: ${problem}`, fix },
    ...problems,
  ]
}

function problemOf({ action, reason, text }: CheckMessage): readonly Problem[] {
  if (action === 'ignore') return []
  const grade = action === 'deny' ? 'error' : 'warning'
  if (!Object.values(rules).some((rule) => rule.reason === reason)) return [{ grade, cause: text }]
  const { problem, fix } = explained(reason, text)
  return [{ grade, cause: problem, fix }]
}

function stateOfFile({ assessment, willBe }: BindingChecked): string {
  if (assessment.verdict.verdict === 'deny') return 'refused'
  const summary = summaryIn((willBe ?? assessment).status)
  return summary === undefined || summary.reason === 'Reconciled'
    ? 'Ready'
    : `${summary.condition}/${summary.reason}`
}
