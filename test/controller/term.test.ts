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
