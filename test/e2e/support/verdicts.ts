import { checkOptions } from '../../../src/cli/check-options.ts'
import { check } from '../../../src/cli/check.ts'
import type { KubectlResult } from '../../support/controlplane/run-kubectl.ts'
import type { AdmissionCase, ReconcileCase } from '../../support/vectors.ts'

export const trustDomain = 'kleym.sonda.red'

/** What one door says of a binding: a line for each problem, in no order. */
export type Words = { readonly denied: readonly string[]; readonly warned: readonly string[] }

type Input = Pick<ReconcileCase | AdmissionCase, 'binding' | 'pools' | 'objectives' | 'otherBindings'>

/** What `kleym check` says of a case's binding, applied after the others. */
export async function wordsOfCheck({ binding, pools, objectives, otherBindings }: Input): Promise<Words> {
  const parsed = checkOptions(['-f', '-', '--trust-domain', trustDomain], {})
  if (parsed.kind !== 'options') throw new Error(JSON.stringify(parsed))
  const items = [...pools, ...objectives, ...otherBindings, binding]
  const manifests = JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
  const { stdout } = await check(parsed.options, {
    now: new Date(),
    readStdin: () => Promise.resolve(manifests),
    readCluster: () => Promise.reject(new Error('it is asked without a cluster')),
    readOperator: () => Promise.reject(new Error('it is asked without a cluster')),
    readNamespace: () => Promise.reject(new Error('it is asked without a cluster')),
    readPods: () => Promise.reject(new Error('it is asked without a cluster')),
  })
  // Each binding has a heading, and below it, indented, what is said of it.
  const isOfBinding = (block: string): boolean =>
    block.split('\n', 1)[0]?.includes(` ${binding.metadata.namespace}/${binding.metadata.name} (`) ?? false
  const [last = ''] = stdout
    .split(/\n(?=\S)/)
    .filter(isOfBinding)
    .slice(-1)
  const lines = (action: string): readonly string[] =>
    [...last.matchAll(new RegExp(`^  ${action} (spec.*)$`, 'gm'))].map(([, line = '']) => line).toSorted()
  return { denied: lines('deny'), warned: lines('warn') }
}

/** What kubectl prints of a refusal: one problem on the line itself, several in a list below it. */
export function wordsOfKubectl({ stderr }: Pick<KubectlResult, 'stderr'>): Words {
  const [, complaint = ''] = stderr.split(/^The InferenceIdentityBinding "[^"]*" is invalid: ?/m)
  const denied = complaint
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/^\* /, ''))
  return { denied: denied.toSorted(), warned: warningsIn(stderr).toSorted() }
}

/** The advice on what to do about a collision, which is printed beside each refused one and is no finding. */
const collisionAdvice =
  'spec.containerName: give this binding, or the one that the refusal names, another container'

/** A long warning comes in pieces, each but the first after an ellipsis. */
function warningsIn(stderr: string): readonly string[] {
  const pieces = [...stderr.matchAll(/^Warning: (.*)$/gm)].map(([, piece = '']) => piece)
  const warnings = pieces.join('\n').replaceAll('\n… ', ' ').split('\n').filter(Boolean)
  return warnings.filter((line) => !line.startsWith(collisionAdvice))
}
