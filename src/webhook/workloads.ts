import type { Fallback } from '../core/fallbacks.ts'
import type { Finding } from '../core/findings.ts'
import type { Settings } from '../core/identity.ts'
import type { IdentifiedBinding } from '../core/overlap.ts'
import type { Pod, PodList } from '../core/pods.ts'
import { adviseOnPods, fits, podFindingsOn, wantedBy, type PodFindings } from '../core/workloads.ts'
import { Semaphore } from './semaphore.ts'

export const nothingSeen: PodFindings = { found: [], earlier: [] }

/** Lists pods of a namespace by labels, `key=value`; it never rejects. */
export type ListPods = (
  at: { readonly namespace: string; readonly pairs: readonly string[] },
  page: { readonly limit: number; readonly maxBytes: number; readonly token?: string },
  signal: AbortSignal,
) => Promise<
  | { readonly kind: 'page'; readonly pods: readonly Pod[]; readonly next: string | undefined }
  | { readonly kind: 'forbidden'; readonly why: string }
  | { readonly kind: 'unknown'; readonly why: string }
>

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
/** The first page: in most pools one of five pods already fits, and the look ends. */
const first = { limit: 5, maxBytes: 512 * 1024 }
/** The second page, before a warning that no pod fits. Both pages together stay under 2 MiB. */
const second = { limit: 500, maxBytes: 1536 * 1024 }

/** A namespace in which pods may not be listed is not tried again for so long. */
const forbiddenForMs = 60_000
/** More namespaces than these are not remembered: all are tried again. */
const rememberAtMost = 10_000

/** Looks at the pods that are there for a binding. Never rejects, and says nothing of what could not be seen. */
export function createPodLookup({ list, fallbacks, settings, now, observe, warn }: Options): LookAtPods {
  const forbiddenUntil = new Map<string, number>()
  const semaphore = new Semaphore(atOnce)
  let hasWarned = false

  function noteForbidden(namespace: string, why: string): void {
    if (forbiddenUntil.size >= rememberAtMost) forbiddenUntil.clear()
    forbiddenUntil.set(namespace, now() + forbiddenForMs)
    if (!hasWarned)
      warn({ namespace, why }, 'pods may not be listed: bindings are admitted without a look at them')
    hasWarned = true
  }

  async function look(
    { binding, identity }: IdentifiedBinding,
    signal: AbortSignal,
  ): Promise<PodList | 'forbidden' | 'failed'> {
    const at = { namespace: binding.namespace, pairs: identity.pods.pairs }
    const page = await list(at, first, signal)
    if (page.kind === 'forbidden') noteForbidden(binding.namespace, page.why)
    if (page.kind !== 'page') return page.kind === 'forbidden' ? 'forbidden' : 'failed'
    const some = { pods: page.pods, complete: page.next === undefined }
    const rest =
      page.next === undefined || page.pods.some((pod) => fits(pod, wantedBy(binding, identity)))
        ? undefined
        : await list(at, { ...second, token: page.next }, signal)
    return rest?.kind === 'page'
      ? { pods: [...page.pods, ...rest.pods], complete: rest.next === undefined }
      : some
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
