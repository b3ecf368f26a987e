import { expect, test } from 'vitest'
import { editorsOf } from '../../src/controller/editors.ts'

const label = 'metadata.labels[kleym.sonda.red/managed-by]'

const live = {
  metadata: {
    managedFields: [
      {
        manager: 'kleym-operator',
        fieldsV1: {
          'f:spec': { 'f:hint': {}, 'f:podSelector': { 'f:matchLabels': {} } },
          'f:metadata': { 'f:labels': { 'f:kleym.sonda.red/managed-by': {} } },
        },
      },
      { manager: 'kubectl-edit', fieldsV1: { 'f:spec': { 'f:admin': {}, 'f:podSelector': {} } } },
      {
        manager: 'spire-controller-manager',
        subresource: 'status',
        fieldsV1: { 'f:spec': { 'f:hint': {} } },
      },
    ],
  },
}

test.each([
  [['spec.admin'], ['kubectl-edit'], false],
  [['spec.hint'], [], true],
  [['spec.hint', label], [], true],
  [['spec.hint', 'spec.admin'], ['kubectl-edit'], false],
  [['spec.podSelector'], ['kubectl-edit'], true],
  // What was taken away has nobody any more.
  [['spec.fallback'], [], false],
  [[], [], false],
])('%j was set by %j', (paths, others, areOurs) => {
  expect(editorsOf(live, paths)).toEqual({ others, areOurs })
})

test.each([
  {},
  { metadata: { managedFields: 'x' } },
  { metadata: { managedFields: [null, { fieldsV1: 7 }] } },
])('nothing is known from %j', (object) => {
  expect(editorsOf(object, ['spec.admin'])).toEqual({ others: [], areOurs: false })
})
