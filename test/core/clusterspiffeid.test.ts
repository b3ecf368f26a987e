import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { render } from '../../src/core/clusterspiffeid.ts'
import { composeIdentity, spiffeId, type Identity } from '../../src/core/identity.ts'
import { isDns1123Label, isNonEmptyLabelValue } from '../../src/core/names.ts'
import { outputName } from '../../src/core/output-name.ts'
import { podLabels } from '../../src/core/selectors.ts'
import { dnsLabels, labels, subdomains } from '../support/arbitraries.ts'
import { settings } from '../support/builders.ts'

const sha1 = (text: string): string => createHash('sha1').update(text).digest('hex').slice(0, 8)

const id = 'spiffe://example.org/ns/default/pool/chat'
const [plain, told] = [sha1(id), (key: string): string => sha1(`${id}\n${key}`)]

const nameOf = (name: string, namespace = 'default', mode: Identity['mode'] = 'PoolOnly'): string =>
  outputName({ namespace, name }, { mode, spiffeId: id })

/** How many characters a name has left beside `-pool-` and the hash. */
const room = 63 - '-pool-'.length - 8

describe('the name of an output', () => {
  test('is its binding, its mode and the hash of its ID, where nothing had to be changed', () => {
    expect(nameOf('chat')).toBe(`kleym-default-chat-pool-${plain}`)
    expect(nameOf('chat', 'default', 'PerObjective')).toBe(`kleym-default-chat-objective-${plain}`)
  })

  const fitting = 'x'.repeat(room - 'kleym-default-'.length)

  test.each([
    ['dots become dashes', 'a.b', 'kleym-default-a-b'],
    ['a run of them becomes one', 'a.-b--c', 'kleym-default-a-b-c'],
    ['upper case becomes lower case', 'Chat', 'kleym-default-chat'],
    ['dashes at the end go', 'chat-', 'kleym-default-chat'],
    ['one too long is cut', `${fitting}y`, `kleym-default-${fitting}`],
    ['a dash where it is cut goes', `${fitting.slice(1)}-y`, `kleym-default-${fitting.slice(1)}`],
    ['a dot where it is cut goes', `${fitting.slice(1)}.y`, `kleym-default-${fitting.slice(1)}`],
  ])('%s, and the hash takes the binding in', (_title, name, base) => {
    expect(nameOf(name)).toBe(`${base}-pool-${told(`default/${name}`)}`)
  })

  test('of just the length that fits is not cut', () => {
    expect(nameOf(fitting)).toBe(`kleym-default-${fitting}-pool-${plain}`)
    expect(nameOf(fitting)).toHaveLength(63)
  })

  test('leaves less room for PerObjective', () => {
    const name = nameOf(fitting, 'default', 'PerObjective')
    expect(name).toHaveLength(63)
    expect(name.endsWith(`-objective-${told(`default/${fitting}`)}`)).toBe(true)
  })

  test('tells bindings apart whose names look the same once cut', () => {
    const long = 'x'.repeat(200)
    const namesakes = ['a.b', 'a-b', 'a..b', `${long}1`, `${long}2`].map((name) => nameOf(name))
    expect(new Set(namesakes).size).toBe(namesakes.length)
  })

  test('tells bindings apart whose namespace and name meet at another dash', () => {
    const [one, other] = [['x', 'a-b'] as const, ['x-a', 'b'] as const].map(([namespace, name]) =>
      outputName(
        { namespace, name },
        { mode: 'PoolOnly', spiffeId: spiffeId('d', namespace, 'PoolOnly', 'p') },
      ),
    )
    expect(one).not.toBe(other)
  })

  test('is a DNS-1123 label for every binding that can exist', () => {
    fc.assert(
      fc.property(
        dnsLabels,
        subdomains,
        fc.constantFrom('PoolOnly', 'PerObjective'),
        (namespace, name, mode) => {
          expect(nameOf(name, namespace, mode)).toSatisfy(isDns1123Label)
        },
      ),
    )
  })
})

const identity = composeIdentity({
  namespace: 'default',
  mode: 'PerObjective',
  spiffeId: 'spiffe://example.org/ns/default/objective/chat',
  poolGroup: 'inference.networking.k8s.io',
  serviceAccountName: 'server',
  pods: podLabels({ app: 'chat' }),
  container: 'main',
})

const labelOf = (name: string): string | undefined =>
  render({ namespace: 'default', name }, identity, settings).metadata.labels['kleym.sonda.red/binding-name']

describe('what is rendered', () => {
  test('is this and nothing else', () => {
    const { metadata, ...rest } = render({ namespace: 'default', name: 'chat' }, identity, settings)
    expect(rest).toStrictEqual({
      apiVersion: 'spire.spiffe.io/v1alpha1',
      kind: 'ClusterSPIFFEID',
      spec: {
        spiffeIDTemplate: 'spiffe://example.org/ns/default/objective/chat',
        podSelector: { matchLabels: { app: 'chat' } },
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'default' } },
        workloadSelectorTemplates: [
          'k8s:container-name:main',
          'k8s:ns:default',
          'k8s:pod-label:app:chat',
          'k8s:sa:server',
        ],
        fallback: false,
        hint: 'default/chat',
      },
    })
    expect(metadata).toStrictEqual({
      name: `kleym-default-chat-objective-${sha1(identity.spiffeId)}`,
      labels: {
        'kleym.sonda.red/managed-by': 'kleym',
        'kleym.sonda.red/binding-name': 'chat',
        'kleym.sonda.red/binding-namespace': 'default',
      },
      annotations: { 'kleym.sonda.red/binding': 'default/chat' },
    })
  })

  test('has a class only where one is configured', () => {
    const { spec } = render({ namespace: 'default', name: 'chat' }, identity, {
      ...settings,
      className: 'gpu',
    })
    expect(spec).toHaveProperty('className', 'gpu')
  })

  test('a label has room for 63 characters of a name, and of a longer one the start and a hash', () => {
    const [fits, long] = ['x'.repeat(63), 'x'.repeat(64)]
    expect(labelOf(fits)).toBe(fits)
    expect(labelOf(long)).toBe(`${'x'.repeat(54)}-${sha1(long)}`)
    expect(labelOf(`${long}y`)).not.toBe(labelOf(`${long}z`))
  })

  test('is valid, and no template, for every name and label', () => {
    fc.assert(
      fc.property(dnsLabels, subdomains, labels, (namespace, name, some) => {
        const parts = {
          namespace,
          mode: 'PerObjective',
          container: 'main',
          pods: podLabels(some),
          poolGroup: 'g',
        } as const
        const one = composeIdentity({ ...parts, spiffeId: id, serviceAccountName: name })
        const output = render({ namespace, name }, one, settings)
        expect(JSON.stringify(output)).not.toContain('{{')
        expect(
          Object.values(output.metadata.labels).filter((label) => !isNonEmptyLabelValue(label)),
        ).toStrictEqual([])
      }),
    )
  })
})
