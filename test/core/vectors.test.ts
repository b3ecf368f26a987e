import { describe, expect, test } from 'vitest'
import { bindingKey, decodeBinding } from '../../src/core/binding.ts'
import { render } from '../../src/core/clusterspiffeid.ts'
import { evaluate } from '../../src/core/evaluate.ts'
import { rules } from '../../src/core/findings.ts'
import { Inventory } from '../../src/core/inventory.ts'
import { judge } from '../../src/core/verdict.ts'
import {
  admissionCases,
  reconcileCases,
  resourceOf,
  servedIn,
  type Manifest,
  type ReconcileCase,
  type Settled,
} from '../support/vectors.ts'

const inventoryOf = (
  one: Pick<
    ReconcileCase,
    'trustDomain' | 'className' | 'binding' | 'pools' | 'objectives' | 'otherBindings' | 'served'
  >,
): Inventory => {
  const inventory = new Inventory({ trustDomain: one.trustDomain, className: one.className || undefined })
  for (const resource of servedIn(one)) inventory.apply({ kind: 'served', resource, served: true })
  for (const object of [...one.pools, ...one.objectives, ...one.otherBindings, one.binding])
    inventory.apply({ kind: 'upserted', resource: resourceOf(object), object })
  return inventory
}

const settle = (manifest: Manifest, inventory: Inventory): Settled => {
  const binding = inventory.binding(bindingKey(manifest.metadata.namespace ?? '', manifest.metadata.name))
  if (!binding) throw new Error('the binding is not in the inventory')
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
  ) as Settled
}

describe('the worked cases, by the pure core', () => {
  test.each(reconcileCases)('$id $title', (one) => {
    const inventory = inventoryOf(one)
    const { otherExpect = {}, ...expected } = one.expect
    expect(settle(one.binding, inventory)).toMatchObject(expected)
    for (const other of one.otherBindings) {
      const wanted = otherExpect[other.metadata.name]
      if (wanted) expect(settle(other, inventory)).toMatchObject(wanted)
    }
  })

  test.each(admissionCases)('$id $title', (one) => {
    const { findings } = evaluate(decodeBinding(one.binding), inventoryOf(one))
    expect(judge(findings, [], {}).verdict !== 'deny').toBe(one.expect.admitted)
  })
})
