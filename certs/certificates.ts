import { endOf, inspectPair, splitPem, type Names } from './inspect.ts'

/** How long certificates live and how long a change is waited for, in ms. */
export type Lives = {
  readonly authorityMs: number
  readonly leafMs: number
  /**
   * How long a caBundle, a leaf or a token must have stood before every API server and every replica is taken to have seen
   * it. Watches deliver within seconds; a minute leaves room for one that has to be begun again.
   */
  readonly settleMs: number
}

const dayMs = 86_400_000

/**
 * The CA lives for ten years, since replacing it takes two waits. The leaf lives for one, as long as a leaked key is bearable:
 * the key is in a Secret that few may read. Both are replaced at two thirds of their life, so that months are left for a
 * renewal that fails.
 */
export const usualLives: Lives = { authorityMs: 3650 * dayMs, leafMs: 365 * dayMs, settleMs: 60_000 }

/** A leaf with its key, and what a client must trust to accept it. All PEM. */
export type Trusted = {
  /** What to serve. */
  readonly pair: { readonly key: string; readonly cert: string }
  /** What the API server must trust: one CA, or several while one replaces another. */
  readonly caBundle: string
}

export type Certificates = Trusted & {
  /** When to ask the source again: a renewal may be due then. */
  readonly renewAt: Date
  readonly expires: Expiry
}

export type Expiry = { readonly authority: Date; readonly webhook: Date }

/** What a replica knows when it asks for the certificates that it should serve. */
export type View = {
  /** What this replica serves, if every API server trusts it as things are; else undefined. */
  readonly served: Trusted | undefined
  /** The caBundle of each webhook in the two configurations. */
  readonly live: readonly string[]
  /** For how many ms this replica has served exactly this, while exactly its caBundle stood in every webhook. */
  readonly standingMs: (trusted: Trusted) => number
}

/**
 * @throws Error where nothing usable can be read or made: the Secret can't be read or written, or no good files were
 * seen yet
 */
export type Source = (view: View) => Promise<Certificates>

/** The view of a replica that has just started: it serves nothing and has read no configuration. */
export const blankView: View = { served: undefined, live: [], standingMs: () => 0 }

/** Why a client that trusts the bundle and calls one of the names would not accept the pair. */
export function handshakeProblem(
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
