import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { render } from '../../src/core/clusterspiffeid.ts'
import { evaluate } from '../../src/core/evaluate.ts'
import { fixesOf, rules } from '../../src/core/findings.ts'
import type { Inventory } from '../../src/core/inventory.ts'
import { planOf, type Plan } from '../../src/core/plan.ts'
import { optionalResources } from '../../src/core/resources.ts'
import { bindings, foundation, hostileJson, objectives, pools, spoilt } from '../support/arbitraries.ts'
import { inventoryOf } from '../support/builders.ts'

const serveds = fc.oneof(
  { weight: 4, arbitrary: fc.constant(optionalResources) },
  { weight: 1, arbitrary: fc.subarray([...optionalResources]) },
)

/** Small worlds in which names meet, so that bindings are ready, broken and in each other's way. */
const worlds: fc.Arbitrary<Inventory> = fc
  .tuple(
    fc.array(pools, { maxLength: 4 }),
    fc.array(objectives, { maxLength: 4 }),
    fc.array(bindings, { minLength: 1, maxLength: 8 }),
    serveds,
  )
  .map(([somePools, someObjectives, someBindings, served]) =>
    inventoryOf([...foundation, ...somePools, ...someObjectives, ...someBindings], { served }),
  )

const plansIn = (world: Inventory): readonly Plan[] =>
  world
    .bindings()
    .filter(({ deleting }) => !deleting)
    .map((one) => planOf(one, evaluate(one, world), world.settings))
    .toArray()

const isRendered = (plan: Plan): plan is Extract<Plan, { kind: 'render' }> => plan.kind === 'render'

test('what admission finds first is what the loop reports, and nothing found is rendered', () => {
  fc.assert(
    fc.property(worlds, (world) => {
      for (const one of world.bindings()) {
        const evaluation = evaluate(one, world)
        const plan = planOf(one, evaluation, world.settings)
        const [first] = evaluation.findings
        const identity = evaluation.identity
        expect(plan).toStrictEqual(
          first
            ? { kind: 'withdraw', outcome: { kind: 'failed', rule: first.rule, message: first.message } }
            : { kind: 'render', identity, wanted: identity && render(one, identity, world.settings) },
        )
      }
    }),
    { numRuns: 300 },
  )
})

test('findings come in the order of the contract, and say where, what and what to do', () => {
  const order = Object.keys(rules)
  fc.assert(
    fc.property(worlds, (world) => {
      for (const one of world.bindings()) {
        const { findings } = evaluate(one, world)
        const ranks = findings.map(({ rule }) => order.indexOf(rule))
        expect(ranks).toStrictEqual(ranks.toSorted((a, b) => a - b))
        // The message of a collision is a format of its own.
        for (const { field, message, rule } of findings.filter(({ cause }) => cause !== 'Duplicate')) {
          expect(field).toMatch(/^spec(?:\.|$)/)
          expect(
            message.startsWith(field) && fixesOf(rules[rule]).some((fix) => message.endsWith(`; ${fix}`)),
          ).toBe(true)
        }
      }
    }),
  )
})

test('two bindings are never both ready with one container of one set of pods', () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const taken = plansIn(world)
        .filter(isRendered)
        .filter(({ identity }) => identity.mode === 'PerObjective')
        .map(({ wanted }) =>
          JSON.stringify([wanted.spec['namespaceSelector'], wanted.spec['workloadSelectorTemplates']]),
        )
      expect(new Set(taken).size).toBe(taken.length)
    }),
    { numRuns: 500 },
  )
})

test('a collision is between all of its members, each naming the others', () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const live = [...world.bindings()].filter(({ deleting }) => !deleting)
      for (const one of live) {
        const { findings, identity } = evaluate(one, world)
        const key = identity?.collisionKey
        const peers = live.filter(
          (other) =>
            other !== one && key !== undefined && evaluate(other, world).identity?.collisionKey === key,
        )
        const named = findings
          .find(({ rule }) => rule === 'identityCollision')
          ?.message.match(/bindings (.*?):/)?.[1]
        expect(named).toBe(
          peers.length === 0
            ? undefined
            : peers
                .map(({ name }) => name)
                .toSorted()
                .join(', '),
        )
      }
    }),
  )
})

test('two outputs never have one name', () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const outputNames = plansIn(world)
        .filter(isRendered)
        .map(({ wanted }) => wanted.metadata.name)
      expect(new Set(outputNames).size).toBe(outputNames.length)
    }),
  )
})

test('nothing that is rendered is a Go template, whatever the manifests say', () => {
  const name = fc.constantFrom('a', '{{.}}', '{{ .PodMeta.Namespace }}')
  const hostile = fc.tuple(spoilt(bindings), spoilt(pools), spoilt(objectives), name, hostileJson)
  fc.assert(
    fc.property(hostile, worlds, ([oneBinding, onePool, oneObjective, text, json], world) => {
      const objects = [
        oneBinding,
        onePool,
        oneObjective,
        json,
        { metadata: { name: text, namespace: text }, spec: json },
      ]
      for (const resource of optionalResources)
        for (const object of objects) world.apply({ kind: 'upserted', resource, object })
      for (const { wanted } of plansIn(world).filter(isRendered))
        expect(JSON.stringify(wanted)).not.toContain('{{')
    }),
    { numRuns: 300 },
  )
})
