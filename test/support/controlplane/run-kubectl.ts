import { join } from 'node:path'
import { type ProgramResult, runProgram } from '../run-program.ts'

export type Kubectl = {
  readonly kubectl: string
  readonly kubeconfig: string
  /** Where kubectl keeps its caches. */
  readonly directory: string
}

export type KubectlOptions = {
  /** Standard input, which `-f -` reads. */
  readonly input?: string
  readonly kubeconfig?: string
  /** A bearer token, used instead of the kubeconfig's own credentials. */
  readonly token?: string
}

/** `code` is kubectl's exit code, 1 for most failures. */
export type KubectlResult = ProgramResult

export function runKubectl(
  plane: Kubectl,
  args: readonly string[],
  { input = '', kubeconfig = plane.kubeconfig, token }: KubectlOptions = {},
): Promise<KubectlResult> {
  const credentials = token === undefined ? [] : [`--token=${token}`]
  return runProgram(plane.kubectl, [...args, ...credentials], {
    input,
    env: { HOME: join(plane.directory, 'home'), KUBECONFIG: kubeconfig },
  })
}
