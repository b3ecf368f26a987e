import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { eventAbout, type KubernetesEvent } from '../core/event.ts'
import { bindingResource } from '../core/resources.ts'
import type { Holder } from '../webhook/claim.ts'

/**
 * An Event on the admitted binding: somebody claims its key again and again without creating a binding, and was
 * disregarded.
 */
export const disregardedEvent = (
  claimant: Holder,
  { namespace, name, uid }: Holder,
  now: Date,
): KubernetesEvent =>
  eventAbout({
    regarding: { resource: bindingResource, namespace, name, uid },
    type: 'Warning',
    reason: 'ClaimDisregarded',
    note: `admitted although ${claimant.name} claims the same container: more than three claims on it in ten minutes were followed by no binding`,
    suffix: randomUUID(),
    now,
    instance: hostname(),
  })
