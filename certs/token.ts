import { randomBytes } from 'node:crypto'
import { messageOf } from '../src/core/show.ts'
import type { Log } from '../src/log.ts'
import type { Lives } from './certificates.ts'
import { isToken } from './registration.ts'
import type { SecretData } from './rotation.ts'
import type { SecretAccess } from './store.ts'

/**
 * The token that the path of each webhook ends in, and those that are accepted beside it. One token follows another
 * without a refused call, as one CA does (rotation.ts), and all of it is in the Secret:
 *
 *     steady  token: old
 *     spread  token: old, token.next: new         every replica accepts both: `swap`
 *     swapped token: new, token.previous: old     every API server calls by the new one: `retire`
 *     steady  token: new
 *
 * The invariant: whatever token an API server may still call by, every replica accepts. The configurations carry
 * `token`; a token comes to be that only after it has been in the Secret, where all replicas see it, for the settle
 * time, and goes only after its successor has stood in the configurations for that long.
 */
export type Tokens = {
  /** What the configurations are to carry. */
  readonly current: string
  readonly next: string | undefined
  readonly previous: string | undefined
  /** When `current` came to be that. */
  readonly made: Date
}

/** What a replica knows when it asks for the tokens. */
export type TokenView = {
  /** What it accepts, the current one first. */
  readonly accepted: readonly string[]
  /** What each webhook that is registered is called with, empty where that is no token. */
  readonly live: readonly string[]
  /** Those that others have been shown, so that they are to be replaced. */
  readonly shown: ReadonlySet<string>
  /** For how long these have been in the Secret and their current one in all that is registered, in ms. */
  readonly standingMs: (tokens: Tokens) => number
}

/** @throws Error where the Secret holds no token and none can be written into it */
export type TokenSource = (view: TokenView) => Promise<Tokens & { readonly renewAt: Date }>

type Options = {
  readonly secret: SecretAccess
  readonly now: () => Date
  readonly log: Log
  readonly lives: Pick<Lives, 'leafMs' | 'settleMs'>
}

/** As in store.ts: replicas are fewer than the attempts, and a failed write can wait. */
const attempts = 10
const retryMs = 5000

const names = {
  current: 'token',
  next: 'token.next',
  previous: 'token.previous',
  made: 'token.made',
} as const

/**
 * The tokens in the Secret. A Secret without a token is given one. A token lives as long as a leaf, so that both are
 * renewed by one rhythm.
 */
export const tokensFrom =
  ({ secret, now, log, lives }: Options): TokenSource =>
  async (view) => {
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const stored = await secret.read()
      const known = tokensIn(stored?.data)
      const step = known ? nextStep(known, view, now(), lives) : repair(view, now())
      if (known && step.kind === 'rest') return { ...known, renewAt: step.until }
      if (step.kind === 'rest') continue
      try {
        const data = { ...withoutTokens(stored?.data), ...encoded(step.tokens) }
        const outcome = await (stored ? secret.replace(data, stored.resourceVersion) : secret.create(data))
        if (outcome === 'written') log.info({ reason: step.reason }, 'wrote the tokens of the webhook')
      } catch (error) {
        if (!known) throw error
        log.warn({ problem: messageOf(error), reason: step.reason }, 'the token could not be replaced yet')
        return { ...known, renewAt: new Date(now().getTime() + retryMs) }
      }
    }
    throw new Error(`the Secret of the webhook is fought over: ${attempts} attempts to write a token lost`)
  }

type Step =
  | { readonly kind: 'rest'; readonly until: Date }
  | { readonly kind: 'write'; readonly reason: string; readonly tokens: Tokens }

function nextStep(tokens: Tokens, view: TokenView, now: Date, lives: Options['lives']): Step {
  const { current, next, previous, made } = tokens
  const settled = (reason: string, after: Tokens): Step => {
    const remainingMs = lives.settleMs - view.standingMs(tokens)
    return remainingMs > 0
      ? { kind: 'rest', until: new Date(now.getTime() + remainingMs) }
      : { kind: 'write', reason, tokens: after }
  }
  if (next !== undefined)
    return settled('every replica accepts the new token', {
      current: next,
      next: undefined,
      previous: current,
      made: now,
    })
  if (previous !== undefined)
    return settled('the old token is no longer needed', { current, next, previous: undefined, made })
  const due = new Date(made.getTime() + (lives.leafMs * 2) / 3)
  const isShown = view.shown.has(current)
  if (!isShown && now < due) return { kind: 'rest', until: due }
  const reason = isShown
    ? 'others were shown the token, as the API server could not call the webhook'
    : 'two thirds of the life of the token are over'
  return { kind: 'write', reason, tokens: { ...tokens, next: newToken() } }
}

/**
 * For a Secret without a token: where every webhook is registered with one token, that token is put back, so that no
 * call is refused.
 */
function repair({ accepted, live }: TokenView, now: Date): Step {
  const [first = ''] = live
  const isLive = first !== '' && live.every((one) => one === first)
  const current = isLive ? first : (accepted[0] ?? newToken())
  const previous = accepted.find((one) => one !== current)
  const tokens = { current, next: undefined, previous, made: now }
  return { kind: 'write', reason: 'the Secret has no token', tokens }
}

const newToken = (): string => randomBytes(32).toString('hex')

function tokensIn(data: SecretData = {}): Tokens | undefined {
  const token = (name: string): string | undefined => {
    const text = data[name] ?? ''
    return isToken(text) ? text : undefined
  }
  const current = token(names.current)
  if (current === undefined) return undefined
  const made = new Date(data[names.made] ?? '')
  return {
    current,
    next: token(names.next),
    previous: token(names.previous),
    // A time that can't be read counts as long past. So whoever wants a new token at once removes `token.made` from the Secret.
    made: Number.isNaN(made.getTime()) ? new Date(0) : made,
  }
}

const encoded = ({ current, next, previous, made }: Tokens): SecretData => ({
  [names.current]: current,
  [names.made]: made.toISOString(),
  ...(next !== undefined && { [names.next]: next }),
  ...(previous !== undefined && { [names.previous]: previous }),
})

const withoutTokens = (data: SecretData = {}): SecretData => {
  const own: readonly string[] = Object.values(names)
  return Object.fromEntries(Object.entries(data).filter(([key]) => !own.includes(key)))
}
