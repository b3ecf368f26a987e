import { randomBytes } from 'node:crypto'
import { describe, inject } from 'vitest'
import type { RunningControlPlane } from './controlplane/provided.ts'
import { runKubectl } from './controlplane/run-kubectl.ts'

/** A suite that needs the real control plane. Without one its tests are reported as skipped, with the remedy. */
export function describeReal(name: string, fn: () => void): void {
  const provided = inject('controlPlane')
  const why = provided.kind === 'none' ? ` (skipped: ${provided.remedy})` : ''
  describe.skipIf(provided.kind === 'none')(`${name}${why}`, () => {
    fn()
  })
}

/** The control plane that all test files share. Only inside `describeReal`. */
export function controlPlane(): RunningControlPlane {
  const provided = inject('controlPlane')
  if (provided.kind === 'none') throw new Error(provided.remedy)
  return provided
}

/** Creates a namespace that no other test knows, and gives its name. */
export async function freshNamespace(prefix: string): Promise<string> {
  const name = `${prefix}-${randomBytes(4).toString('hex')}`
  const { code, stderr } = await runKubectl(controlPlane(), ['create', 'namespace', name])
  if (code !== 0) throw new Error(stderr)
  return name
}
