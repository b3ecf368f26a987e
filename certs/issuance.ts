/** Makes CAs and certificates, and puts the data of the Secret together from them. */
import type { createAuthority, issueLeaf } from './authority.ts'
import { handshakeProblem, type Trusted, type View } from './certificates.ts'
import { splitPem, unionOf, type Certified } from './inspect.ts'
import { stateOf, type SecretData, type Signing, type CertificateNeeds } from './rotation.ts'

/** What makes CAs and leaves. */
export type Issuer = { readonly authority: typeof createAuthority; readonly leaf: typeof issueLeaf }

/** node-forge takes MiB of memory, which a replica that finds good certificates in the Secret does without. */
const loaded = () => import('./authority.ts')

export const usualIssuer: Issuer = {
  authority: async (options) => (await loaded()).createAuthority(options),
  leaf: async (authority, options) => (await loaded()).issueLeaf(authority, options),
}

const dayMs = 86_400_000

/**
 * A new CA and a new leaf. Where the leaf that this replica serves is still good, that leaf is kept, and the bundle holds the new
 * CA, the CA of that leaf and all CAs that are registered, which other replicas' leaves chain to. So no call fails after
 * somebody has deleted the Secret.
 */
export async function remade(
  issuer: Issuer,
  needs: CertificateNeeds,
  { served, live }: View,
): Promise<SecretData> {
  if (served && handshakeProblem(served, needs) === undefined) {
    const caBundle = unionOf([served.caBundle, ...live], needs.now)
    return spread(issuer, needs, { pair: served.pair, caBundle })
  }
  const authority = await newAuthority(issuer, needs)
  return issued(issuer, needs, { authority, bundle: authority.certPem })
}

/** The leaf that this replica serves, if it chains to the CA in the Secret; else a new leaf of that CA. */
export async function restored(
  issuer: Issuer,
  needs: CertificateNeeds,
  { authority, bundle }: Signing,
  view: View,
): Promise<SecretData> {
  const { served } = view
  if (served && handshakeProblem({ pair: served.pair, caBundle: bundle }, needs) === undefined) {
    return dataOf(served.pair, bundle, authority.keyPem)
  }
  return reissued(issuer, needs, { authority, bundle }, view)
}

/**
 * A new leaf of the CA in the Secret. Where that CA was made by somebody else and node-forge or a TLS client can't use
 * it, everything is made anew.
 */
export async function reissued(
  issuer: Issuer,
  needs: CertificateNeeds,
  signing: Signing,
  view: View,
): Promise<SecretData> {
  const data = await issued(issuer, needs, signing).catch(() => undefined)
  return data && stateOf(data, needs).kind === 'usable' ? data : remade(issuer, needs, view)
}

/** A new CA beside those in the bundle, and the same leaf as before. */
export async function spread(
  issuer: Issuer,
  needs: CertificateNeeds,
  { pair, caBundle }: Trusted,
): Promise<SecretData> {
  const authority = await newAuthority(issuer, needs)
  const kept = unionOf([caBundle], needs.now)
  return dataOf(pair, `${kept}${authority.certPem}`, authority.keyPem)
}

const newAuthority = (issuer: Issuer, { now, lives }: CertificateNeeds): Promise<Certified> =>
  issuer.authority({ now, lifetimeDays: lives.authorityMs / dayMs })

async function issued(
  issuer: Issuer,
  { names, now, lives }: CertificateNeeds,
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
