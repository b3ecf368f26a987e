import { describe, expect, test } from 'vitest'
import { merged, repairOf } from '../../src/controller/repair.ts'
import { differencesIn, decodeOutput } from '../../src/core/clusterspiffeid.ts'
import type { JsonObject } from '../../src/core/json.ts'
import { binding, inventoryOf, objective, pool, renderedFrom } from '../support/builders.ts'

const wanted = renderedFrom(binding(), inventoryOf([pool(), objective(), binding()], { className: 'gpu' }))
const label = 'spire.spiffe.io/class-name'

const live = (
  metadata: JsonObject,
  spec: JsonObject,
  managedFields: readonly JsonObject[] = [],
): JsonObject => ({
  ...wanted,
  metadata: { ...wanted.metadata, uid: 'u', ...metadata, managedFields },
  spec: { ...wanted.spec, ...spec },
})
const by = (manager: string, ...names: readonly string[]): JsonObject => ({
  manager,
  fieldsV1: { 'f:spec': Object.fromEntries(names.map((name) => [`f:${name}`, {}])) },
})
const said = (className?: string): JsonObject => ({
  conditions: [{ type: 'Ready', status: 'True' }],
  trustDomain: 'example.org',
  clusterSPIFFEIDClassName: className,
})
const shown = { ...said('gpu'), renderedClusterSPIFFEID: { uid: 'u' } }
const classless = renderedFrom(binding(), inventoryOf([pool(), objective(), binding()]))
const unlabelled = { labels: classless.metadata.labels }

describe('an object that differs was', () => {
  test.each([
    ['adopted: it never was ours', live({ annotations: {} }, {}), said('gpu'), 'adopted', []],
    ['repaired: its annotation was taken away', live({ annotations: {} }, {}), shown, 'repaired', []],
    [
      'repaired: somebody set a field',
      live({}, { admin: true }, [by('x', 'admin')]),
      shown,
      'repaired',
      ['x'],
    ],
    ['repaired: somebody took a field away', live({}, { hint: undefined }), shown, 'repaired', []],
    [
      'changed: we set what we no longer want',
      live({}, { ttl: '1h' }, [by('kleym-operator', 'ttl')]),
      shown,
      'changed',
      [],
    ],
    [
      'repaired: we and somebody',
      live({}, { ttl: '1h', admin: true }, [by('kleym-operator', 'ttl'), by('x', 'admin')]),
      shown,
      'repaired',
      ['x'],
    ],
    ['changed: there was no class before', live({}, { className: undefined }), said(), 'changed', []],
    ['changed: an earlier version set no such label', live(unlabelled, {}), shown, 'changed', []],
    [
      'repaired: another class is shown',
      live({ labels: { ...wanted.metadata.labels, [label]: 'x' } }, {}),
      shown,
      'repaired',
      [],
    ],
  ] as const)('%s', (_title, object, status, action, editors) => {
    const fields = differencesIn(decodeOutput(object), wanted)
    expect(fields).not.toEqual([])
    expect(repairOf({ status }, wanted, object, fields)).toMatchObject({ action, fields, by: editors })
  })
})

test('a repair keeps what others wrote, except the label of another class', () => {
  const object = live(
    { labels: { team: 'a', [label]: 'gpu' }, annotations: { note: 'b' }, resourceVersion: '7' },
    { admin: true },
  )
  expect(merged(object, classless)).toMatchObject({
    metadata: {
      labels: { team: 'a', ...classless.metadata.labels },
      annotations: { note: 'b', ...classless.metadata.annotations },
      resourceVersion: '7',
    },
    spec: classless.spec,
  })
  expect(merged(object, classless)).not.toHaveProperty(['metadata', 'labels', label])
  expect(merged(object, classless)).not.toHaveProperty(['spec', 'admin'])
})
