import { expect, test, vi } from 'vitest'
import { bindingResource } from '../../../src/core/resources.ts'
import { recordOfRun } from '../../controller/support/record.ts'
import { startFaultProxy, type FaultProxy } from '../../support/fault-proxy/proxy.ts'
import { stateOf, unsettled, whenSettled } from '../../support/model.ts'
import { startWorld, type World } from '../../support/world.ts'
import { apart, expectNoAccident, ofTheLoop, scene, startOperatorAt, writes } from './support/site.ts'

const chat = { namespace: 'default', name: 'chat' }

/** A life of a binding, in steps that each take several writes. */
const steps: readonly ((world: World) => Promise<unknown>)[] = [
  ({ put }) => put(apart('chat')),
  ({ put }) => put(apart('chat', 'other')),
  ({ remove }) => remove(bindingResource, chat),
]

type Fate = 'settled' | 'killed'

/** Runs the operator until all is done, or kills it when one write has taken effect and it is about to do more. */
async function run(world: World, proxy: FaultProxy, kubeconfig: string, answered: boolean): Promise<Fate> {
  const ours = { method: writes, path: ofTheLoop }
  const rehearsal = { ...ours, path: /dryRun=All/ }
  proxy.faults.inject(rehearsal, { kind: 'slow', ms: 0 }, Infinity)
  proxy.faults.inject(ours, answered ? { kind: 'slow', ms: 0 } : { kind: 'lostResponse' })
  const next = proxy.faults.inject(ours, { kind: 'silence' }, Infinity)
  const operator = await startOperatorAt(kubeconfig)
  try {
    const isDone = async () => next.hits() > 0 || unsettled(await stateOf(world)).length === 0
    await vi.waitUntil(isDone, { timeout: 40_000 })
    expectNoAccident(operator.log())
  } finally {
    await operator.stop('SIGKILL')
    proxy.faults.clear()
  }
  return next.hits() > 0 ? 'killed' : 'settled'
}

async function arrange(stack: AsyncDisposableStack) {
  const world = stack.use(await startWorld())
  for (const manifest of scene) await world.put(manifest)
  const proxy = await startFaultProxy(world.api)
  stack.defer(() => proxy.stop())
  return { world, proxy, kubeconfig: await proxy.kubeconfig(world.api.token) }
}

async function undisturbed(): Promise<readonly unknown[]> {
  await using stack = new AsyncDisposableStack()
  const { world, kubeconfig } = await arrange(stack)
  const operator = await startOperatorAt(kubeconfig)
  stack.defer(async () => {
    await operator.stop('SIGKILL')
  })
  const records: unknown[] = []
  for (const step of steps) {
    await step(world)
    await whenSettled(world)
    records.push(await recordOfRun(world))
  }
  return records
}

// Each process gets one write further. Its answer is heard by every other one only.
test('killed with -9 between any two writes, it settles as if nothing had happened', async () => {
  const expected = await undisturbed()
  await using stack = new AsyncDisposableStack()
  const { world, proxy, kubeconfig } = await arrange(stack)
  let killed = 0
  for (const [index, step] of steps.entries()) {
    await step(world)
    while ((await run(world, proxy, kubeconfig, killed % 2 === 0)) === 'killed') killed += 1
    expect(await recordOfRun(world)).toEqual(expected[index])
  }
  // Four writes, three, and two; the last of each is nothing to be killed after.
  expect(killed).toBeGreaterThanOrEqual(3 + 2 + 1)
})
