import type { Log } from '../src/log.ts'
import { createAuthority, issueLeaf } from './authority.ts'
import { inspectAuthority, inspectPair, isBundle, splitPem, type Certified, type Names } from './inspect.ts'

/** The keys of the Secret: those of `kubernetes.io/tls`, and the CA's. Values are PEM text, not base64. */
export type SecretData = Readonly<Record<string, string>>

/** Anything but "somebody else was first" is thrown: a lost connection, a missing permission. */
export type SecretAccess = {
  read(): Promise<{ readonly data: SecretData; readonly resourceVersion: string } | undefined>
  create(data: SecretData): Promise<'written' | 'conflict'>
  /** Only if the Secret is still at the version; a Secret that is gone by now is a conflict too. */
  replace(data: SecretData, resourceVersion: string): Promise<'written' | 'conflict'>
}

export type Certificates = {
  /** What to serve. */
  readonly pair: { readonly key: string; readonly cert: string }
  /** What the API server must trust: one CA, or several while one replaces another. */
  readonly caBundle: string
  /** When to ask again: two thirds into the leaf's life. */
  readonly renewAt: Date
}

type Wanted = { readonly names: Names; readonly now: Date }

const authorityDays = 3650
const leafDays = 365

/** A CA is not used to its last day: a leaf of it would have to be renewed at once, and again. */
const authorityMarginMs = 30 * 86_400_000

/** More writers than replicas can be: only a Secret that something fights over runs out of them. */
const attempts = 10

/**
 * The certificates that every replica serves, from the Secret they share. Whoever writes first wins, the others
 * read again. What is missing or unusable is made anew: the leaf alone while the CA that is there can sign, so
 * that a caBundle that is already published stays right.
 */
export async function ensureCertificates(options: {
  readonly secret: SecretAccess
  readonly names: Names
  readonly now: () => Date
  readonly log: Log
}): Promise<Certificates> {
  const { secret, names, log } = options
  let reason = ''
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const stored = await secret.read()
    const wanted = { names, now: options.now() }
    const state = judge(stored?.data, wanted)
    if (state.kind === 'good') return state.certificates
    reason = state.reason
    const data = await remade(state, wanted)
    const outcome = await (stored ? secret.replace(data, stored.resourceVersion) : secret.create(data))
    if (outcome === 'written') log.info({ reason }, 'wrote new webhook certificates')
    else log.debug({ reason }, 'another replica wrote the webhook certificates first')
  }
  throw new Error(
    `the webhook certificates are still unusable after ${attempts} attempts to write them: ${reason}`,
  )
}

type State =
  | { readonly kind: 'good'; readonly certificates: Certificates }
  | {
      readonly kind: 'stale'
      readonly reason: string
      readonly authority: Certified
      readonly bundle: string
    }
  | { readonly kind: 'bad'; readonly reason: string }

function judge(data: SecretData | undefined, { names, now }: Wanted): State {
  if (!data) return { kind: 'bad', reason: 'there is no Secret' }
  const bundle = splitPem(data['ca.crt'] ?? '').join('')
  const authority = signerOf(bundle, data['ca.key'] ?? '', now)
  if (typeof authority === 'string') return { kind: 'bad', reason: authority }
  const pair = { key: data['tls.key'] ?? '', cert: splitPem(data['tls.crt'] ?? '').join('') }
  const leaf = inspectPair({ keyPem: pair.key, certPem: pair.cert, caPem: bundle, now, names })
  if (leaf.kind === 'unusable') return { kind: 'stale', reason: leaf.message, authority, bundle }
  const renewAt = twoThirds(leaf.notBefore, leaf.notAfter)
  if (now >= renewAt) return { kind: 'stale', reason: 'two thirds of its life are over', authority, bundle }
  return { kind: 'good', certificates: { pair, caBundle: bundle, renewAt } }
}

/** The CA that the key belongs to, wherever it stands in the bundle, or why there is none. */
function signerOf(bundle: string, keyPem: string, now: Date): Certified | string {
  if (!isBundle(bundle)) return 'ca.crt holds no CA certificate, or a broken one'
  const later = new Date(now.getTime() + authorityMarginMs)
  let reason = ''
  for (const certPem of splitPem(bundle)) {
    const today = inspectAuthority({ keyPem, certPem, now })
    const inspection = today.kind === 'usable' ? inspectAuthority({ keyPem, certPem, now: later }) : today
    if (inspection.kind === 'usable') return { certPem, keyPem }
    reason = inspection.message
  }
  return reason
}

async function remade(state: Exclude<State, { kind: 'good' }>, wanted: Wanted): Promise<SecretData> {
  if (state.kind === 'stale') {
    const data = await issued(state.authority, state.bundle, wanted).catch(() => undefined)
    // A CA that somebody else put there may be one that node-forge or a TLS client won't have.
    if (data && judge(data, wanted).kind === 'good') return data
  }
  const authority = await createAuthority({ now: wanted.now, lifetimeDays: authorityDays })
  return issued(authority, authority.certPem, wanted)
}

async function issued(authority: Certified, bundle: string, { names, now }: Wanted): Promise<SecretData> {
  const leaf = await issueLeaf(authority, { ...names, now, lifetimeDays: leafDays })
  return {
    'tls.crt': leaf.certPem,
    'tls.key': leaf.keyPem,
    'ca.crt': bundle,
    'ca.key': authority.keyPem,
  }
}

const twoThirds = (from: Date, to: Date): Date =>
  new Date(from.getTime() + ((to.getTime() - from.getTime()) * 2) / 3)
