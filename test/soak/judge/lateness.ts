import { isDeepStrictEqual } from 'node:util'
import type { Binding } from '../../../src/core/binding.ts'
import type { Output } from '../../../src/core/clusterspiffeid.ts'
import { conditionsIn, readyIn } from '../../../src/core/conditions.ts'
import { recordOf } from '../../support/embedded/json.ts'
import type { Wish } from './wishes.ts'

const fiveConditions = ['Ready', 'Conflict', 'InvalidRef', 'UnsafeSelector', 'RenderFailure']

type Look = {
  readonly binding: Binding
  readonly wish: Wish | undefined
  /** The ClusterSPIFFEIDs of the operator's making that are the binding's. */
  readonly outputs: readonly Output[]
}

/** In what a binding lacks what its spec asks for; undefined if it lacks nothing. */
export function wrongIn({ binding, wish, outputs }: Look): string | undefined {
  if (wish?.kind === 'farewell') return 'it is being deleted'
  const { status, generation } = binding
  const ready = readyIn(status)
  if (wish?.kind === 'failure') {
    if (outputs.length > 0) return `${wish.reason}: its ClusterSPIFFEID is still there`
    const isShown = ready?.status === 'False' && ready.reason === wish.reason
    return isShown && ready.observedGeneration === generation ? undefined : `${wish.reason} is not said`
  }
  if (!wish) return undefined
  const output = outputs.find(({ name }) => name === wish.wanted.metadata.name)
  if (!output) return 'its ClusterSPIFFEID is not there'
  if (!isDeepStrictEqual(output.spec, wish.wanted.spec)) return 'its ClusterSPIFFEID has drifted'
  if (ready?.status !== 'True' || ready.observedGeneration !== generation) return 'Ready is not said'
  const rendered = recordOf(status['renderedClusterSPIFFEID'])
  if (rendered['uid'] !== output.uid) return 'its status names another ClusterSPIFFEID'
  return undefined
}

/** Whether a status tells that something is wrong, even if what it tells is no longer, or not yet, what is wrong. */
export function isTold({ status, generation }: Binding, outputsAreRefused: boolean): boolean {
  const ready = readyIn(status)
  if (ready?.reason === 'Retrying') return true
  const isRefused = ready?.reason === 'ManagedOutputApplyFailed' && ready.observedGeneration === generation
  return isRefused && outputsAreRefused
}

/** What is wrong with the conditions of a status that the operator wrote. */
export function misshapen({ status }: Binding): string | undefined {
  const types = conditionsIn(status).map(({ type }) => String(type))
  // Until there is a first outcome, a status has no condition, or Ready alone with reason Retrying.
  if (types.length === 0 || (types.length === 1 && readyIn(status)?.reason === 'Retrying')) return undefined
  return isDeepStrictEqual(
    types.filter((type) => type !== 'Stalled'),
    fiveConditions,
  )
    ? undefined
    : `its conditions are ${types.join(', ')}`
}
