import { endOf, inspectPair, splitPem, type Names } from './inspect.ts'

/** How long things last, in ms. */
export type Lives = {
  readonly authorityMs: number
  readonly leafMs: number
  /** How long something must have stood before every API server and every replica is taken to have seen it. */
  readonly settleMs: number
}

const dayMs = 86_400_000

export const usualLives: Lives = { authorityMs: 3650 * dayMs, leafMs: 365 * dayMs, settleMs: 60_000 }

/** A leaf with its key, and what a client must trust to accept it. All PEM. */
export type Trusted = {
  /** What to serve. */
  readonly pair: { readonly key: string; readonly cert: string }
  /** What the API server must trust: one CA, or several while one replaces another. */
  readonly caBundle: string
}

export type Certificates = Trusted & {
  /** When to ask again. */
  readonly renewAt: Date
  readonly expires: Expiry
}

export type Expiry = { readonly authority: Date; readonly webhook: Date }

/** What a replica knows when it asks for the certificates that it should serve. */
export type View = {
  /** What it serves, if the API server accepts that as things are. */
  readonly served: Trusted | undefined
  /** The caBundle of each webhook that is registered. */
  readonly live: readonly string[]
  /** For how long exactly this was served here and was the caBundle of all that is registered, in ms. */
  readonly standingMs: (trusted: Trusted) => number
}

/** Throws when it can't be told what to serve. */
export type Source = (view: View) => Promise<Certificates>

/** What a replica sees that has only just started. */
export const blankView: View = { served: undefined, live: [], standingMs: () => 0 }

/** Why a client that trusts the bundle and calls one of the names would not accept the pair. */
export function refusalOf(
  { pair, caBundle }: Trusted,
  { names, now }: { readonly names: Names; readonly now: Date },
): string | undefined {
  const inspection = inspectPair({ keyPem: pair.key, certPem: pair.cert, caPem: caBundle, now, names })
  return inspection.kind === 'unusable' ? inspection.message : undefined
}

export const expiryOf = ({ pair, caBundle }: Trusted): Expiry => ({
  authority: endOf(caBundle),
  // The leaf comes first, whatever else is sent with it.
  webhook: endOf(splitPem(pair.cert)[0] ?? ''),
})
