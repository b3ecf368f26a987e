import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { JsonObject } from '../core/json.ts'
import { bindingResource } from '../core/resources.ts'
import type { Holder } from '../webhook/claim.ts'

/**
 * An Event on the admitted binding: somebody claims its key again and again without creating a binding, and was
 * disregarded.
 */
export function disregardedEvent(claimant: Holder, winner: Holder, now: Date): JsonObject {
  const { namespace, name, uid } = winner
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: `${name.slice(0, 200)}.${randomUUID()}`, namespace },
    eventTime: now.toISOString().replace('Z', '000Z'),
    reportingController: 'kleym-operator',
    reportingInstance: hostname(),
    action: 'ClaimDisregarded',
    reason: 'ClaimDisregarded',
    type: 'Warning',
    note: `admitted although ${claimant.name} claims the same container: more than three claims on it in ten minutes were followed by no binding`.slice(
      0,
      1000,
    ),
    regarding: {
      apiVersion: `${bindingResource.group}/${bindingResource.version}`,
      kind: bindingResource.kind,
      namespace,
      name,
      uid,
    },
  }
}
