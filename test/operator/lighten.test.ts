import { expect, test } from 'vitest'
import { poolResources, objectiveResources, bindingResource } from '../../src/core/resources.ts'
import { lighten } from '../../src/operator/lighten.ts'

const metadata = { name: 'chat', namespace: 'serving', uid: 'u', resourceVersion: '7' }
const managed = { ...metadata, managedFields: [{ manager: 'helm' }], labels: { team: 'a' } }
const selector = { matchLabels: { app: 'chat' } }
const untouched = { intern: () => {} }

test.each([
  ['a pool', poolResources, { selector, targetPorts: [{ number: 8000 }] }, { selector }],
  [
    'an objective',
    objectiveResources,
    { poolRef: { name: 'chat' }, priority: 1 },
    { poolRef: { name: 'chat' } },
  ],
])('of %s no more is kept than decides', (_title, resources, spec, kept) => {
  for (const resource of resources)
    expect(lighten(resource, { metadata: managed, spec, status: { parents: [] } }, untouched)).toEqual({
      metadata,
      spec: kept,
    })
})

test('a binding is kept as it is, and shares what others have', () => {
  const binding = { metadata: managed, spec: { mode: 'PoolOnly' }, status: { conditions: [] } }
  const shared: unknown[] = []
  expect(lighten(bindingResource, binding, { intern: (object) => shared.push(object) })).toBe(binding)
  expect(shared).toEqual([binding])
})
