import { objectOr } from '../core/json.ts'
import { asText, decodeObject, type KubeObject } from './object.ts'

/** A Lease of coordination.k8s.io/v1 as leader election reads it. */
export type LeaseRecord = {
  readonly object: KubeObject
  /** Empty when nobody holds it. */
  readonly holder: string
  readonly durationMs: number
  readonly transitions: number
  /** Changes with every renewal and with nothing else: labels that someone adds prolong no term. */
  readonly term: string
}

/** Undefined for what is no Lease. */
export function decodeLease(input: unknown): LeaseRecord | undefined {
  const object = decodeObject(input)
  if (!object) return undefined
  const spec = objectOr(object['spec'])
  return {
    object,
    holder: asText(spec['holderIdentity']) ?? '',
    durationMs: asCount(spec['leaseDurationSeconds']) * 1000,
    transitions: asCount(spec['leaseTransitions']),
    term: JSON.stringify(spec),
  }
}

/** The Lease with `identity` as its holder: taken, or renewed where that holds it already. What else the object has stays. */
export function takenLease(record: LeaseRecord, identity: string, seconds: number, date: Date): object {
  const renewed = { leaseDurationSeconds: seconds, renewTime: microTime(date) }
  const spec = objectOr(record.object['spec'])
  if (record.holder === identity) return { ...record.object, spec: { ...spec, ...renewed } }
  const taken = {
    holderIdentity: identity,
    acquireTime: microTime(date),
    leaseTransitions: record.transitions + 1,
  }
  return { ...record.object, spec: { ...spec, ...renewed, ...taken } }
}

/** As client-go gives a Lease back: without a holder, and over in a second. */
export function releasedLease(record: LeaseRecord, date: Date): object {
  const time = microTime(date)
  const spec = { ...objectOr(record.object['spec']), acquireTime: time, renewTime: time }
  return { ...record.object, spec: { ...spec, holderIdentity: '', leaseDurationSeconds: 1 } }
}

export const newLease = (
  namespace: string,
  name: string,
  identity: string,
  seconds: number,
  date: Date,
): object => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { namespace, name },
  spec: {
    holderIdentity: identity,
    leaseDurationSeconds: seconds,
    acquireTime: microTime(date),
    renewTime: microTime(date),
    leaseTransitions: 0,
  },
})

/** metav1.MicroTime: the API server refuses any other number of digits than six. */
const microTime = (date: Date): string => date.toISOString().replace('Z', '000Z')

const asCount = (value: unknown): number => (typeof value === 'number' && value > 0 ? value : 0)
