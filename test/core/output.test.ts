import { describe, expect, test } from 'vitest'
import {
  collisionKeyIn,
  decodeOutput,
  differencesIn,
  givesSameIdentity,
  type Output,
} from '../../src/core/clusterspiffeid.ts'
import { evaluate } from '../../src/core/evaluate.ts'
import type { JsonObject } from '../../src/core/json.ts'
import {
  binding,
  bindingIn,
  inventoryOf,
  objective,
  pool,
  poolOnly,
  renderedFrom,
} from '../support/builders.ts'
import type { Manifest } from '../support/vectors.ts'

const world = inventoryOf([pool(), objective(), binding(), poolOnly({ name: 'whole' })])
const wanted = renderedFrom(binding(), world)

type Live = { readonly metadata: JsonObject; readonly spec: JsonObject }

/** The wanted object as an API server has it. */
const live: Live = JSON.parse(
  JSON.stringify({ ...wanted, metadata: { ...wanted.metadata, uid: 'u', generation: 3 } }),
)

const withMetadata = (metadata: JsonObject): Live => ({
  ...live,
  metadata: { ...live.metadata, ...metadata },
})
const withSpec = (spec: JsonObject): Live => ({ ...live, spec: { ...live.spec, ...spec } })
const without = (object: JsonObject, name: string): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([key]) => key !== name))

const annotatedAs = (annotation: string, name: string): Output =>
  decodeOutput(withMetadata({ name, annotations: { 'kleym.sonda.red/binding': annotation } }))

describe('whose an object is', () => {
  const long = 'x'.repeat(60)

  test.each([
    ['default/chat', 'kleym-default-chat-objective-00000000', 'default/chat'],
    ['other/gone', 'kleym-other-gone-pool-deadbeef', 'other/gone'],
    ['other/Not_A_Name', 'kleym-other-not-a-name-pool-deadbeef', 'other/Not_A_Name'],
    ['no-slash', 'kleym-no-slash-pool-deadbeef', '/no-slash'],
    ['a/b/c', 'kleym-a-b-c-objective-deadbeef', 'a/b/c'],
    [`a/${long}`, `kleym-a-${long.slice(0, 63 - 8 - 14)}-pool-deadbeef`, `a/${long}`],
  ])('the annotation %j says it, under a name that the naming rule can make', (annotation, name, owner) => {
    expect(annotatedAs(annotation, name)).toMatchObject({ owner, annotated: true, copyOf: undefined })
  })

  test.each([
    ['default/chat', 'copy'],
    ['default/chat', 'kleym-default-chat'],
    ['default/chat', 'kleym-default-chat-objective-0000000g'],
    ['default/chat', 'kleym-default-chat-objective-000000001'],
    ['default/chat', 'my-kleym-default-chat-objective-00000000'],
    ['default/chat', 'kleym-default-chat-model-00000000'],
    ['other/one', 'kleym-default-chat-objective-00000000'],
  ])('what bears the annotation %j as %s is a copy, and nobody’s', (annotation, name) => {
    expect(annotatedAs(annotation, name)).toMatchObject({ owner: undefined, copyOf: annotation })
    expect(collisionKeyIn(annotatedAs(annotation, name))).toBeUndefined()
  })

  test('an object without annotation that the former operator did not write belongs to nobody', () => {
    const foreign = { metadata: { name: 'x', uid: 'u' }, spec: { spiffeIDTemplate: 'spiffe://d/a' } }
    expect(decodeOutput(foreign)).toMatchObject({ owner: undefined, annotated: false })
  })
})

const labels = {
  'kleym.sonda.red/managed-by': 'kleym',
  'kleym.sonda.red/binding-name': 'chat',
  'kleym.sonda.red/binding-namespace': 'default',
}

/** As the former operator writes it. */
const theirs: Live = {
  metadata: { name: 'kleym-default-chat-objective-0a1b2c3d', uid: 'u', labels },
  spec: { spiffeIDTemplate: 'spiffe://d/a', hint: 'default/chat' },
}
const named = (name: string): Live => ({ ...theirs, metadata: { ...theirs.metadata, name } })
const labelled = (more: JsonObject): Live => ({ ...theirs, metadata: { ...theirs.metadata, labels: more } })
const hinted = (hint: unknown): Live => ({ ...theirs, spec: { ...theirs.spec, hint } })

describe('what the former operator wrote', () => {
  test.each([
    ['PerObjective', theirs],
    ['PoolOnly', named('kleym-default-chat-pool-0a1b2c3d')],
    ['with labels and annotations beside', labelled({ ...labels, team: 'a' })],
  ])('%s is recognised, and not yet ours', (_title, object) => {
    expect(decodeOutput(object)).toMatchObject({ owner: 'default/chat', annotated: false })
  })

  test('with a name that had to be cut is recognised', () => {
    const name = 'x'.repeat(60)
    const object = {
      metadata: {
        name: `kleym-default-${name.slice(0, 63 - 14 - 14)}-pool-0a1b2c3d`,
        labels: { ...labels, 'kleym.sonda.red/binding-name': name },
      },
      spec: { hint: `default/${name}` },
    }
    expect(decodeOutput(object).owner).toBe(`default/${name}`)
  })

  test.each([
    ['no labels', labelled({})],
    ['labels that are none', labelled({ ...labels, 'kleym.sonda.red/managed-by': true })],
    ['no managed-by', labelled(without(labels, 'kleym.sonda.red/managed-by'))],
    ['another managed-by', labelled({ ...labels, 'kleym.sonda.red/managed-by': 'helm' })],
    ['no binding-name', labelled(without(labels, 'kleym.sonda.red/binding-name'))],
    ['another binding-name', labelled({ ...labels, 'kleym.sonda.red/binding-name': 'chat2' })],
    ['no binding-namespace', labelled(without(labels, 'kleym.sonda.red/binding-namespace'))],
    ['another binding-namespace', labelled({ ...labels, 'kleym.sonda.red/binding-namespace': 'other' })],
    ['no hint', { ...theirs, spec: without(theirs.spec, 'hint') }],
    ['the hint of another binding', hinted('default/chat2')],
    ['the hint of another namespace', hinted('other/chat')],
    ['a hint with a third part', hinted('default/chat/x')],
    ['a hint without a slash', hinted('default')],
    ['an empty hint', hinted('')],
    ['a hint that is half', hinted('/chat')],
    ['a hint that is no text', hinted({ default: 'chat' })],
    ['no suffix', named('kleym-default-chat')],
    ['no hash', named('kleym-default-chat-pool-')],
    ['a hash of seven', named('kleym-default-chat-pool-0a1b2c3')],
    ['a hash of nine', named('kleym-default-chat-pool-0a1b2c3d4')],
    ['a hash that is no hex', named('kleym-default-chat-pool-0a1b2c3g')],
    ['a hash in upper case', named('kleym-default-chat-pool-0A1B2C3D')],
    ['a hash and a line end', named('kleym-default-chat-pool-0a1b2c3d\n')],
    ['another suffix', named('kleym-default-chat-model-0a1b2c3d')],
    ['another base', named('kleym-default-chat2-pool-0a1b2c3d')],
    ['a longer base', named('kleym-default-chat-x-pool-0a1b2c3d')],
    ['something before the base', named('my-kleym-default-chat-pool-0a1b2c3d')],
  ])('what has %s is foreign', (_title, object) => {
    expect(decodeOutput(object)).toMatchObject({ owner: undefined, annotated: false })
  })
})

describe('drift', () => {
  const drifted = (object: unknown, stored?: JsonObject): boolean =>
    differencesIn(decodeOutput(object), wanted, stored).length > 0
  const labelsOfLive = wanted.metadata.labels

  test.each([
    ['what was rendered', live],
    [
      'the same in another order',
      { ...live, spec: Object.fromEntries(Object.entries(live.spec).toReversed()) },
    ],
    ['labels of others', withMetadata({ labels: { ...labelsOfLive, team: 'a' } })],
    [
      'annotations of others',
      withMetadata({ annotations: { ...wanted.metadata.annotations, 'argocd.argoproj.io/sync-wave': '1' } }),
    ],
    ['a status', { ...live, status: { stats: { podsSelected: 1 } } }],
  ])('%s is none', (_title, object) => {
    expect(drifted(object)).toBe(false)
  })

  test.each([
    ['admin', withSpec({ admin: true })],
    ['ttl', withSpec({ ttl: '1h' })],
    ['DNS names', withSpec({ dnsNameTemplates: ['x'] })],
    ['federation', withSpec({ federatesWith: ['other.org'] })],
    ['another ID', withSpec({ spiffeIDTemplate: 'spiffe://evil/x' })],
    ['a class', withSpec({ className: 'other' })],
    ['fallback', withSpec({ fallback: true })],
    ['a selector less', withSpec({ workloadSelectorTemplates: ['k8s:ns:default'] })],
    ['a pod selector', withSpec({ podSelector: { matchLabels: { app: 'chat' }, matchExpressions: [] } })],
    ['a null', withSpec({ admin: null })],
    ['no namespace selector', { ...live, spec: without(live.spec, 'namespaceSelector') }],
    ['no labels', withMetadata({ labels: undefined })],
    ['a label less', withMetadata({ labels: without(labelsOfLive, 'kleym.sonda.red/managed-by') })],
    ['a label changed', withMetadata({ labels: { ...labelsOfLive, 'kleym.sonda.red/binding-name': 'x' } })],
    ['an object not yet adopted', { ...live, metadata: { ...live.metadata, annotations: {} } }],
    ['a spec that is none', { ...live, spec: 'x' }],
  ])('%s is', (_title, object) => {
    expect(drifted(object)).toBe(true)
  })

  test.each([
    ['no class', undefined, undefined, { 'spire.spiffe.io/class-name': 'gpu' }],
    ['a class', 'gpu', { 'spire.spiffe.io/class-name': 'gpu' }, {}],
    [
      'another class',
      'gpu',
      { 'spire.spiffe.io/class-name': 'gpu' },
      { 'spire.spiffe.io/class-name': 'old' },
    ],
    ['a class that is no label value', 'a class', undefined, { 'spire.spiffe.io/class-name': 'a class' }],
  ])('the label of %s is as configured, and no other', (_title, className, shown, found) => {
    const classed = renderedFrom(binding(), inventoryOf([pool(), objective(), binding()], { className }))
    expect(classed.metadata.labels).toStrictEqual({ ...wanted.metadata.labels, ...shown })
    const there = (more: JsonObject): unknown => ({
      ...classed,
      metadata: { ...classed.metadata, labels: { ...wanted.metadata.labels, ...more } },
    })
    expect(differencesIn(decodeOutput(there(shown ?? {})), classed)).toStrictEqual([])
    expect(differencesIn(decodeOutput(there(found)), classed)).toStrictEqual([
      'metadata.labels[spire.spiffe.io/class-name]',
    ])
  })

  test('a field that an older CRD pruned from our last write is no drift; any other difference is', () => {
    const stored = without(without(live.spec, 'hint'), 'fallback')
    const pruned = { ...live, spec: stored }
    expect(drifted(pruned)).toBe(true)
    expect(drifted(pruned, stored)).toBe(false)
    expect(drifted({ ...pruned, spec: { ...stored, admin: true } }, stored)).toBe(true)
    expect(drifted({ ...pruned, metadata: { ...live.metadata, labels: {} } }, stored)).toBe(true)
    // A newer CRD stores everything that was sent, and that is no drift either.
    expect(drifted(live, stored)).toBe(false)
  })
})

const same = (object: unknown): boolean => givesSameIdentity(decodeOutput(object), wanted)

describe('the same identity', () => {
  test.each([
    ['another name', withMetadata({ name: 'x' })],
    ['another hint, ttl or class', withSpec({ hint: 'x', ttl: '1h', className: 'y' })],
  ])('is given under %s', (_title, object) => {
    expect(same(object)).toBe(true)
  })

  test.each([
    ['ID', withSpec({ spiffeIDTemplate: 'spiffe://d/x' })],
    ['workload selectors', withSpec({ workloadSelectorTemplates: [] })],
  ])('is not with another %s', (_title, object) => {
    expect(same(object)).toBe(false)
  })

  test('is without a namespace selector, which the former operator never writes', () => {
    expect(same(withSpec({ namespaceSelector: undefined }))).toBe(true)
  })
})

const keyIn = (object: unknown): string | undefined => collisionKeyIn(decodeOutput(object))
const outputOf = (one: Manifest): Output => decodeOutput(renderedFrom(one, world))

describe('the collision key that an output holds', () => {
  test('is that of its binding', () => {
    const { identity } = evaluate(bindingIn(world, binding()), world)
    expect(identity?.collisionKey).toBeTypeOf('string')
    expect(collisionKeyIn(outputOf(binding()))).toBe(identity?.collisionKey)
  })

  test('is none for PoolOnly', () => {
    expect(collisionKeyIn(outputOf(poolOnly({ name: 'whole' })))).toBeUndefined()
  })

  test.each([
    ['a foreign object', { ...live, metadata: { name: 'x' } }],
    ['selectors that are no list', withSpec({ workloadSelectorTemplates: 'k8s:ns:default' })],
    ['no namespace', withSpec({ workloadSelectorTemplates: ['k8s:container-name:main'] })],
    ['an unusable pod selector', withSpec({ podSelector: { matchLabels: {} } })],
    ['no spec', { metadata: live.metadata }],
  ])('is none for %s', (_title, object) => {
    expect(keyIn(object)).toBeUndefined()
  })
})
