import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { advise } from '../../src/core/advice.ts'
import type { BindingKey } from '../../src/core/binding.ts'
import type { Change } from '../../src/core/change.ts'
import type { Output } from '../../src/core/clusterspiffeid.ts'
import { evaluate } from '../../src/core/evaluate.ts'
import type { Finding } from '../../src/core/findings.ts'
import { Inventory } from '../../src/core/inventory.ts'
import { canonical } from '../../src/core/json.ts'
import { byBytes } from '../../src/core/names.ts'
import { planOf } from '../../src/core/plan.ts'
import { gvk, optionalResources } from '../../src/core/resources.ts'
import { bindings, foundation, objectives, outputs, pools } from '../support/arbitraries.ts'
import { removed, settings, upserted } from '../support/builders.ts'

const manifests = fc.oneof(
  { weight: 4, arbitrary: bindings },
  { weight: 3, arbitrary: pools },
  { weight: 3, arbitrary: objectives },
  { weight: 2, arbitrary: outputs },
)

const changes: fc.Arbitrary<Change> = fc.oneof(
  { weight: 12, arbitrary: manifests.map(upserted) },
  { weight: 5, arbitrary: manifests.map(removed) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('served'),
      resource: fc.constantFrom(...optionalResources),
      served: fc.boolean(),
    }),
  },
)

const histories = fc.array(changes, { minLength: 10, maxLength: 40 })

/** A cluster that serves everything, with a pool and an objective that most references lead to. */
const beginning: readonly Change[] = [
  ...optionalResources.map((resource): Change => ({ kind: 'served', resource, served: true })),
  ...foundation.map(upserted),
]

/** What a change is about. Of two changes about the same, the later one counts. */
function subjectOf(change: Change): string {
  switch (change.kind) {
    case 'served':
      return gvk(change.resource)
    case 'removed':
      return canonical([gvk(change.resource), change.namespace, change.name])
    case 'upserted': {
      const { metadata } = JSON.parse(JSON.stringify(change.object))
      return canonical([gvk(change.resource), metadata.namespace ?? '', metadata.name])
    }
  }
}

/** The last change of each subject, in an order that does not depend on the history. */
const finalState = (history: readonly Change[]): readonly Change[] =>
  [...new Map(history.map((change) => [subjectOf(change), change]))]
    .toSorted(([one], [other]) => byBytes(one, other))
    .map(([, change]) => change)

function inventoryAfter(history: readonly Change[]): Inventory {
  const inventory = new Inventory(settings)
  for (const change of history) inventory.apply(change)
  return inventory
}

/** An output without what a status of SPIRE Controller Manager changes, to which the loop does not react. */
const reactedTo = ({ resourceVersion: _version, stats: _stats, ...rest }: Output) => rest

/** Everything that reconciling a key asks an inventory, as one text. */
function answersFor(inventory: Inventory, key: BindingKey): string {
  const binding = inventory.binding(key)
  const owned = inventory
    .outputsOf(key)
    .map(reactedTo)
    .toSorted((one, other) => byBytes(one.name, other.name))
  // For a binding that is being deleted only the outputs count that are still to be deleted.
  if (!binding || binding.deleting) return canonical({ binding, owned })
  const evaluation = evaluate(binding, inventory)
  const plan = planOf(binding, evaluation, inventory.settings)
  const there = plan.kind === 'render' ? inventory.output(plan.wanted.metadata.name) : undefined
  const inThePlace = there && reactedTo(there)
  const collisionKey = evaluation.identity?.collisionKey
  if (collisionKey === undefined) return canonical({ binding, owned, evaluation, plan, inThePlace })
  const rivals = inventory.outputsServing(collisionKey, key).map(({ name }) => name)
  return canonical({
    binding,
    owned,
    evaluation,
    plan,
    inThePlace,
    rivals: rivals.toSorted(byBytes),
    holders: [...inventory.holders(collisionKey)].map(({ name }) => name).toSorted(byBytes),
  })
}

/** The advice of admission on a binding. A change of advice is no reason to reconcile the binding again. */
function adviceFor(inventory: Inventory, key: BindingKey): readonly Finding[] {
  const binding = inventory.binding(key)
  return binding ? advise(binding, evaluate(binding, inventory), inventory) : []
}

const answers = (inventory: Inventory): ReadonlyMap<BindingKey, string> =>
  new Map([...inventory.keys()].toSorted(byBytes).map((key) => [key, answersFor(inventory, key)]))

test('after any history an inventory answers like a new one that is given the last state alone', () => {
  fc.assert(
    fc.property(histories, (history) => {
      const whole = [...beginning, ...history]
      const [lived, born] = [inventoryAfter(whole), inventoryAfter(finalState(whole))]
      expect(answers(lived)).toStrictEqual(answers(born))
      for (const key of lived.keys()) expect(adviceFor(lived, key)).toStrictEqual(adviceFor(born, key))
    }),
    { numRuns: 300 },
  )
})

test('each binding whose evaluation differs after a change is among those that the change concerns', () => {
  fc.assert(
    fc.property(histories, (history) => {
      const inventory = inventoryAfter(beginning)
      let before = answers(inventory)
      for (const change of history) {
        const told = inventory.apply(change)
        const after = answers(inventory)
        const changed = new Set([...before.keys(), ...after.keys()]).difference(told)
        expect([...changed].filter((key) => before.get(key) !== after.get(key))).toStrictEqual([])
        before = after
      }
    }),
    { numRuns: 300 },
  )
})

test('an object that is told of again, unchanged, changes no answer', () => {
  fc.assert(
    fc.property(histories, manifests, (history, manifest) => {
      const inventory = inventoryAfter([...beginning, ...history, upserted(manifest)])
      const before = answers(inventory)
      inventory.apply(upserted(manifest))
      expect(answers(inventory)).toStrictEqual(before)
    }),
  )
})

const namespaceOf = (key: BindingKey): string => key.slice(0, key.indexOf('/'))

test('once a namespace is worked out all its stakes are known, and the bindings concerned are returned then', () => {
  const steps = fc.array(fc.tuple(changes, fc.nat({ max: 3 })), { minLength: 10, maxLength: 40 })
  let left = 0
  fc.assert(
    fc.property(steps, fc.nat({ max: 1 }), (history, atOnce) => {
      const [eager, lazy] = [new Inventory(settings), new Inventory(settings, { atOnce })]
      let before = answers(eager)
      const untold = new Set<BindingKey>()
      const learn = (change: Change): ReadonlySet<BindingKey> => {
        eager.apply(change)
        return lazy.apply(change)
      }
      const settle = (): void => {
        for (const key of lazy.workOutNext() ?? []) untold.delete(key)
      }
      for (const change of beginning) learn(change)
      for (const [change, settled] of history) {
        const told = learn(change)
        const after = answers(eager)
        for (const key of new Set([...before.keys(), ...after.keys()]))
          if (before.get(key) !== after.get(key)) untold.add(key)
        for (const key of told) untold.delete(key)
        before = after
        for (let step = 0; step < settled; step++) settle()
        if (!lazy.isAllWorkedOut) left += 1
        const wrong = [...after]
          .filter(([key, answer]) => lazy.isWorkedOut(namespaceOf(key)) && answersFor(lazy, key) !== answer)
          .map(([key]) => key)
        expect(wrong).toStrictEqual([])
      }
      while (!lazy.isAllWorkedOut) settle()
      expect(answers(lazy)).toStrictEqual(before)
      expect([...untold]).toStrictEqual([])
    }),
    { numRuns: 200 },
  )
  expect(left).toBeGreaterThan(100)
})
