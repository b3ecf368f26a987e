import { randomBytes } from 'node:crypto'
import { describe, inject } from 'vitest'
import type { RunningControlPlane } from './controlplane/provided.ts'
import { runKubectl } from './controlplane/run-kubectl.ts'
import type { GitOpsBinaries } from './gitops/binaries.ts'

/** A suite that needs the real control plane. Without one its tests are reported as skipped, with the remedy. */
export function describeReal(name: string, fn: () => void): void {
  const provided = inject('controlPlane')
  describeUnless(provided.kind === 'none' ? provided.remedy : undefined, name, fn)
}

/** A suite that needs the real control plane, and Helm and Flux's apply too. */
export function describeGitOps(name: string, fn: () => void): void {
  const provided = inject('gitops')
  describeUnless(provided.kind === 'none' ? provided.remedy : undefined, name, fn)
}

function describeUnless(remedy: string | undefined, name: string, fn: () => void): void {
  const why = remedy === undefined ? '' : ` (skipped: ${remedy})`
  describe.skipIf(remedy !== undefined)(`${name}${why}`, () => {
    fn()
  })
}

/** The control plane that all test files share. Only inside `describeReal` or `describeGitOps`. */
export function controlPlane(): RunningControlPlane {
  const provided = inject('controlPlane')
  if (provided.kind === 'none') throw new Error(provided.remedy)
  return provided
}

/** Where Helm and Flux's apply are. Only inside `describeGitOps`. */
export function gitOpsBinaries(): GitOpsBinaries {
  const provided = inject('gitops')
  if (provided.kind === 'none') throw new Error(provided.remedy)
  return provided.binaries
}

/** Creates a namespace that no other test knows, and gives its name. */
export async function freshNamespace(prefix: string): Promise<string> {
  const name = `${prefix}-${randomBytes(4).toString('hex')}`
  const { code, stderr } = await runKubectl(controlPlane(), ['create', 'namespace', name])
  if (code !== 0) throw new Error(stderr)
  return name
}
