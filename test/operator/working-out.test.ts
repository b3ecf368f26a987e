import { expect, test } from 'vitest'
import type { BindingKey } from '../../src/core/binding.ts'
import { Inventory } from '../../src/core/inventory.ts'
import {
  bindingResource,
  clusterSpiffeIdResource,
  optionalResources,
  poolResources,
} from '../../src/core/resources.ts'
import { sliceMs } from '../../src/core/slices.ts'
import { systemTurns } from '../../src/kube/clock.ts'
import { WorkingOut } from '../../src/operator/working-out.ts'
import { binding, objective, pool, settings, upserted } from '../support/builders.ts'
import { manualClock } from '../support/manual-clock.ts'

/** Of somebody who waits for as long as it takes. */
const patient = new AbortController().signal

const names = ['a', 'b', 'c', 'd']

/** A clock that each look moves by a quarter of a slice, so that two or three steps fill a slice. */
function arrange() {
  const inventory = new Inventory(settings, { atOnce: 0 })
  for (const resource of optionalResources) inventory.apply({ kind: 'served', resource, served: true })
  for (const object of [
    pool(),
    objective(),
    ...names.map((name) => binding({ name, spec: { containerName: name } })),
  ])
    inventory.apply(upserted(object))
  while (!inventory.isAllWorkedOut) inventory.workOutNext()
  const marked: BindingKey[] = []
  const waits = { turns: 0 }
  let now = 0
  const clock = manualClock()
  const said: string[] = []
  const note = (fields: object, message: string): void =>
    void said.push(`${JSON.stringify(fields)} ${message}`)
  const workingOut = new WorkingOut({
    inventory,
    markLater: (keys) => void marked.push(...keys),
    turns: {
      now: () => (now += sliceMs / 4),
      next: async () => {
        waits.turns += 1
        await systemTurns.next()
      },
    },
    clock,
    log: { error: () => undefined, warn: note, info: note },
  })
  const change = (): void => {
    inventory.apply(upserted(pool({ selector: { matchLabels: { app: crypto.randomUUID() } } })))
    workingOut.goOn()
  }
  return { inventory, workingOut, marked, waits, change, clock, said }
}

const keys = names.map((name): BindingKey => `default/${name}`)

test('what is left for later is worked off in slices, and marked', async () => {
  const { inventory, workingOut, marked, waits, change } = arrange()
  await workingOut.begin()
  change()
  expect(workingOut.whenDecidable('default', patient)).toBeInstanceOf(Promise)
  expect(workingOut.whenDecidable('other', patient)).toBe(undefined)
  await workingOut.whenDecidable('default', patient)
  expect(inventory.isAllWorkedOut).toBe(true)
  await expect.poll(() => [...new Set(marked)]).toStrictEqual(keys)
  expect(waits.turns).toBeGreaterThanOrEqual(2)
})

test('nothing is worked off before it is begun, and all that there is once that is done', async () => {
  const { inventory, workingOut, marked, change } = arrange()
  change()
  await systemTurns.next()
  expect([inventory.isAllWorkedOut, marked.length]).toStrictEqual([false, 0])
  await workingOut.begin()
  expect([inventory.isAllWorkedOut, new Set(marked).size]).toStrictEqual([true, keys.length])
})

test('nothing may be decided while a list is being taken in', async () => {
  const { workingOut } = arrange()
  await workingOut.begin()
  const [pools = bindingResource] = poolResources
  workingOut.mixed(pools, true)
  workingOut.mixed(bindingResource, true)
  let isDecidable = false
  const decidable = workingOut.whenDecidable('default', patient)?.then(() => (isDecidable = true))
  workingOut.mixed(pools, false)
  await systemTurns.next()
  expect(isDecidable).toBe(false)
  workingOut.mixed(bindingResource, false)
  await decidable
  expect(workingOut.whenDecidable('default', patient)).toBe(undefined)
})

test('a list of ClusterSPIFFEIDs holds up the loop, and no review', async () => {
  const { workingOut } = arrange()
  await workingOut.begin()
  workingOut.mixed(clusterSpiffeIdResource, true)
  expect(workingOut.whenReviewable('default', patient)).toBe(undefined)
  expect(workingOut.takingIn('review')).toBe(undefined)
  expect(workingOut.takingIn('loop')?.resource).toBe(clusterSpiffeIdResource)
  const decidable = workingOut.whenDecidable('default', patient)
  expect(decidable).toBeInstanceOf(Promise)
  workingOut.mixed(bindingResource, true)
  expect(workingOut.whenReviewable('default', patient)).toBeInstanceOf(Promise)
  expect(workingOut.takingIn('review')?.resource).toBe(bindingResource)
  workingOut.mixed(bindingResource, false)
  workingOut.mixed(clusterSpiffeIdResource, false)
  await decidable
})

test('a list that is not taken in for long is logged, once, and then that nobody waits for it any more', () => {
  const { workingOut, clock, said } = arrange()
  workingOut.mixed(bindingResource, true)
  clock.advance(5_000)
  workingOut.mixed(bindingResource, false)
  clock.advance(60_000)
  expect([said, clock.waits()]).toStrictEqual([[], []])
  workingOut.mixed(clusterSpiffeIdResource, true)
  clock.advance(60_000)
  const late = expect.stringMatching(/ClusterSPIFFEID.* has not been taken in whole yet/)
  expect(said).toStrictEqual([late])
  workingOut.mixed(clusterSpiffeIdResource, false)
  expect(said).toStrictEqual([late, expect.stringContaining('no longer waited for')])
})

test('a review waits for what is left for later', async () => {
  const { workingOut, inventory, change } = arrange()
  await workingOut.begin()
  change()
  await workingOut.whenReviewable('default', patient)
  expect(inventory.isAllWorkedOut).toBe(true)
})

test('who gives up waits no longer, and others still do', async () => {
  const { workingOut } = arrange()
  await workingOut.begin()
  workingOut.mixed(bindingResource, true)
  const hasty = new AbortController()
  let isDecidable = false
  const others = workingOut.whenDecidable('default', patient)?.then(() => (isDecidable = true))
  const waited = workingOut.whenDecidable('default', hasty.signal)
  hasty.abort()
  await waited
  expect(isDecidable).toBe(false)
  await workingOut.whenDecidable('default', hasty.signal)
  workingOut.mixed(bindingResource, false)
  await others
})

test('marks that were put off give way to what is to be worked out', async () => {
  const { inventory, workingOut, marked, change } = arrange()
  await workingOut.begin()
  workingOut.markLater(Array.from({ length: 1000 }, (_, index): BindingKey => `far/${index}`))
  change()
  await workingOut.whenDecidable('default', patient)
  expect(inventory.isAllWorkedOut).toBe(true)
  expect(marked.length).toBeLessThan(100)
})
