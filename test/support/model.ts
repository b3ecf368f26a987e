import { isDeepStrictEqual } from 'node:util'
import { vi } from 'vitest'
import { bindingKey, finalizer, type Binding } from '../../src/core/binding.ts'
import { decodeOutput, type ClusterSpiffeId, type Output } from '../../src/core/clusterspiffeid.ts'
import { statusOf, type Outcome } from '../../src/core/conditions.ts'
import { evaluate } from '../../src/core/evaluate.ts'
import { Inventory } from '../../src/core/inventory.ts'
import { keptDespite, planOf, staysDespite, type Plan } from '../../src/core/plan.ts'
import {
  definitionResource,
  clusterSpiffeIdResource,
  crdName,
  type Resource,
  allResources,
} from '../../src/core/resources.ts'
import { settings } from './builders.ts'
import { listOf, recordOf, textOf, type Json } from './embedded/json.ts'
import { placeOf, type Admin } from './world.ts'

/** Everything that is in a cluster at one moment. */
export type State = {
  readonly served: readonly Resource[]
  readonly objects: readonly { readonly resource: Resource; readonly object: Json }[]
}

export async function stateOf({ list }: Pick<Admin, 'list'>): Promise<State> {
  const definitions = new Set((await list(definitionResource)).map((object) => placeOf(object).name))
  const served = allResources.filter((resource) => definitions.has(crdName(resource)))
  const lists = await Promise.all(
    served.map(async (resource) => (await list(resource)).map((object) => ({ resource, object }))),
  )
  return { served, objects: lists.flat() }
}

/** An inventory that was given this state at once, so that nothing of how the state came about is left in it. */
export function inventoryOfState({ served, objects }: State): Inventory {
  const inventory = new Inventory(settings)
  for (const resource of served) inventory.apply({ kind: 'served', resource, served: true })
  for (const { resource, object } of objects) inventory.apply({ kind: 'upserted', resource, object })
  return inventory
}

export const planIn = (inventory: Inventory, binding: Binding): Plan =>
  planOf(binding, evaluate(binding, inventory), inventory.settings)

/** In what the state differs from one in which the loop has nothing left to do, a line for each difference. */
export function unsettled(state: State): readonly string[] {
  const inventory = inventoryOfState(state)
  const bindings = [...inventory.bindings()]
  const wrong = bindings.flatMap((binding) =>
    problemsOf(binding, inventory).map((problem) => `${binding.namespace}/${binding.name}: ${problem}`),
  )
  const keys = new Set(bindings.map(({ namespace, name }) => bindingKey(namespace, name)))
  const orphans = outputsIn(state)
    .filter(({ annotated, owner }) => annotated && owner !== undefined && !keys.has(owner))
    .map(({ name, owner }) => `${name} is an orphan of ${owner}`)
  return [...wrong, ...orphans]
}

const outputsIn = ({ objects }: State): readonly Output[] =>
  objects
    .filter(({ resource }) => resource === clusterSpiffeIdResource)
    .map(({ object }) => decodeOutput(object))

/** Waits until the loop has nothing left to do, or until `isOver`. */
export async function whenSettled(admin: Pick<Admin, 'list'>, isOver = (): boolean => false): Promise<void> {
  const check = async (): Promise<void> => {
    const problems = isOver() ? [] : unsettled(await stateOf(admin))
    if (problems.length > 0) throw new Error(`not settled:\n${problems.join('\n')}`)
  }
  await vi.waitFor(check, { timeout: 30_000, interval: 10 })
}

function problemsOf(binding: Binding, inventory: Inventory): readonly string[] {
  const mine = inventory.outputsOf(bindingKey(binding.namespace, binding.name))
  const isHeld = binding.finalizers.includes(finalizer)
  if (binding.deleting) {
    // An object without our annotation may have been made to look like the former operator's after the binding was let go.
    const ours = mine.filter(({ annotated }) => annotated)
    return [...(isHeld ? ['its deletion waits for the loop'] : []), ...surplus(ours, undefined)]
  }
  if (!isHeld) return ['it lacks the finalizer']
  const plan = planIn(inventory, binding)
  if (plan.kind === 'withdraw') {
    const kept = mine.filter((output) => staysDespite(plan.outcome, output, binding))
    const outcome = keptDespite(plan.outcome, kept)
    const others = mine.filter((output) => !kept.includes(output))
    return [...surplus(others, undefined), ...statusProblem(binding, outcome)]
  }
  const { name } = plan.wanted.metadata
  const output = inventory.output(name)
  if (output && output.owner !== bindingKey(binding.namespace, binding.name))
    return statusProblem(binding, {
      kind: 'failed',
      rule: 'managedOutputApplyFailed',
      message: takenIn(binding, name),
      stalls: true,
    })
  if (!output) return [`${name} is missing`]
  return [
    ...(isAsRendered(output, plan.wanted) ? [] : [`${name} has drifted`]),
    ...surplus(mine, name),
    ...statusProblem(binding, { kind: 'ready', identity: plan.identity, output }),
  ]
}

const isAsRendered = ({ annotated, spec, labels }: Output, wanted: ClusterSpiffeId): boolean =>
  annotated && isDeepStrictEqual(spec, wanted.spec) && isDeepStrictEqual(labels, wanted.metadata.labels)

/** The message for a taken name. Only the part that names the ClusterSPIFFEID is prescribed; the rest is taken from the status. */
function takenIn({ status }: Binding, name: string): string {
  const said = listOf(status['conditions']).map((condition) => textOf(recordOf(condition)['message']))
  return (
    said.find((message) => message.includes(`${name} belongs to another`)) ?? `${name} belongs to another`
  )
}

const surplus = (outputs: readonly Output[], wanted: string | undefined): readonly string[] =>
  outputs.filter(({ name }) => name !== wanted).map(({ name }) => `${name} is one too many`)

function statusProblem({ status, generation }: Binding, outcome: Outcome): readonly string[] {
  const right = statusOf(outcome, { settings, generation, previous: status, now: new Date() })
  return isDeepStrictEqual(status, right)
    ? []
    : [`its status is ${JSON.stringify(status)} instead of ${JSON.stringify(right)}`]
}
