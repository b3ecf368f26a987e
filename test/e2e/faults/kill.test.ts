import { isDeepStrictEqual } from 'node:util'
import { expect, test, vi } from 'vitest'
import { recordOfRun } from '../../controller/support/record.ts'
import type { Fault } from '../../support/fault-proxy/faults.ts'
import { startFaultProxy, type FaultProxy } from '../../support/fault-proxy/proxy.ts'
import { startLoop } from '../../support/loop.ts'
import { stateOf, unsettled, whenSettled } from '../../support/model.ts'
import { startWorld, type World } from '../../support/world.ts'
import { apart, expectNoAccident, ofTheLoop, scene, startOperatorAt, writes } from './support/site.ts'

/** What happens to a binding, in steps that each take several writes. */
const steps: readonly ((world: World) => Promise<unknown>)[] = [
  ({ put }) => put(apart('chat')),
  ({ put }) => put(apart('chat', 'other')),
]

type Way = { readonly world: World; readonly proxy: FaultProxy; readonly kubeconfig: string }

/** Runs the operator until all is done, or kills it when it is about to make one more write than it may. */
async function run({ world, proxy, kubeconfig }: Way, fault: Fault, mayWrite: number): Promise<boolean> {
  const ours = { method: writes, path: ofTheLoop }
  proxy.faults.inject({ ...ours, path: /dryRun=All/ }, unharmed, Infinity)
  proxy.faults.inject(ours, fault, mayWrite)
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
  return next.hits() > 0
}

const unharmed: Fault = { kind: 'slow', ms: 0 }

/** How often it was killed before all was done. */
async function runAndKill(way: Way): Promise<number> {
  // A process that only posts an event again, which is there already, gets nowhere: the next one may make one write more.
  let mayWrite = 1
  for (let killed = 0; ; killed += 1) {
    const before = await recordOfRun(way.world)
    // Every other process is killed before it hears the answer to its last write.
    if (!(await run(way, killed % 2 === 0 ? unharmed : { kind: 'lostResponse' }, mayWrite))) return killed
    mayWrite = isDeepStrictEqual(before, await recordOfRun(way.world)) ? mayWrite + 1 : 1
  }
}

async function arrange(stack: AsyncDisposableStack): Promise<Way> {
  const world = stack.use(await startWorld())
  for (const manifest of scene) await world.put(manifest)
  const proxy = await startFaultProxy(world.api)
  stack.defer(() => proxy.stop())
  return { world, proxy, kubeconfig: await proxy.kubeconfig(world.api.token) }
}

async function undisturbed(): Promise<readonly unknown[]> {
  await using stack = new AsyncDisposableStack()
  const { world, kubeconfig } = await arrange(stack)
  const loop = startLoop({ kubeconfig })
  stack.defer(() => loop.stop())
  const records: unknown[] = []
  for (const step of steps) {
    await step(world)
    await whenSettled(world)
    records.push(await recordOfRun(world))
  }
  return records
}

test('killed with -9 between any two writes, it settles as if nothing had happened', async () => {
  const expected = await undisturbed()
  await using stack = new AsyncDisposableStack()
  const way = await arrange(stack)
  for (const [index, step] of steps.entries()) {
    await step(way.world)
    // A step takes two writes or more, so at least one process is killed.
    expect(await runAndKill(way)).toBeGreaterThan(0)
    expect(await recordOfRun(way.world)).toEqual(expected[index])
  }
}, 170_000)
