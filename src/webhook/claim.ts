import { createHash } from 'node:crypto'
import { field, numberOr, objectOr, textOr, type JsonObject } from '../core/json.ts'
import { leaseResource } from '../core/resources.ts'

/** Selects the claims among the Leases of a namespace. */
export const claimLabel = 'kleym.sonda.red/claim'
const keyAnnotation = 'kleym.sonda.red/collision-key'
const uidAnnotation = 'kleym.sonda.red/holder-uid'
const baseAnnotation = 'kleym.sonda.red/holder-base'

/** The binding that claims a key. The uid is that of the binding that is being admitted. */
export type Holder = { readonly namespace: string; readonly name: string; readonly uid: string }

/** Who claims a key now, and the version that the review is to change, as in `Claim.base`. */
export type Claimant = Holder & { readonly base?: string | undefined }

/** One state of a binding: which object, and which version of it. */
type Version = { readonly uid: string; readonly resourceVersion: string }

/** A claim as the API server has it. */
export type Claim = {
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  /** What is claimed, as `keyToClaim` tells it. */
  readonly key: string
  readonly holder: Holder
  /**
   * The latest resourceVersion of the holder that a claiming review was about to change; empty for a review of its
   * creation, undefined where that is not known. The API server stores what was reviewed only over the very version that
   * the review was given (k8s.io/apiserver, `pkg/storage/etcd3/store.go`, GuaranteedUpdate), and reviews it again
   * otherwise. So a holder that is at another version by now has taken what it claimed, or never will.
   */
  readonly base?: string | undefined
  /** How often it was renewed or taken over. */
  readonly transitions: number
}

/** The name of the Lease for a key. Each key has one Lease. */
export const claimName = (key: string): string =>
  `kleym-claim-${createHash('sha256').update(key).digest('hex').slice(0, 40)}`

/**
 * The Lease of a claim; it takes the place of an earlier claim if one is given. A renewal always differs from the
 * earlier claim, at least in its count. A write that changes nothing would keep the resourceVersion, and with it the
 * age of the earlier claim.
 */
export function leaseOf(
  namespace: string,
  key: string,
  claimant: Claimant,
  replaced?: Omit<Claim, 'name' | 'key'>,
): JsonObject {
  const isAgain = replaced !== undefined && isSameBinding(replaced.holder, claimant)
  const base = isAgain ? laterBase(replaced, claimant) : claimant.base
  return {
    apiVersion: `${leaseResource.group}/${leaseResource.version}`,
    kind: leaseResource.kind,
    metadata: {
      namespace,
      name: claimName(key),
      labels: {
        'app.kubernetes.io/name': 'kleym',
        'app.kubernetes.io/component': 'operator',
        [claimLabel]: 'true',
      },
      annotations: {
        [keyAnnotation]: key,
        [uidAnnotation]: claimant.uid,
        ...(base !== undefined && { [baseAnnotation]: base }),
      },
      ...(replaced && { uid: replaced.uid, resourceVersion: replaced.resourceVersion }),
    },
    spec: {
      holderIdentity: `${claimant.namespace}/${claimant.name}`,
      leaseTransitions: replaced ? replaced.transitions + 1 : 0,
    },
  }
}

/**
 * The base of a claim that a binding makes again: the later one, because reviews of several requests can be under way.
 * It is not known where the binding was created anew meanwhile, or where versions are no numbers that can be compared.
 */
function laterBase({ holder, base }: Pick<Claim, 'holder' | 'base'>, claimant: Claimant): string | undefined {
  if (holder.uid !== claimant.uid) return undefined
  const [before, now] = [versionNumber(base), versionNumber(claimant.base)]
  if (before === undefined || now === undefined) return undefined
  return before > now ? base : claimant.base
}

/** A resourceVersion as a number; -1 for that of an object before its creation. */
const versionNumber = (version: string | undefined): bigint | undefined =>
  version === '' ? -1n : version !== undefined && /^\d+$/.test(version) ? BigInt(version) : undefined

/**
 * Reads a claim from a Lease. If the Lease names no holder, the parts of the holder are empty, and no binding has
 * empty ones.
 */
export function decodeClaim(lease: unknown): Claim {
  const { metadata, spec } = objectOr(lease)
  const meta = objectOr(metadata)
  const annotations = objectOr(field(meta, 'annotations'))
  const [namespace = '', name = ''] = textOr(field(objectOr(spec), 'holderIdentity'), '').split('/', 2)
  return {
    name: textOr(field(meta, 'name'), ''),
    uid: textOr(field(meta, 'uid'), ''),
    resourceVersion: textOr(field(meta, 'resourceVersion'), ''),
    transitions: numberOr(field(objectOr(spec), 'leaseTransitions'), 0),
    key: textOr(field(annotations, keyAnnotation), ''),
    holder: { namespace, name, uid: textOr(field(annotations, uidAnnotation), '') },
    base: typeof annotations[baseAnnotation] === 'string' ? annotations[baseAnnotation] : undefined,
  }
}

/**
 * How a binding relates to a claimed key: `rival` holds it; `renamed` holds it and is the claimant under another
 * name; `none` does not hold it.
 */
export type Contender = 'rival' | 'renamed' | 'none'

/** How the holder of a claim relates to the claimed key by a live read, and the version that was read, if it is there. */
export type ReadHolder = { readonly contender: Contender; readonly version?: Version | undefined }

/** What an existing claim is to the binding that asks for the key. */
export type ClaimState =
  /** The claim is the asking binding's own, from a retried review or an earlier attempt. */
  | 'ours'
  /** The holder exists and has the key. */
  | 'held'
  /** The holder does not have the key yet, but may still come: its write can be under way for as long as a request lasts. */
  | 'pending'
  /** The holder is gone, or can no longer come. */
  | 'abandoned'

export const isSameBinding = (a: Holder, b: Holder): boolean =>
  a.namespace === b.namespace && a.name === b.name

/**
 * The rule of reservations. `ageMs` is for how long this replica has known the claim in its present state, by its own
 * clock; clocks of other machines are not used.
 */
export function claimStateOf(
  claim: Claim,
  asking: Holder,
  seen: ReadHolder & {
    readonly ageMs: number
    readonly deleted: boolean
    readonly graceMs: number
  },
): ClaimState {
  // A binding takes over the claim of the binding that it replaces under a new name.
  if (isSameBinding(claim.holder, asking) || seen.contender === 'renamed') return 'ours'
  if (seen.contender === 'rival') return 'held'
  const isOver = seen.deleted || seen.ageMs > seen.graceMs || hasMovedOn(claim, seen.version)
  return isOver ? 'abandoned' : 'pending'
}

/** Whether what was claimed is stored, and changed again since, or can no longer be stored. */
export const hasMovedOn = ({ holder, base }: Claim, version: Version | undefined): boolean =>
  version !== undefined &&
  base !== undefined &&
  version.uid === holder.uid &&
  version.resourceVersion !== base
