import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeBinding, isSameWish } from '../../src/core/binding.ts'
import {
  collisionKeyIn,
  decodeOutput,
  differencesIn,
  givesSameIdentity,
} from '../../src/core/clusterspiffeid.ts'
import { statusOf, summaryIn } from '../../src/core/conditions.ts'
import { evaluate, type Evaluation } from '../../src/core/evaluate.ts'
import { causeWords, explain } from '../../src/core/findings.ts'
import type { Inventory } from '../../src/core/inventory.ts'
import { sameJson } from '../../src/core/json.ts'
import { planOf } from '../../src/core/plan.ts'
import { allResources, clusterSpiffeIdResource, optionalResources } from '../../src/core/resources.ts'
import { judge } from '../../src/core/verdict.ts'
import { bindings, deep, hostileJson, objectives, pools, spoilt } from '../support/arbitraries.ts'
import { binding, inventoryOf, objective, pool, renderedFrom } from '../support/builders.ts'

const now = new Date('2026-01-01T12:00:00Z')
const good = [pool(), objective(), binding()]
const wanted = renderedFrom(binding(), inventoryOf(good))

/** Puts a binding through all functions of the core, and returns the results that must agree. */
function putThrough(
  object: unknown,
  world: Inventory,
): { readonly evaluation: Evaluation; readonly ready: boolean } {
  const one = decodeBinding(object)
  const evaluation = evaluate(one, world)
  const { settings } = world
  const plan = planOf(one, evaluation, settings)
  const outcome =
    plan.kind === 'render'
      ? { kind: 'ready' as const, identity: plan.identity, output: { name: plan.wanted.metadata.name } }
      : plan.outcome
  const status = statusOf(outcome, { settings, generation: one.generation, previous: one.status, now })
  expect(summaryIn(status)?.condition === 'Ready').toBe(evaluation.findings.length === 0)
  expect(sameJson(status, one.status)).toBe(false)
  expect(isSameWish(one, decodeBinding(object))).toBe(true)
  for (const finding of evaluation.findings) {
    expect(`${finding.field}: ${causeWords(finding)}: ${explain(finding)}`.length).toBeLessThan(40_000)
    expect(finding.message.isWellFormed()).toBe(true)
  }
  return { evaluation, ready: plan.kind === 'render' }
}

describe('any JSON', () => {
  const anything = fc.oneof(hostileJson, fc.jsonValue({ maxDepth: 6 }))

  test('as a binding gets an evaluation, an outcome and a status', () => {
    const world = inventoryOf(good)
    fc.assert(
      fc.property(fc.oneof(anything, spoilt(bindings)), (object) => {
        const { evaluation, ready } = putThrough(object, world)
        const { findings, identity } = evaluation
        expect(ready).toBe(findings.length === 0)
        expect(ready && identity === undefined).toBe(false)
      }),
      { numRuns: 1000 },
    )
  })

  test('as a pool, an objective, a peer or an output leaves every other binding with an evaluation', () => {
    const strangers = fc.record({
      resource: fc.constantFrom(...allResources),
      object: fc.oneof(anything, spoilt(fc.oneof(bindings, pools, objectives))),
    })
    fc.assert(
      fc.property(
        fc.array(strangers, { maxLength: 4 }),
        spoilt(pools),
        spoilt(objectives),
        (some, onePool, oneObjective) => {
          const world = inventoryOf(good)
          for (const { resource, object } of some) world.apply({ kind: 'upserted', resource, object })
          for (const resource of optionalResources) {
            if (resource.kind === 'InferencePool')
              world.apply({ kind: 'upserted', resource, object: onePool })
            if (resource.kind === 'InferenceObjective')
              world.apply({ kind: 'upserted', resource, object: oneObjective })
          }
          putThrough(binding(), world)
          for (const there of world.bindings()) evaluate(there, world)
          for (const key of world.keys()) expect(world.outputsOf(key)).toBeInstanceOf(Array)
        },
      ),
      { numRuns: 500 },
    )
  })

  test('as an output is compared with what should be there', () => {
    fc.assert(
      fc.property(anything, anything, (object, spec) => {
        const outputs = [object, { spec }, { metadata: object, spec }, { ...wanted, spec }].map(decodeOutput)
        for (const output of outputs) {
          expect(differencesIn(output, wanted)).not.toEqual([])
          expect(givesSameIdentity(output, wanted)).toBe(false)
          expect(collisionKeyIn(output)).toBeUndefined()
        }
      }),
    )
  })
})

describe('JSON that is nested deeper than any recursion goes', () => {
  const depth = 100_000
  const shapes = [deep('[', ']', depth), deep('{"a":', '}', depth), deep('{"spec":', '}', depth)]

  test.each(['poolRef', 'objectiveRef', 'mode', 'serviceAccountName', 'containerName'])(
    'as the %s of a binding is a finding with a short message',
    (field) => {
      const world = inventoryOf(good)
      for (const value of shapes) {
        const { findings } = evaluate(decodeBinding(binding({ spec: { [field]: value } })), world)
        expect(findings.map(({ message }) => message.length).filter((length) => length > 300)).toStrictEqual(
          [],
        )
        expect(findings.length).toBeGreaterThan(0)
        expect(judge(findings, findings, {}).verdict).toBe('warn')
      }
    },
  )

  test('as an object of any kind leaves every other binding with its evaluation', () => {
    for (const object of [...shapes, ...shapes.map((spec) => ({ metadata: { name: 'x' }, spec }))])
      for (const resource of allResources) {
        const world = inventoryOf(good)
        world.apply({ kind: 'upserted', resource, object })
        expect(putThrough(binding(), world).ready).toBe(true)
      }
  })

  test('as the selector of a pool or the poolRef of an objective is a finding', () => {
    for (const value of shapes) {
      expect(putThrough(binding(), inventoryOf([pool({ selector: value }), objective()])).ready).toBe(false)
      expect(putThrough(binding(), inventoryOf([pool(), objective({ poolRef: value })])).ready).toBe(false)
    }
  })

  test('as an output, deeper than any CRD lets through, can be compared', () => {
    const list = deep('[', ']', 1000)
    const output = decodeOutput({ ...wanted, spec: { ...wanted.spec, podSelector: list } })
    expect(differencesIn(output, wanted)).not.toEqual([])
    const world = inventoryOf(good)
    for (const generation of [1, 2])
      world.apply({
        kind: 'upserted',
        resource: clusterSpiffeIdResource,
        object: { metadata: { name: 'x', generation }, spec: { podSelector: list } },
      })
    expect(world.output('x')?.generation).toBe(2)
  })
})
