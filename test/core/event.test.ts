import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { eventAbout, type EventParts } from '../../src/core/event.ts'
import { isDns1123Subdomain } from '../../src/core/names.ts'
import { bindingResource, secretResource } from '../../src/core/resources.ts'

const longestSuffix = 'f'.repeat(52)

const event = ({ name = 'chat', ...parts }: Partial<EventParts> & { readonly name?: string } = {}) =>
  eventAbout({
    regarding: { resource: bindingResource, namespace: 'default', name, uid: 'u1' },
    type: 'Warning',
    reason: 'Retrying',
    note: 'the connection was lost',
    suffix: 'abc',
    now: new Date('2026-06-01T12:00:00.125Z'),
    instance: 'pod-1',
    ...parts,
  })

test('an Event is as events.k8s.io/v1 wants it', () => {
  expect(event()).toEqual({
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: 'chat.abc', namespace: 'default' },
    eventTime: '2026-06-01T12:00:00.125000Z',
    reportingController: 'kleym-operator',
    reportingInstance: 'pod-1',
    action: 'Retrying',
    reason: 'Retrying',
    type: 'Warning',
    note: 'the connection was lost',
    regarding: {
      apiVersion: 'kleym.sonda.red/v1alpha1',
      kind: 'InferenceIdentityBinding',
      namespace: 'default',
      name: 'chat',
      uid: 'u1',
    },
  })
})

test('an object of the core group is named without a group', () => {
  const regarding = { resource: secretResource, namespace: 'default', name: 'tls' }
  expect(event({ regarding })['regarding']).toEqual({
    apiVersion: 'v1',
    kind: 'Secret',
    namespace: 'default',
    name: 'tls',
  })
})

describe('the API server accepts', () => {
  const names = fc.stringMatching(/^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$/).filter(isDns1123Subdomain)

  test.for(['a'.repeat(253), `${'a'.repeat(199)}.b`, `${'a'.repeat(198)}-.b`.replace('-.', '--')])(
    'the name of an Event about %s',
    (name) => expect(event({ name, suffix: longestSuffix }).metadata.name).toSatisfy(isDns1123Subdomain),
  )

  test('the name of an Event about any object', () => {
    fc.assert(
      fc.property(names, (name) => isDns1123Subdomain(event({ name, suffix: longestSuffix }).metadata.name)),
    )
  })

  test('any note, of which nothing but the end is lost', () => {
    const units = fc.constantFrom('a', 'é', '€', '😀')
    fc.assert(
      fc.property(fc.array(units, { minLength: 250, maxLength: 1030 }), (characters) => {
        const full = characters.join('')
        const note = String(event({ note: full })['note'])
        const isCut = note.endsWith('…')
        expect(isCut).toBe(Buffer.byteLength(full) > 1024)
        expect(full.startsWith(isCut ? note.slice(0, -1) : full)).toBe(true)
        // A character has four bytes at most, and the ellipsis three.
        const [least, most] = isCut ? [1024 - 6, 1024] : [Buffer.byteLength(full), Buffer.byteLength(full)]
        expect(Buffer.byteLength(note)).toBeGreaterThanOrEqual(least)
        expect(Buffer.byteLength(note)).toBeLessThanOrEqual(most)
      }),
    )
  })
})
