import { expect, test } from 'vitest'
import { Inventory } from '../../src/core/inventory.ts'
import { bindingResource, clusterSpiffeIdResource, poolResources } from '../../src/core/resources.ts'
import { systemTurns } from '../../src/kube/clock.ts'
import { Ledger, type ListedObject } from '../../src/kube/ledger.ts'
import { silent } from '../../src/kube/log.ts'
import type { KubeObject } from '../../src/kube/object.ts'
import { ignoranceOf, listsCheck } from '../../src/operator/knowledge.ts'
import { WorkingOut, type Waiting } from '../../src/operator/working-out.ts'
import { settings } from '../support/builders.ts'
import { manualClock } from '../support/manual-clock.ts'

/** A replica that knows everything, by a clock that stands still until it is moved. */
function arrange() {
  const clock = { ms: 0 }
  const workingOut = new WorkingOut({
    inventory: new Inventory(settings),
    markLater: () => undefined,
    turns: { ...systemTurns, now: () => clock.ms },
    clock: manualClock(),
    log: { error: () => undefined, warn: () => undefined, info: () => undefined },
  })
  const feed = {
    unsynced: () => [],
    halted: () => undefined,
    silence: () => 0,
    takingIn: (waiting: Waiting) => workingOut.takingIn(waiting),
  }
  return { clock, workingOut, feed }
}

const pool = (name: string): KubeObject => ({ metadata: { name, uid: name, resourceVersion: '1' } })

const fine = { name: 'lists', problem: undefined }

const [pools = bindingResource] = poolResources

test('a list that was cut short is named, by readiness and to whoever waits for a decision, until the next is there', () => {
  const { clock, workingOut, feed } = arrange()
  const handler = {
    upserted: () => undefined,
    removed: () => undefined,
    synced: () => undefined,
    mixed: (isMixed: boolean) => workingOut.mixed(pools, isMixed),
  }
  const ledger = new Ledger(handler, silent)
  const list = (): ReadonlyMap<string, ListedObject> =>
    new Map(['a', 'b'].map((name) => ledger.listed(pool(name))))

  // The connection breaks off after the first object.
  ledger.replacing(list()).next()
  clock.ms += 5000
  expect([listsCheck(feed), ignoranceOf(feed)]).toStrictEqual([fine, undefined])
  clock.ms += 25_000
  const words =
    'the list of inference.networking.k8s.io/v1/InferencePool that began 30 s ago has not been taken in whole yet'
  expect([listsCheck(feed), ignoranceOf(feed)]).toStrictEqual([
    { name: 'lists', problem: words },
    `${words}; try again`,
  ])

  for (const steps = ledger.replacing(list()); !steps.next().done;);
  expect([listsCheck(feed), ignoranceOf(feed)]).toStrictEqual([fine, undefined])
})

test('of several lists the one that lasts for longest is named', () => {
  const { clock, workingOut, feed } = arrange()
  workingOut.mixed(bindingResource, true)
  clock.ms += 20_000
  workingOut.mixed(pools, true)
  expect(listsCheck(feed).problem).toContain(
    'InferenceIdentityBinding that began 20 s ago has not been taken in whole',
  )
  workingOut.mixed(bindingResource, false)
  expect(listsCheck(feed)).toStrictEqual(fine)
})

test('a list of ClusterSPIFFEIDs that hangs is named, and neither readiness nor a review depends on it', () => {
  const { clock, workingOut, feed } = arrange()
  workingOut.mixed(clusterSpiffeIdResource, true)
  clock.ms += 5000
  expect(listsCheck(feed)).toStrictEqual(fine)
  clock.ms += 25_000
  const hangs = {
    name: 'lists',
    problem: expect.stringContaining('ClusterSPIFFEID that began 30 s ago has not been taken in whole'),
    informs: true,
  }
  expect([listsCheck(feed), ignoranceOf(feed)]).toStrictEqual([hangs, undefined])
  workingOut.mixed(bindingResource, true)
  clock.ms += 5000
  expect(listsCheck(feed)).toMatchObject({ informs: true })
  clock.ms += 25_000
  expect(listsCheck(feed)).toStrictEqual({
    name: 'lists',
    problem: expect.stringContaining('InferenceIdentityBinding that began 30 s ago'),
  })
})
