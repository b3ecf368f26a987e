import { operatorStatusName } from '../../../../src/core/operator-status.ts'
import { recordOf, textOf, type Json } from '../../../support/embedded/json.ts'
import { createAuditLog, type AuditLog } from '../../support/audit-log.ts'

/** One request of the operator's, as the API server wrote it down when it was answered. */
export type Audited = {
  readonly verb: string
  readonly resource: string
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  readonly dryRun: boolean
  readonly code: number
  /** When it arrived, in ms. */
  readonly at: number
}

/** Writes down requests once they are answered, so watches once they have ended. */
export const createAudit = (): Promise<AuditLog<Audited>> =>
  createAuditLog(['RequestReceived', 'ResponseStarted'], decode)

function decode(entry: Json): Audited {
  const object = recordOf(entry['objectRef'])
  return {
    verb: textOf(entry['verb']),
    resource: textOf(object['resource']),
    subresource: textOf(object['subresource']),
    namespace: textOf(object['namespace']),
    name: textOf(object['name']),
    dryRun: textOf(entry['requestURI']).includes('dryRun=All'),
    code: Number(recordOf(entry['responseStatus'])['code']),
    at: Date.parse(textOf(entry['requestReceivedTimestamp'])),
  }
}

const reads = new Set(['get', 'list', 'watch'])

/** A write that was meant and that took effect, other than to the operator's own Lease and to what it publishes of itself. */
export const tookEffect = ({ verb, resource, name, dryRun, code }: Audited): boolean =>
  !reads.has(verb) && !dryRun && code < 300 && resource !== 'leases' && name !== operatorStatusName

/** In one line: `create clusterspiffeids`, `update inferenceidentitybindings/status`. */
export const told = ({ verb, resource, subresource, dryRun }: Audited): string =>
  `${dryRun ? 'dry run: ' : ''}${verb} ${resource}${subresource === '' ? '' : `/${subresource}`}`
