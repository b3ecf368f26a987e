import type { TestProject } from 'vitest/node'
import type { Binaries } from './controlplane/binaries.ts'
import { installCrds } from './controlplane/crds.ts'
import { locateOrBuildControlPlane } from './controlplane/kubernetes-releases.ts'
import type { ProvidedControlPlane } from './controlplane/provided.ts'
import { startControlPlane } from './controlplane/start.ts'
import { locateOrBuildGitOps } from './gitops/binaries.ts'
import type { ProvidedGitOps } from './gitops/provided.ts'

const isOff = process.env['KLEYM_TEST_CONTROLPLANE'] === 'off'
const isCi = !['', '0', 'false'].includes(process.env['CI'] ?? '')

/** One control plane for the whole run; tests keep apart by namespaces. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (isOff) {
    provideNothing(project, 'KLEYM_TEST_CONTROLPLANE is off')
    return undefined
  }
  const outcome = await locateOrBuildControlPlane(process.env, say)
  if (outcome.kind === 'missing') {
    skip('a real control plane', outcome.remedy)
    provideNothing(project, outcome.remedy)
    return undefined
  }
  project.provide('gitops', await gitOps())
  return start(outcome.binaries, project)
}

async function gitOps(): Promise<ProvidedGitOps> {
  const outcome = await locateOrBuildGitOps(process.env, say)
  if (outcome.kind === 'found') return outcome
  skip("a real Helm and Flux's apply", outcome.remedy)
  return { kind: 'none', remedy: outcome.remedy }
}

async function start(binaries: Binaries, project: TestProject): Promise<() => Promise<void>> {
  await using undo = new AsyncDisposableStack()
  const plane = await startControlPlane(binaries)
  undo.defer(() => plane.stop())
  await installCrds(plane)
  const { server, kubeconfig, kubectl, caPem, adminToken, directory } = plane
  const facts = { server, kubeconfig, kubectl, caPem, adminToken, directory, binaries }
  const provided: ProvidedControlPlane = { kind: 'running', ...facts }
  project.provide('controlPlane', provided)
  const running = undo.move()
  return () => running.disposeAsync()
}

function provideNothing(project: TestProject, remedy: string): void {
  project.provide('controlPlane', { kind: 'none', remedy })
  project.provide('gitops', { kind: 'none', remedy })
}

/** A run that checks a change must not be green because a third of it was left out. */
function skip(what: string, remedy: string): void {
  if (isCi) throw new Error(remedy)
  say(`skipping the tests against ${what}: ${remedy}`)
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}
