import { createHash } from 'node:crypto'
import { field, numberOr, objectOr, textOr, type JsonObject } from '../core/json.ts'
import { leaseResource } from '../core/resources.ts'

/** Selects the claims among the Leases of a namespace. */
export const claimLabel = 'kleym.sonda.red/claim'
const keyAnnotation = 'kleym.sonda.red/collision-key'
const uidAnnotation = 'kleym.sonda.red/holder-uid'

/** Who claims a collision key. The uid is the object's that is being admitted. */
export type Holder = { readonly namespace: string; readonly name: string; readonly uid: string }

/** A claim as the API server has it. */
export type Claim = {
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  readonly holder: Holder
  /** How often it was renewed or taken over. */
  readonly transitions: number
}

/** One Lease a collision key, found by it. */
export const claimName = (collisionKey: string): string =>
  `kleym-claim-${createHash('sha256').update(collisionKey).digest('hex').slice(0, 40)}`

/**
 * The Lease of a claim, in the place of another one if that is given. A renewal differs from what it renews, if only
 * in its count: the API server leaves the resourceVersion alone where a write changes nothing, and then the grace of
 * an earlier attempt would be that of this one.
 */
export function leaseOf(
  namespace: string,
  collisionKey: string,
  holder: Holder,
  replaced?: Pick<Claim, 'uid' | 'resourceVersion' | 'transitions'>,
): JsonObject {
  return {
    apiVersion: `${leaseResource.group}/${leaseResource.version}`,
    kind: leaseResource.kind,
    metadata: {
      namespace,
      name: claimName(collisionKey),
      labels: {
        'app.kubernetes.io/name': 'kleym',
        'app.kubernetes.io/component': 'operator',
        [claimLabel]: 'true',
      },
      annotations: { [keyAnnotation]: collisionKey, [uidAnnotation]: holder.uid },
      ...(replaced && { uid: replaced.uid, resourceVersion: replaced.resourceVersion }),
    },
    spec: {
      holderIdentity: `${holder.namespace}/${holder.name}`,
      leaseTransitions: replaced ? replaced.transitions + 1 : 0,
    },
  }
}

/** Reads a claim from a Lease; one that names no holder is held by nobody that there could be. */
export function decodeClaim(lease: unknown): Claim {
  const { metadata, spec } = objectOr(lease)
  const meta = objectOr(metadata)
  const [namespace = '', name = ''] = textOr(field(objectOr(spec), 'holderIdentity'), '').split('/', 2)
  return {
    name: textOr(field(meta, 'name'), ''),
    uid: textOr(field(meta, 'uid'), ''),
    resourceVersion: textOr(field(meta, 'resourceVersion'), ''),
    transitions: numberOr(field(objectOr(spec), 'leaseTransitions'), 0),
    holder: {
      namespace,
      name,
      uid: textOr(field(objectOr(field(meta, 'annotations')), uidAnnotation), ''),
    },
  }
}

/** How another binding stands to a claim: it has what is claimed; it has, as the same under another name; it has not. */
export type Contender = 'rival' | 'renamed' | 'none'

/** What the one who asks may do about a claim that is there. */
export type Standing =
  /** It is the same binding: a retried review, or another attempt of the same apply. */
  | 'ours'
  /** The holder is admitted and has the key. */
  | 'held'
  /** The holder has not shown up, and may yet: its write can be in flight for as long as a request lasts. */
  | 'pending'
  /** The holder is gone, or can't come any more. */
  | 'abandoned'

export const isSameBinding = (a: Holder, b: Holder): boolean =>
  a.namespace === b.namespace && a.name === b.name

/**
 * The rule of reservations. `ageMs` is how long this replica has seen the claim as it is now, by its own clock:
 * clocks of others decide nothing.
 */
export function standingOf(
  claim: Claim,
  holder: Holder,
  seen: {
    readonly contender: Contender
    readonly ageMs: number
    readonly deleted: boolean
    readonly graceMs: number
  },
): Standing {
  // A binding takes over the claim of the one whose other name it is.
  if (isSameBinding(claim.holder, holder) || seen.contender === 'renamed') return 'ours'
  if (seen.contender === 'rival') return 'held'
  return seen.deleted || seen.ageMs > seen.graceMs ? 'abandoned' : 'pending'
}
