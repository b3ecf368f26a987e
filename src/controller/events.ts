import { createHash } from 'node:crypto'
import type { Binding } from '../core/binding.ts'
import { conditionIn, summaryIn, summaryOf, type Outcome } from '../core/conditions.ts'
import { eventAbout, type KubernetesEvent } from '../core/event.ts'
import type { JsonObject } from '../core/json.ts'
import { bindingResource } from '../core/resources.ts'
import { changeOfIdentity } from '../core/stored-status.ts'

/** A piece of news about a binding, told as an Event. */
export type News = {
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly note: string
  /**
   * Tells this occasion from others with the same reason. Every process computes the same value for the same
   * occasion.
   */
  readonly about: string
}

/**
 * The Event for a piece of news. Its name follows from the occasion, so that a repetition after a crash finds it
 * already there.
 */
export function eventOf(
  binding: Binding,
  { type, reason, note, about }: News,
  { now, instance }: { readonly now: Date; readonly instance: string },
): KubernetesEvent {
  const { namespace, name, uid, resourceVersion } = binding
  const suffix = createHash('sha256').update(`${uid}/${about}/${reason}`).digest('hex').slice(0, 16)
  const regarding = { resource: bindingResource, namespace, name, uid, resourceVersion }
  return eventAbout({ regarding, type, reason, note, suffix, now, instance })
}

/**
 * The news of a transition; none if the status says this outcome already.
 *
 * @param about the binding's resourceVersion when the transition was first announced
 */
export function transitionNews({ status }: Binding, outcome: Outcome, about: string): readonly News[] {
  return [...changeNews(status, outcome, about), ...outcomeNews(status, outcome, about)]
}

function outcomeNews(status: JsonObject, outcome: Outcome, about: string): readonly News[] {
  const before = summaryIn(status)
  const after = summaryOf(outcome)
  if (before?.condition === after.condition && before.reason === after.reason) return []
  const conflict = conditionIn(status, 'Conflict')
  const collided = conflict?.['status'] === 'True' && conflict['reason'] === 'IdentityCollision'
  const isResolved = collided && after.reason !== 'IdentityCollision'
  return [
    ...(isResolved
      ? [
          {
            type: 'Normal',
            reason: 'IdentityCollisionResolved',
            note: 'no other binding claims the same container any more',
            about,
          } as const,
        ]
      : []),
    outcome.kind === 'ready'
      ? {
          type: 'Normal',
          reason: 'Reconciled',
          note: `${outcome.identity.spiffeId} by ClusterSPIFFEID ${outcome.output.name}`,
          about,
        }
      : { type: 'Warning', reason: after.reason, note: outcome.message, about },
  ]
}

/**
 * A binding's SPIFFE ID and selectors can change without an edit of the binding, for instance when its pool changes.
 */
function changeNews(status: JsonObject, outcome: Outcome, about: string): readonly News[] {
  const change = changeOfIdentity(status, outcome)
  if (!change) return []
  const [before, after] = [change.before, change.after].map(
    ({ spiffeId, selectors }) => `${String(spiffeId)} (${selectors.join(', ')})`,
  )
  return [{ type: 'Normal', reason: 'IdentityChanged', note: `from ${before} to ${after}`, about }]
}
