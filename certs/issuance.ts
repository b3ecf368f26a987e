/** Makes CAs and certificates, and puts the data of the Secret together from them. */
import { createAuthority, issueLeaf } from './authority.ts'
import { handshakeProblem, type Trusted, type View } from './certificates.ts'
import { splitPem, unionOf, type Certified } from './inspect.ts'
import { stateOf, type SecretData, type Signing, type Wanted } from './rotation.ts'

/** What makes CAs and leaves. */
export type Issuer = { readonly authority: typeof createAuthority; readonly leaf: typeof issueLeaf }

export const usualIssuer: Issuer = { authority: createAuthority, leaf: issueLeaf }

const dayMs = 86_400_000

/**
 * A new CA and a new leaf. Where the leaf that this replica serves is still good, that leaf is kept, and the bundle holds the new
 * CA, the CA of that leaf and all CAs that are registered, which other replicas' leaves chain to. So no call fails after
 * somebody has deleted the Secret.
 */
export async function remade(issuer: Issuer, wanted: Wanted, { served, live }: View): Promise<SecretData> {
  if (served && handshakeProblem(served, wanted) === undefined) {
    const caBundle = unionOf([served.caBundle, ...live], wanted.now)
    return spread(issuer, wanted, { pair: served.pair, caBundle })
  }
  const authority = await newAuthority(issuer, wanted)
  return issued(issuer, wanted, { authority, bundle: authority.certPem })
}

/** The leaf that this replica serves, if it chains to the CA in the Secret; else a new leaf of that CA. */
export async function restored(
  issuer: Issuer,
  wanted: Wanted,
  { authority, bundle }: Signing,
  view: View,
): Promise<SecretData> {
  const { served } = view
  if (served && handshakeProblem({ pair: served.pair, caBundle: bundle }, wanted) === undefined) {
    return dataOf(served.pair, bundle, authority.keyPem)
  }
  return reissued(issuer, wanted, { authority, bundle }, view)
}

/**
 * A new leaf of the CA in the Secret. Where that CA was made by somebody else and node-forge or a TLS client can't use
 * it, everything is made anew.
 */
export async function reissued(
  issuer: Issuer,
  wanted: Wanted,
  signing: Signing,
  view: View,
): Promise<SecretData> {
  const data = await issued(issuer, wanted, signing).catch(() => undefined)
  return data && stateOf(data, wanted).kind === 'usable' ? data : remade(issuer, wanted, view)
}

/** A new CA beside those in the bundle, and the same leaf as before. */
export async function spread(
  issuer: Issuer,
  wanted: Wanted,
  { pair, caBundle }: Trusted,
): Promise<SecretData> {
  const authority = await newAuthority(issuer, wanted)
  const kept = unionOf([caBundle], wanted.now)
  return dataOf(pair, `${kept}${authority.certPem}`, authority.keyPem)
}

const newAuthority = (issuer: Issuer, { now, lives }: Wanted): Promise<Certified> =>
  issuer.authority({ now, lifetimeDays: lives.authorityMs / dayMs })

async function issued(
  issuer: Issuer,
  { names, now, lives }: Wanted,
  { authority, bundle }: Signing,
): Promise<SecretData> {
  const lifetimeDays = lives.leafMs / dayMs
  const { certPem: cert, keyPem: key } = await issuer.leaf(authority, { ...names, now, lifetimeDays })
  return dataOf({ key, cert }, bundle, authority.keyPem)
}

export const dataOf = ({ key, cert }: Trusted['pair'], bundle: string, signingKey: string): SecretData => ({
  'tls.crt': splitPem(cert).join(''),
  'tls.key': key,
  'ca.crt': bundle,
  'ca.key': signingKey,
})
