import { recordOf, textOf, type Json } from '../../../support/embedded/json.ts'
import { createAuditLog, type AuditLog } from '../../support/audit-log.ts'

/** One request of the operator's, as the API server authorized it. */
export type Authorized = {
  readonly user: string
  readonly verb: string
  readonly group: string
  /** With its subresource, if it has one: `pods/status` */
  readonly resource: string
  readonly namespace: string
  /** That of the field selector where a list or a watch has one. */
  readonly name: string
  readonly decision: string
  /** Which role allowed it. */
  readonly reason: string
}

/** Writes down requests when they are authorized, since watches don't end while the operator runs. */
export const createAuthorizationLog = (): Promise<AuditLog<Authorized>> =>
  createAuditLog(['RequestReceived'], decode)

function decode(entry: Json): Authorized {
  const object = recordOf(entry['objectRef'])
  const annotations = recordOf(entry['annotations'])
  const parts = [object['resource'], object['subresource']].filter((part) => part !== undefined)
  return {
    user: textOf(recordOf(entry['user'])['username']),
    verb: textOf(entry['verb']),
    group: textOf(object['apiGroup']),
    resource: parts.map(textOf).join('/'),
    namespace: textOf(object['namespace']),
    name: textOf(object['name']),
    decision: textOf(annotations['authorization.k8s.io/decision']),
    reason: textOf(annotations['authorization.k8s.io/reason']),
  }
}

export const told = ({ verb, group, resource, namespace, name }: Authorized): string =>
  `${verb} ${[resource, group].filter(Boolean).join('.')} ${namespace}/${name}`
