import { bindingKey, type Binding, type BindingKey } from '../core/binding.ts'
import { givesSameIdentity } from '../core/clusterspiffeid.ts'
import { summaryOf, type Outcome } from '../core/conditions.ts'
import { evaluate } from '../core/evaluate.ts'
import type { RuleName } from '../core/findings.ts'
import { inTrustDomain, settingsOf, type Departures } from '../core/former.ts'
import type { Settings } from '../core/identity.ts'
import type { Inventory } from '../core/inventory.ts'
import { isDns1123Label, isDns1123Subdomain } from '../core/names.ts'
import type { Objects } from '../core/objects.ts'
import { keptDespite, planOf, refusedOutput, staysDespite, type Plan } from '../core/plan.ts'
import { bindingResource } from '../core/resources.ts'
import type { Announcer } from './announcer.ts'
import { addFinalizer, hasFinalizer, finalize } from './finalizer.ts'
import { copyNews, keptNews } from './kept-and-copied-news.ts'
import type { Outputs } from './output.ts'
import { catchUp, retryOf, settled, wait, type RunResult } from './run-result.ts'
import type { Statuses } from './statuses.ts'

/** Everything that one run reads and writes. */
type Reach = {
  readonly inventory: Inventory
  readonly objects: Objects
  readonly outputs: Outputs
  readonly statuses: Statuses
  readonly announcer: Announcer
  readonly departures: Departures
  readonly confirm: Confirm
  /** Whether bindings, pools or objectives may still read as a former schema of their kind shows them. */
  readonly isSchemaFresh: () => boolean
}

/** Whether a binding fails so by a live read, too; where what that takes can't be read, how the run ends. */
export type Confirm = (binding: Binding, rule: RuleName) => Promise<boolean | RunResult>

/** Brings one binding, its output and its status to what they should be. */
export async function reconcile(key: BindingKey, reach: Reach): Promise<RunResult> {
  const { inventory, statuses, announcer } = reach
  const binding = inventory.binding(key)
  if (!binding) {
    statuses.forget(key)
    announcer.forget(key)
    return removeOrphans(key, reach)
  }
  if (binding.deleting) return finalize(binding, reach)
  if (statuses.isBehind(key, binding)) return catchUp(`the cache has not seen the last status of ${key} yet`)
  if (!hasFinalizer(binding)) return addFinalizer(binding, reach)
  const { plan, settings } = planUnder(binding, reach)
  if (reach.isSchemaFresh() && takesAway(binding, plan, reach)) return wait(schemaIsFresh)
  const applied = await apply(binding, plan, reach)
  if (applied.kind === 'unfinished') return applied.result
  return (
    (await statuses.record(binding, applied.outcome, applied.isGone ? inventory.settings : settings)) ??
    (await announcer.postOnce(binding, [
      ...keptNews(settings, inventory.settings),
      ...copyNews(inventory.copiesOf(key)),
    ])) ??
    applied.next
  )
}

/**
 * Plans a binding under the configured settings; but if its output, or that of the binding that it replaces, was rendered with
 * another trust domain or class, the binding keeps those until the configuration says that they may be left.
 */
function planUnder(
  binding: Binding,
  { inventory, departures }: Reach,
): { readonly plan: Plan; readonly settings: Settings } {
  const { findings, identity } = evaluate(binding, inventory)
  const settings = settingsOf(binding, identity, inventory, departures)
  const kept = identity && inTrustDomain(identity, settings.trustDomain)
  return { plan: planOf(binding, { findings, identity: kept }, settings), settings }
}

/**
 * Whether a plan takes away an identity that a ClusterSPIFFEID gives now. An example: the schema of v0.11 of the former operator
 * prunes `spec.mode`. A PoolOnly binding that is read through it looks like one PerObjective without an objective, which would be withdrawn.
 */
function takesAway(binding: Binding, plan: Plan, { inventory, outputs }: Reach): boolean {
  if (plan.kind === 'withdraw') return outputs.mayHaveAny(binding)
  return inventory
    .outputsOf(bindingKey(binding.namespace, binding.name))
    .some((output) => !givesSameIdentity(output, plan.wanted))
}

const schemaIsFresh =
  'the schema of bindings, pools or objectives has just changed, and what is read may still lack what the former one prunes: until all is listed again, the ClusterSPIFFEID stays as it is'

/** What came of a plan. */
type PlanResult =
  | {
      /** The outcome is for the status; `next` is how the run ends once it is written. */
      readonly kind: 'outcome'
      readonly outcome: Outcome
      readonly next: RunResult
      /** Whether no output stays, so that former settings have come to an end. */
      readonly isGone: boolean
    }
  /** The run has to end before there is an outcome. */
  | { readonly kind: 'unfinished'; readonly result: RunResult }

/** Carries the plan out. */
async function apply(binding: Binding, plan: Plan, reach: Reach): Promise<PlanResult> {
  const { outputs } = reach
  if (plan.kind === 'withdraw') {
    const result = await whyNotYet(binding, plan, reach)
    return result ? { kind: 'unfinished', result } : withdraw(binding, plan, outputs)
  }
  const { identity, wanted } = plan
  const placement = await outputs.put(binding, identity, wanted)
  switch (placement.kind) {
    case 'inPlace':
      return {
        kind: 'outcome',
        outcome: { kind: 'ready', identity, output: placement.output },
        next: settled,
        isGone: false,
      }
    case 'refused': {
      const outcome = refusedOutput(wanted.metadata.name, placement)
      const next = { kind: 'retry', why: outcome.message, cause: 'refused', isInStatus: true } as const
      return { kind: 'outcome', outcome, next, isGone: false }
    }
    case 'unfinished':
      return placement
  }
}

/**
 * Each kind is watched by itself, and one watch may lie seconds behind another: what a binding refers to may be there, or
 * be another, though the cache does not show it. So nothing is given up before the API server has been asked.
 */
async function whyNotYet(
  binding: Binding,
  { outcome }: Extract<Plan, { kind: 'withdraw' }>,
  { outputs, confirm }: Reach,
): Promise<RunResult | undefined> {
  if (!outputs.mayHaveAny(binding)) return undefined
  const fails = await confirm(binding, outcome.rule)
  if (typeof fails !== 'boolean') return fails
  return fails ? undefined : { kind: 'retry', why: cacheIsBehind, cause: cacheIsBehind }
}

const cacheIsBehind =
  'what is known of what it refers to is older than what the API server has: a watch has not caught up yet'

async function withdraw(
  binding: Binding,
  { outcome }: Extract<Plan, { kind: 'withdraw' }>,
  outputs: Outputs,
): Promise<PlanResult> {
  const { namespace, name } = binding
  const { condition, reason } = summaryOf(outcome)
  const withdrawn = await outputs.withdraw(
    bindingKey(namespace, name),
    binding.status,
    `${condition}/${reason}: ${outcome.message}`,
    (output) => staysDespite(outcome, output, binding),
  )
  if (withdrawn.kind === 'unfinished') return withdrawn
  return {
    kind: 'outcome',
    outcome: keptDespite(outcome, withdrawn.kept),
    // The status shows the failure although a ClusterSPIFFEID may still be there, waiting for somebody's finalizer or not to be
    // deleted: `next` goes on with that.
    next: withdrawn.kind === 'gone' ? settled : withdrawn.result,
    isGone: withdrawn.kept.length === 0,
  }
}

/**
 * Deletes the outputs of a binding that is gone. The API server is asked first, because the cache may not show the
 * binding yet.
 */
async function removeOrphans(key: BindingKey, reach: Reach): Promise<RunResult> {
  reach.outputs.forget(key)
  if (!reach.outputs.mayHaveOrphansOf(key)) return settled
  const namespace = key.slice(0, key.indexOf('/'))
  const name = key.slice(namespace.length + 1)
  // The key comes from an annotation, which may hold any text. A text that can't be a name has no binding to read,
  // and neither has a kind that is not served.
  const isReadable = isDns1123Label(namespace) && isDns1123Subdomain(name)
  if (isReadable && reach.inventory.isServed(bindingResource)) {
    const reply = await reach.objects.get(bindingResource, { namespace, name })
    if (reply.kind === 'done') return catchUp(`the cache has not seen ${key} yet`)
    if (reply.kind !== 'absent') return retryOf(`reading ${key}`, reply)
  }
  return reach.outputs.removeOrphans(key)
}
