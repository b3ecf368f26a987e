import { expect, test } from 'vitest'
import type { BindingKey } from '../../src/core/binding.ts'
import { Inventory } from '../../src/core/inventory.ts'
import { bindingResource, optionalResources, poolResources } from '../../src/core/resources.ts'
import { sliceMs } from '../../src/core/slices.ts'
import { systemTurns } from '../../src/kube/clock.ts'
import { Settling } from '../../src/operator/settling.ts'
import { binding, objective, pool, settings, upserted } from '../support/builders.ts'

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
  while (!inventory.isAllSettled) inventory.settle()
  const marked: BindingKey[] = []
  const waits = { turns: 0 }
  let now = 0
  const settling = new Settling({
    inventory,
    markLater: (keys) => void marked.push(...keys),
    turns: {
      now: () => (now += sliceMs / 4),
      next: async () => {
        waits.turns += 1
        await systemTurns.next()
      },
    },
    log: { error: () => undefined },
  })
  const change = (): void => {
    inventory.apply(upserted(pool({ selector: { matchLabels: { app: crypto.randomUUID() } } })))
    settling.goOn()
  }
  return { inventory, settling, marked, waits, change }
}

const keys = names.map((name): BindingKey => `default/${name}`)

test('what is left for later is worked off in slices, and marked', async () => {
  const { inventory, settling, marked, waits, change } = arrange()
  await settling.begin()
  change()
  expect(settling.settled('default', patient)).toBeInstanceOf(Promise)
  expect(settling.settled('other', patient)).toBe(undefined)
  await settling.settled('default', patient)
  expect(inventory.isAllSettled).toBe(true)
  await expect.poll(() => [...new Set(marked)]).toStrictEqual(keys)
  expect(waits.turns).toBeGreaterThanOrEqual(2)
})

test('nothing is worked off before it is begun, and all that there is once that is done', async () => {
  const { inventory, settling, marked, change } = arrange()
  change()
  await systemTurns.next()
  expect([inventory.isAllSettled, marked.length]).toStrictEqual([false, 0])
  await settling.begin()
  expect([inventory.isAllSettled, new Set(marked).size]).toStrictEqual([true, keys.length])
})

test('nothing may be decided while a list is being taken in', async () => {
  const { settling } = arrange()
  await settling.begin()
  const [pools = bindingResource] = poolResources
  settling.mixed(pools, true)
  settling.mixed(bindingResource, true)
  let isSettled = false
  const settled = settling.settled('default', patient)?.then(() => (isSettled = true))
  settling.mixed(pools, false)
  await systemTurns.next()
  expect(isSettled).toBe(false)
  settling.mixed(bindingResource, false)
  await settled
  expect(settling.settled('default', patient)).toBe(undefined)
})

test('who gives up waits no longer, and others still do', async () => {
  const { settling } = arrange()
  await settling.begin()
  settling.mixed(bindingResource, true)
  const hasty = new AbortController()
  let isSettled = false
  const others = settling.settled('default', patient)?.then(() => (isSettled = true))
  const waited = settling.settled('default', hasty.signal)
  hasty.abort()
  await waited
  expect(isSettled).toBe(false)
  await settling.settled('default', hasty.signal)
  settling.mixed(bindingResource, false)
  await others
})

test('marks that were put off give way to what is to be worked out', async () => {
  const { inventory, settling, marked, change } = arrange()
  await settling.begin()
  settling.markLater(Array.from({ length: 1000 }, (_, index): BindingKey => `far/${index}`))
  change()
  await settling.settled('default', patient)
  expect(inventory.isAllSettled).toBe(true)
  expect(marked.length).toBeLessThan(100)
})
