import { expiryOf, type Certificates, type Lives } from './certificates.ts'
import { inspectAuthority, inspectPair, isBundle, splitPem, type Certified, type Names } from './inspect.ts'

/** The keys of the Secret: those of `kubernetes.io/tls`, and the CA's. Values are PEM text, not base64. */
export type SecretData = Readonly<Record<string, string>>

export type CertificateNeeds = { readonly names: Names; readonly now: Date; readonly lives: Lives }

type Validity = { readonly notBefore: Date; readonly notAfter: Date }

/**
 * How one CA follows another without a refused call. All of it is in the Secret, so that any replica can take
 * the next step, and a restart loses nothing:
 *
 *     steady  bundle: old        leaf: of old    the CA is past two thirds of its life: `spread`
 *     spread  bundle: old, new   leaf: of old    every API server has the bundle: `swap`
 *     swapped bundle: old, new   leaf: of new    every replica has the leaf: `retire`
 *     steady  bundle: new        leaf: of new
 *
 * The CA that signs is the one in the bundle that `ca.key` belongs to. The invariant: at any moment whatever any
 * replica serves chains to whatever any API server trusts. A step changes the bundle or the leaf, never both; a leaf
 * comes into the Secret only after a bundle that carries it has stood in both webhook configurations for the
 * settle time, and a CA leaves only after a leaf that does without it has been served for that long. Trust sees to
 * it that a configuration never goes back to an older bundle.
 *
 * The steps are compare-and-swaps on the Secret, and each replica counts the settle time for itself from when it
 * first saw a state, so that it does not matter how many take them, nor what their clocks say.
 */
export type Step =
  | { readonly kind: 'rest'; readonly until: Date }
  | { readonly kind: 'renew' | 'spread' }
  /** Not before what the Secret holds has stood for the settle time. */
  | { readonly kind: 'swap' | 'retire' }

export type Situation = {
  readonly signer: Validity
  readonly leaf: Validity
  readonly leafIsOfSigner: boolean
  /** Whether the bundle has more than the CA that signs. */
  readonly hasOthers: boolean
}

export function nextStep(
  { signer, leaf, leafIsOfSigner, hasOthers }: Situation,
  now: Date,
  lives: Lives,
): Step {
  if (!leafIsOfSigner) return { kind: 'swap' }
  const [leafDue, authorityDue] = [twoThirds(leaf), authorityDueAt(signer, lives)]
  // No leaf is issued by a CA that is about to be replaced: a leaf ends with its CA, so it might have to be renewed at once.
  if (now >= leafDue && now < authorityDue) return { kind: 'renew' }
  if (hasOthers) return { kind: 'retire' }
  if (now >= authorityDue) return { kind: 'spread' }
  return { kind: 'rest', until: leafDue < authorityDue ? leafDue : authorityDue }
}

/**
 * When the CA is to be followed: at two thirds of its life, and at the latest a tenth of a leaf's life before its end. The
 * second matters for a CA with a short life that somebody else put into the Secret.
 */
function authorityDueAt(signer: Validity, { leafMs }: Lives): Date {
  const useful = signer.notAfter.getTime() - leafMs / 10
  return new Date(Math.min(twoThirds(signer).getTime(), useful))
}

const twoThirds = ({ notBefore: from, notAfter: to }: Validity): Date =>
  new Date(from.getTime() + ((to.getTime() - from.getTime()) * 2) / 3)

/** A CA that can sign, and the bundle in which it stands. */
export type Signing = { readonly authority: Certified; readonly bundle: string }

export type State =
  /** It can be served. */
  | ({ readonly kind: 'usable'; readonly step: Step; readonly certificates: Certificates } & Signing)
  /** All but the leaf can be used. */
  | ({ readonly kind: 'leafless'; readonly reason: string } & Signing)
  | { readonly kind: 'unusable'; readonly reason: string }

/** What a Secret holds, whoever wrote it. No reason has any of a key in it. */
export function stateOf(data: SecretData | undefined, { names, now, lives }: CertificateNeeds): State {
  if (!data) return { kind: 'unusable', reason: 'there is no Secret' }
  const bundle = splitPem(data['ca.crt'] ?? '').join('')
  const signer = signerOf(bundle, data['ca.key'] ?? '', now)
  if (typeof signer === 'string') return { kind: 'unusable', reason: signer }
  const { authority } = signer
  const pair = { key: data['tls.key'] ?? '', cert: splitPem(data['tls.crt'] ?? '').join('') }
  const asked = { keyPem: pair.key, certPem: pair.cert, now, names }
  const leaf = inspectPair({ ...asked, caPem: bundle })
  if (leaf.kind === 'unusable') return { kind: 'leafless', reason: leaf.message, authority, bundle }
  const step = nextStep(
    {
      signer: signer.validity,
      leaf,
      leafIsOfSigner: inspectPair({ ...asked, caPem: authority.certPem }).kind === 'usable',
      hasOthers: splitPem(bundle).length > 1,
    },
    now,
    lives,
  )
  const renewAt = step.kind === 'rest' ? step.until : now
  const trusted = { pair, caBundle: bundle }
  return {
    kind: 'usable',
    step,
    authority,
    bundle,
    certificates: { ...trusted, renewAt, expires: expiryOf(trusted) },
  }
}

/** The CA that the key belongs to, wherever it stands in the bundle, or why there is none. */
function signerOf(
  bundle: string,
  keyPem: string,
  now: Date,
): { readonly authority: Certified; readonly validity: Validity } | string {
  if (!isBundle(bundle)) return 'ca.crt holds no CA certificate, or a broken one'
  let reason = ''
  for (const certPem of splitPem(bundle)) {
    const inspection = inspectAuthority({ keyPem, certPem, now })
    if (inspection.kind === 'usable') return { authority: { certPem, keyPem }, validity: inspection }
    reason = inspection.message
  }
  return reason
}
