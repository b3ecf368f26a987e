import { expect, test } from 'vitest'
import { Inventory } from '../../src/core/inventory.ts'
import { bindingResource, poolResources } from '../../src/core/resources.ts'
import { systemTurns } from '../../src/kube/clock.ts'
import { Ledger, type ListedObject } from '../../src/kube/ledger.ts'
import { silent } from '../../src/kube/log.ts'
import type { KubeObject } from '../../src/kube/object.ts'
import { ignoranceOf, mixture } from '../../src/operator/knowledge.ts'
import { WorkingOut } from '../../src/operator/working-out.ts'
import { settings } from '../support/builders.ts'

/** A replica that knows everything, by a clock that stands still until it is moved. */
function arrange() {
  const clock = { ms: 0 }
  const workingOut = new WorkingOut({
    inventory: new Inventory(settings),
    markLater: () => undefined,
    turns: { ...systemTurns, now: () => clock.ms },
    log: { error: () => undefined },
  })
  const feed = {
    unsynced: () => [],
    halted: () => undefined,
    silence: () => 0,
    takingIn: () => workingOut.takingIn(),
  }
  return { clock, workingOut, feed }
}

const pool = (name: string): KubeObject => ({ metadata: { name, uid: name, resourceVersion: '1' } })

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
  expect([mixture(feed), ignoranceOf(feed)]).toStrictEqual([undefined, undefined])
  clock.ms += 25_000
  const words =
    'the list of inference.networking.k8s.io/v1/InferencePool that began 30 s ago has not been taken in whole yet'
  expect([mixture(feed), ignoranceOf(feed)]).toStrictEqual([words, `${words}; try again`])

  for (const steps = ledger.replacing(list()); !steps.next().done;);
  expect([mixture(feed), ignoranceOf(feed)]).toStrictEqual([undefined, undefined])
})

test('of several lists the one that lasts for longest is named', () => {
  const { clock, workingOut, feed } = arrange()
  workingOut.mixed(bindingResource, true)
  clock.ms += 20_000
  workingOut.mixed(pools, true)
  expect(mixture(feed)).toContain('InferenceIdentityBinding that began 20 s ago has not been taken in whole')
  workingOut.mixed(bindingResource, false)
  expect(mixture(feed)).toBe(undefined)
})
