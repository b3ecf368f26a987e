import { expect } from 'vitest'
import { definitionResource, allResources } from '../../../../src/core/resources.ts'
import { History } from '../../../controller/support/history.ts'
import { Judge } from '../../../controller/support/judge.ts'
import { binding, objective, pool, settings } from '../../../support/builders.ts'
import { startFaultProxy, type FaultProxy } from '../../../support/fault-proxy/proxy.ts'
import { startOperator, type RunningOperator } from '../../../support/operator.ts'
import type { Manifest } from '../../../support/vectors.ts'
import { startWorld, type World } from '../../../support/world.ts'

/** Resolves requests that change something. */
export const writes = /^(?:POST|PUT|PATCH|DELETE)$/

/** What the loop writes; leases and certificates are others' business. */
export const ofTheLoop = /\/(?:clusterspiffeids|inferenceidentitybindings|events)\b/

/** One reflector a kind, and one of the CustomResourceDefinitions. */
export const reflectors = allResources.length + 1

/** A pool and two objectives, to which everything here refers. */
export const scene: readonly Manifest[] = [pool(), objective(), objective({ name: 'other' })]

/** Bindings that never meet: each is for a container of its own. */
export const apart = (name: string, objectiveName = 'chat'): Manifest =>
  binding({ name, spec: { containerName: name, objectiveRef: { name: objectiveName } } })

export const startOperatorAt = (kubeconfig: string, ...args: readonly string[]): Promise<RunningOperator> =>
  startOperator({
    kubeconfig,
    trustDomain: settings.trustDomain,
    args: ['--webhook-bind-address=0', ...args],
  })

/** An API server in memory, the operator as a program, and all that can go wrong between them. */
export type Site = AsyncDisposable & {
  readonly world: World
  readonly proxy: FaultProxy
  readonly operator: RunningOperator
  /** What the loop did, since this was last asked, that it must never do. */
  readonly brokenPromises: () => Promise<readonly string[]>
}

export async function startSite(): Promise<Site> {
  await using stack = new AsyncDisposableStack()
  const world = stack.use(await startWorld())
  for (const manifest of scene) await world.put(manifest)
  const history = stack.use(new History(world.client))
  for (const resource of [definitionResource, ...allResources]) await history.follow(resource)
  const proxy = await startFaultProxy(world.api)
  stack.defer(() => proxy.stop())
  const operator = await startOperatorAt(await proxy.kubeconfig(world.api.token))
  stack.defer(async () => {
    await operator.stop('SIGKILL')
  })
  // Only the operator writes outputs here and takes finalizers off, so the judge excuses nothing.
  const judge = new Judge({ wrote: () => false, deleted: () => false })
  const own = stack.move()
  return {
    world,
    proxy,
    operator,
    brokenPromises: async () => judge.judge(await history.take()),
    [Symbol.asyncDispose]: () => own.disposeAsync(),
  }
}

/** A bug ends the process, if it is in a promise that nobody awaits, or is logged as an error. */
export function expectNoAccident(log: string): void {
  expect(log.split('\n').filter((line) => /unhandled|uncaught|"level":"error"/i.test(line))).toEqual([])
}
