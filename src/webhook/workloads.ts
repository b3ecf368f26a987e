import type { Fallback } from '../core/fallbacks.ts'
import type { Finding } from '../core/findings.ts'
import type { Settings } from '../core/identity.ts'
import type { IdentifiedBinding } from '../core/overlap.ts'
import type { Pod, PodList } from '../core/pods.ts'
import {
  adviseOnPods,
  fits,
  podFindingsOn,
  tellsOfAll,
  wantedBy,
  type PodFindings,
} from '../core/workloads.ts'
import { Semaphore } from './semaphore.ts'
import { TellingPods } from './telling-pods.ts'

export const nothingSeen: PodFindings = { found: [], earlier: [] }

/** Lists pods of a namespace by labels, `key=value`, or the one of them that has a name; it never rejects. */
export type ListPods = (
  at: { readonly namespace: string; readonly pairs: readonly string[]; readonly name?: string },
  page: { readonly limit: number; readonly maxBytes: number; readonly token?: string },
  signal: AbortSignal,
) => Promise<
  | { readonly kind: 'page'; readonly pods: readonly Pod[]; readonly next: string | undefined }
  | { readonly kind: 'forbidden'; readonly why: string }
  | { readonly kind: 'unknown'; readonly why: string }
>

type Page = Extract<Awaited<ReturnType<ListPods>>, { kind: 'page' }>

/** How a review's look at pods ended. */
export type Look = 'complete' | 'partial' | 'forbidden' | 'failed'

export type LookAtPods = (
  after: IdentifiedBinding,
  before: IdentifiedBinding | undefined,
  signal: AbortSignal,
) => Promise<PodFindings>

/** The look with `--workloads=false`: none. */
export const withoutPods: LookAtPods = () => Promise.resolve(nothingSeen)

type Options = {
  readonly list: ListPods
  readonly fallbacks: () => Iterable<Fallback>
  readonly settings: Settings
  readonly now: () => number
  readonly observe: (look: Look) => void
  readonly warn: (fields: object, message: string) => void
}

/**
 * How many lists of pods run at once, and how long each may take. A list goes on after its review has given up: to cut it short
 * would close its connection, and where the API server is slow that would cost both sides a TLS handshake for each review. A
 * review that gets no place in time goes without a list.
 */
const atOnce = 16
const listWithinMs = 5_000

/** How long one review waits for its list. What takes longer, or is larger, is left out: it is only for advice. */
const withinMs = 300
/** One pod by its name. With both pages it stays within 2 MiB. */
const single = { limit: 1, maxBytes: 256 * 1024 }
/** The first page: in most pools one of five pods already fits, and the look ends. */
const first = { limit: 5, maxBytes: 512 * 1024 }
/** The second page, before a warning that no pod fits. */
const second = { limit: 500, maxBytes: 1280 * 1024 }

/** A namespace in which pods may not be listed is not tried again for so long. */
const forbiddenForMs = 60_000
/** More namespaces than these are not remembered: all are tried again. */
const rememberAtMost = 10_000

/** Looks at the pods that are there for a binding. Never rejects, and says nothing of what could not be seen. */
export function createPodLookup({ list, fallbacks, settings, now, observe, warn }: Options): LookAtPods {
  const forbiddenUntil = new Map<string, number>()
  const semaphore = new Semaphore(atOnce)
  const telling = new TellingPods()
  let hasWarned = false

  function noteForbidden(namespace: string, why: string): void {
    if (forbiddenUntil.size >= rememberAtMost) forbiddenUntil.clear()
    forbiddenUntil.set(namespace, now() + forbiddenForMs)
    if (!hasWarned)
      warn({ namespace, why }, 'pods may not be listed: bindings are admitted without a look at them')
    hasWarned = true
  }

  async function look(
    one: IdentifiedBinding,
    signal: AbortSignal,
  ): Promise<PodList | 'forbidden' | 'failed'> {
    const { namespace } = one.binding
    const at = { namespace, pairs: one.identity.pods.pairs }
    const doesTell = (pod: Pod): boolean => tellsOfAll(pod, one, { fallbacks: fallbacks(), settings })
    const name = telling.nameFor(one)
    const named = name === undefined ? undefined : await list({ ...at, name }, single, signal)
    if (named?.kind === 'page' && named.pods.some(doesTell)) return { pods: named.pods, complete: false }
    const page = await list(at, first, signal)
    if (page.kind === 'forbidden') noteForbidden(namespace, page.why)
    if (page.kind !== 'page') return page.kind === 'forbidden' ? 'forbidden' : 'failed'
    const listed = await withRest(one, page, (token) => list(at, { ...second, token }, signal))
    telling.note(one, listed.pods.find(doesTell)?.name)
    return listed
  }

  return async (after, before, signal) => {
    const { namespace } = after.binding
    if ((forbiddenUntil.get(namespace) ?? 0) > now()) return nothingSeen
    const looking = (): ReturnType<typeof look> => look(after, AbortSignal.timeout(listWithinMs))
    const limit = AbortSignal.any([signal, AbortSignal.timeout(withinMs)])
    const listed = (await semaphore.pass(looking, limit)) ?? 'failed'
    if (typeof listed === 'string') {
      observe(listed)
      return nothingSeen
    }
    observe(listed.complete ? 'complete' : 'partial')
    const adviceOn = ({ binding, identity }: IdentifiedBinding): readonly Finding[] =>
      adviseOnPods(binding, identity, { list: listed, fallbacks: fallbacks(), settings })
    return podFindingsOn(after, before, adviceOn)
  }
}

/** All pods, or as many as one more page has, unless one of the first page already fits. */
async function withRest(
  { binding, identity }: IdentifiedBinding,
  { pods, next }: Page,
  more: (token: string) => ReturnType<ListPods>,
): Promise<PodList> {
  if (next === undefined) return { pods, complete: true }
  const rest = pods.some((pod) => fits(pod, wantedBy(binding, identity))) ? undefined : await more(next)
  if (rest?.kind !== 'page') return { pods, complete: false }
  return { pods: [...pods, ...rest.pods], complete: rest.next === undefined }
}
