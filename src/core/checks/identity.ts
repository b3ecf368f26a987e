import type { Check } from '../facts.ts'
import { finding } from '../findings.ts'
import { idField, isSpiffeId } from '../identity.ts'
import { show } from '../show.ts'

/**
 * Guards an invariant: the selectors name exactly one namespace and one service account, and contain no Go template
 * syntax, because SPIRE Controller Manager evaluates selectors as templates.
 */
export function homeProblem(
  selectors: readonly string[],
  namespace: string,
  serviceAccount: string,
): string | undefined {
  if (new Set(selectors).size !== selectors.length) return 'a selector repeats'
  if (selectors.some((selector) => selector.includes('{{'))) return 'a selector is a template'
  for (const [prefix, only] of [
    ['k8s:ns:', namespace],
    ['k8s:sa:', serviceAccount],
  ] as const) {
    const named = selectors.filter((selector) => selector.startsWith(prefix))
    if (named.length !== 1 || named[0] !== prefix + only)
      return `the selectors are not confined to ${prefix}${only}`
  }
  return undefined
}

export const selectorsStayHome: Check = ({ binding, identity }) => {
  const { namespace, spec } = binding
  if (!identity || typeof spec.serviceAccountName !== 'string') return undefined
  const problem = homeProblem(identity.selectors, namespace, spec.serviceAccountName)
  return problem === undefined
    ? undefined
    : finding(
        'unsafeSelector',
        { field: 'spec', cause: 'Invalid', value: identity.selectors },
        `spec: ${problem}`,
      )
}

/** Guards an invariant: the ID is made of Kubernetes names, so it should always be a valid SPIFFE ID. */
export const spiffeIdIsValid: Check = ({ binding, spiffeId }) => {
  if (spiffeId === undefined || isSpiffeId(spiffeId)) return undefined
  const field = idField(binding.spec.mode === 'PoolOnly' ? 'PoolOnly' : 'PerObjective')
  return finding(
    'invalidSpiffeId',
    { field, cause: 'Invalid', value: spiffeId },
    `${field} leads to ${show(spiffeId)}, which is not a SPIFFE ID`,
  )
}
