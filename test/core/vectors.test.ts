import { describe, expect, test } from 'vitest'
import { decodeBinding } from '../../src/core/binding.ts'
import { render } from '../../src/core/clusterspiffeid.ts'
import { evaluate } from '../../src/core/evaluate.ts'
import { rules } from '../../src/core/findings.ts'
import type { Inventory } from '../../src/core/inventory.ts'
import { judge } from '../../src/core/verdict.ts'
import { bindingIn, inventoryOf } from '../support/builders.ts'
import {
  admissionCases,
  reconcileCases,
  servedIn,
  type Manifest,
  type ReconcileCase,
} from '../support/vectors.ts'

const inventoryFor = (
  one: Pick<
    ReconcileCase,
    'trustDomain' | 'className' | 'binding' | 'pools' | 'objectives' | 'otherBindings' | 'served'
  >,
): Inventory =>
  inventoryOf([...one.pools, ...one.objectives, ...one.otherBindings, one.binding], {
    trustDomain: one.trustDomain,
    className: one.className || undefined,
    served: servedIn(one),
  })

const settle = (manifest: Manifest, inventory: Inventory): unknown => {
  const binding = bindingIn(inventory, manifest)
  const { findings, identity } = evaluate(binding, inventory)
  const [first] = findings
  if (first)
    return {
      ready: 'False',
      condition: rules[first.rule].condition,
      reason: rules[first.rule].reason,
      message: first.message,
    }
  if (!identity) throw new Error('neither a finding nor an identity')
  const { metadata, spec } = render(binding, identity, inventory.settings)
  return JSON.parse(
    JSON.stringify({
      ready: 'True',
      condition: 'Ready',
      reason: 'Reconciled',
      spiffeID: spec['spiffeIDTemplate'],
      selectors: spec['workloadSelectorTemplates'],
      podSelector: spec['podSelector'],
      namespaceSelector: spec['namespaceSelector'],
      clusterSPIFFEIDName: metadata.name,
      labels: metadata.labels,
      hint: spec['hint'],
      className: spec['className'],
    }),
  )
}

describe('the worked cases, by the pure core', () => {
  test.each(reconcileCases)('$id $title', (one) => {
    const inventory = inventoryFor(one)
    const { otherExpect = {}, admission: _, ...expected } = one.expect
    expect(settle(one.binding, inventory)).toMatchObject(expected)
    for (const [name, wanted] of Object.entries(otherExpect)) {
      const other = one.otherBindings.find(({ metadata }) => metadata.name === name)
      expect(other && settle(other, inventory)).toMatchObject(wanted)
    }
  })

  test.each(admissionCases)('$id $title', (one) => {
    const { findings } = evaluate(decodeBinding(one.binding), inventoryFor(one))
    expect(judge(findings, [], {}).verdict !== 'deny').toBe(one.expect.admitted)
  })

  const stored = admissionCases.filter(({ expect: { stored: fields } }) => fields !== undefined)
  test.each(stored)('$id $title: defaults are read as they are stored', (one) => {
    expect(decodeBinding(one.binding).spec).toMatchObject(one.expect.stored ?? {})
  })
})
