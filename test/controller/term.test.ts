import { expect, test, vi } from 'vitest'
import { startTerm } from '../../src/controller/term.ts'
import { UnshownOutputs } from '../../src/controller/unshown-outputs.ts'
import { Inventory } from '../../src/core/inventory.ts'
import type { Reply } from '../../src/core/objects.ts'
import { bindingResource } from '../../src/core/resources.ts'
import { systemTurns } from '../../src/kube/clock.ts'
import { createLog } from '../../src/log.ts'
import { WorkingOut } from '../../src/operator/working-out.ts'
import { binding, settings, upserted } from '../support/builders.ts'

test('a term ends although what decides about a binding is not known, and writes nothing', async () => {
  const log = createLog({ level: 'error', destination: { write: () => undefined } })
  const inventory = new Inventory(settings)
  inventory.apply({ kind: 'served', resource: bindingResource, served: true })
  inventory.apply(upserted(binding()))
  const workingOut = new WorkingOut({ inventory, markLater: () => undefined, turns: systemTurns, log })
  // A list has been cut short, and the API server that would go on with it is gone.
  workingOut.mixed(bindingResource, true)
  const whenDecidable = vi.fn<WorkingOut['whenDecidable']>((...asked) => workingOut.whenDecidable(...asked))
  const calls: string[] = []
  const called = (): Promise<Reply> => {
    calls.push('called')
    return Promise.resolve({ kind: 'absent' })
  }
  const term = startTerm({
    inventory,
    objects: {
      get: called,
      create: called,
      replace: called,
      replaceStatus: called,
      mergePatch: called,
      remove: called,
    },
    unshown: new UnshownOutputs(),
    departures: { trustDomains: [], classNames: [] },
    mayWrite: () => true,
    hindrance: () => undefined,
    whenDecidable,
    confirm: () => Promise.resolve(true),
    isSchemaFresh: () => false,
    workers: 1,
    turns: systemTurns,
    instance: 'test',
    log,
    observe: { outcome: () => undefined, run: () => undefined, write: () => undefined },
  })
  await vi.waitUntil(() => whenDecidable.mock.calls.length > 0)
  await term.end()
  expect(calls).toEqual([])
})

const patience = { timeout: 20_000, interval: 5 }

/** A term of 32 workers with so many bindings, and calls that are answered by one function. */
function startBusyTerm(bindings: number, answer: () => Promise<Reply>) {
  const log = createLog({ level: 'error', destination: { write: () => undefined } })
  const inventory = new Inventory(settings)
  inventory.apply({ kind: 'served', resource: bindingResource, served: true })
  for (let index = 0; index < bindings; index += 1)
    inventory.apply(upserted(binding({ name: `chat-${index}` })))
  let called = 0
  const call = (): Promise<Reply> => {
    called += 1
    return answer()
  }
  const term = startTerm({
    inventory,
    objects: {
      get: call,
      create: call,
      replace: call,
      replaceStatus: call,
      mergePatch: call,
      remove: call,
    },
    unshown: new UnshownOutputs(),
    departures: { trustDomains: [], classNames: [] },
    mayWrite: () => true,
    hindrance: () => undefined,
    whenDecidable: () => undefined,
    confirm: () => Promise.resolve(true),
    isSchemaFresh: () => false,
    workers: 32,
    turns: systemTurns,
    instance: 'test',
    log,
    observe: { outcome: () => undefined, run: () => undefined, write: () => undefined },
  })
  return { term, called: () => called }
}

test('no more runs are under way than the budget allows, and the term ends all the same', async () => {
  const never = Promise.withResolvers<Reply>()
  const { term, called } = startBusyTerm(100, () => never.promise)
  await vi.waitUntil(() => term.depth() > 0 && called() >= term.runsAllowed(), patience)
  const allowed = term.runsAllowed()
  expect(allowed).toBeLessThan(32)
  for (let turn = 0; turn < 100; turn += 1) await systemTurns.next()
  expect(called()).toBe(allowed)
  never.resolve({ kind: 'absent' })
  await term.end()
})

test('answers that come fast allow more runs', async () => {
  const { term } = startBusyTerm(1000, async () => {
    await systemTurns.next()
    return { kind: 'absent' }
  })
  const first = term.runsAllowed()
  await vi.waitUntil(() => term.runsAllowed() > first, patience)
  await term.end()
})
