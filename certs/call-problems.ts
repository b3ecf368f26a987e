import { handshakeProblem, type Trusted } from './certificates.ts'
import type { Names } from './inspect.ts'
import type { Registration } from './registration.ts'

/** What a replica serves: a certificate, the CAs that it chains to, and the tokens of the calls that it answers. */
export type Served = Trusted & { readonly accepted: readonly string[] }

type CallContext = {
  /** What the API server calls the webhook by. */
  readonly names: Names
  readonly now: Date
  /** Why the last write to a webhook configuration failed; undefined if none was tried, or it succeeded. */
  readonly writeProblem?: string | undefined
}

/**
 * Why a call by one of these registrations would fail: the API server would not trust the certificate that is served, or
 * this replica would not accept the token in the path. Undefined where every call would be answered.
 */
export function problemOf(
  served: Served | undefined,
  webhooks: readonly Registration[],
  context: CallContext,
): string | undefined {
  const distrust = distrustOf(
    served,
    webhooks.map(({ caBundle }) => caBundle),
    context,
  )
  if (distrust !== undefined || !served) return distrust
  return webhooks.every(({ token }) => served.accepted.includes(token))
    ? undefined
    : `the path of a webhook does not end in its token${because(context)}`
}

/**
 * Why an API server with one of these caBundles would not trust the certificate that is served; undefined if all trust
 * it.
 */
export function distrustOf(
  served: Trusted | undefined,
  bundles: readonly string[],
  context: CallContext,
): string | undefined {
  const { writeProblem } = context
  if (!served || bundles.length === 0) return writeProblem ?? 'nothing is served or registered yet'
  if (bundles.includes('')) return writeProblem ?? 'a webhook has no caBundle'
  const refusals = [...new Set(bundles)].map((caBundle) =>
    handshakeProblem({ pair: served.pair, caBundle }, context),
  )
  const refusal = refusals.find((one) => one !== undefined)
  return refusal === undefined
    ? undefined
    : `the API server does not trust what is served: ${refusal}${because(context)}`
}

const because = ({ writeProblem }: CallContext): string =>
  writeProblem === undefined ? '' : `; it could not be told to: ${writeProblem}`
