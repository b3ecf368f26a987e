import { type KubectlOptions, type KubectlResult, runKubectl } from './controlplane/run-kubectl.ts'
import { controlPlane } from './real.ts'

/** Runs the real kubectl, as admin of the shared control plane unless told otherwise. */
export function kubectl(args: readonly string[], options?: KubectlOptions): Promise<KubectlResult> {
  return runKubectl(controlPlane(), args, options)
}
