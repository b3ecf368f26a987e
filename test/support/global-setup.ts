import type { TestProject } from 'vitest/node'
import { locateOrBuild } from './controlplane/build.ts'
import { installCrds } from './controlplane/crds.ts'
import type { ProvidedControlPlane } from './controlplane/provided.ts'
import { startControlPlane } from './controlplane/start.ts'

const isOff = process.env['KLEYM_TEST_CONTROLPLANE'] === 'off'
const isCi = !['', '0', 'false'].includes(process.env['CI'] ?? '')

/** One control plane for the whole run; tests keep apart by namespaces. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (isOff) {
    provide(project, { kind: 'none', remedy: 'KLEYM_TEST_CONTROLPLANE is off' })
    return undefined
  }
  const outcome = await locateOrBuild(process.env, say)
  if (outcome.kind === 'missing') {
    // A run that checks a change must not be green because a third of it was left out.
    if (isCi) throw new Error(outcome.remedy)
    say(`skipping the tests against a real control plane: ${outcome.remedy}`)
    provide(project, { kind: 'none', remedy: outcome.remedy })
    return undefined
  }
  const { binaries } = outcome
  await using undo = new AsyncDisposableStack()
  const plane = await startControlPlane(binaries)
  undo.defer(() => plane.stop())
  await installCrds(plane)
  const { server, kubeconfig, kubectl, caPem, adminToken, directory } = plane
  const facts = { server, kubeconfig, kubectl, caPem, adminToken, directory, binaries }
  provide(project, { kind: 'running', ...facts })
  const running = undo.move()
  return () => running.disposeAsync()
}

function provide(project: TestProject, value: ProvidedControlPlane): void {
  project.provide('controlPlane', value)
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}
