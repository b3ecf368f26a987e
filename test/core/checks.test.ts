import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/core/json.ts'
import {
  binding,
  evaluationOf,
  findingsOf,
  objective,
  pool,
  poolOnly,
  reasonsOf,
  without,
} from '../support/builders.ts'

const good = [pool(), objective()]

describe('a binding with nothing wrong', () => {
  test.each([
    ['PerObjective', binding()],
    ['PoolOnly', poolOnly()],
    ['PoolOnly with an objective', poolOnly({ spec: { objectiveRef: { name: 'chat' } } })],
    ['an absent mode', binding({ spec: { mode: undefined } })],
    ['an empty mode', binding({ spec: { mode: '' } })],
    ['null groups and an empty one', binding({ spec: { poolRef: { name: 'chat', group: null } } })],
    ['names in white space', binding({ spec: { poolRef: { name: ' chat\n', group: ' ' } } })],
    ['a null container in PoolOnly', poolOnly({ spec: { containerName: null } })],
  ])('%s: no finding, and an identity', (_title, one) => {
    const { findings, identity } = evaluationOf(one, good)
    expect({ findings, hasIdentity: identity !== undefined }).toStrictEqual({
      findings: [],
      hasIdentity: true,
    })
  })
})

describe('9 to 13: the selector and the rest of the spec', () => {
  test('9: an unusable selector is a fault of the pool that the binding names', () => {
    expect(findingsOf(poolOnly(), [pool({ selector: {} })])).toStrictEqual([
      'InvalidPoolSelector spec.poolRef.name Invalid "chat"',
    ])
  })

  test.each([
    ['inference.networking.k8s.io/v1', { matchLabels: { app: 'chat' } }, 'in spec.selector.matchLabels or'],
    [
      'inference.networking.x-k8s.io/v1alpha2',
      { app: 'chat' },
      'in group inference.networking.x-k8s.io, right in spec.selector',
    ],
  ])('9: the fix names the shape of a pool in %s, and that shape is one', (apiVersion, selector, where) => {
    const [unsafe] = evaluationOf(poolOnly(), [{ ...pool({ selector: {} }), apiVersion }]).findings
    expect(unsafe?.message).toContain(where)
    expect(findingsOf(poolOnly(), [{ ...pool({ selector }), apiVersion }])).toStrictEqual([])
  })

  test.each([['poolonly'], ['PoolOnly '], ['Both'], [7], [false], [[]], [{ PoolOnly: true }]])(
    '10: the mode %j is neither',
    (mode) => {
      expect(findingsOf(binding({ spec: { mode } }), good)).toStrictEqual([
        `UnsupportedMode spec.mode Invalid ${JSON.stringify(mode)}`,
      ])
    },
  )

  test.each([
    [undefined],
    [null],
    [''],
    [' '],
    [' server'],
    ['Server'],
    ['a_b'],
    ['-a'],
    ['a'.repeat(254)],
    [7],
  ])('11: the service account %j is none', (serviceAccountName) => {
    const value = JSON.stringify(serviceAccountName ?? undefined)
    const cause = (serviceAccountName ?? undefined) === undefined ? 'Required' : 'Invalid'
    expect(findingsOf(poolOnly({ spec: { serviceAccountName } }), good)).toStrictEqual([
      `InvalidServiceAccountName spec.serviceAccountName ${cause} ${value}`,
    ])
  })

  test.each([
    [undefined, 'Required'],
    [null, 'Required'],
    ['', 'Invalid'],
    [' ', 'Invalid'],
    ['main ', 'Invalid'],
    ['Main', 'Invalid'],
    ['a.b', 'Invalid'],
    ['a'.repeat(64), 'Invalid'],
    [7, 'Invalid'],
    [{}, 'Invalid'],
  ])('12: the container %j is none for PerObjective (%s)', (containerName, cause) => {
    const value = JSON.stringify(containerName ?? undefined)
    expect(findingsOf(binding({ spec: { containerName } }), good)).toStrictEqual([
      `InvalidContainerName spec.containerName ${cause} ${value}`,
    ])
  })

  test.each([[''], [' '], ['main'], [7], [{}], [false]])(
    '13: the container %j is one too many',
    (containerName) => {
      expect(findingsOf(poolOnly({ spec: { containerName } }), good)).toStrictEqual([
        `UnexpectedContainerName spec.containerName Forbidden ${JSON.stringify(containerName)}`,
      ])
    },
  )

  const unquoted = ': YAML needs quotes around such a name;'

  test.each([
    ['serviceAccountName', 1234, `1234 is not a string${unquoted}`],
    ['serviceAccountName', false, `false is not a string${unquoted}`],
    ['serviceAccountName', ['a'], '[…] is not a string;'],
    ['serviceAccountName', 'A', '"A" is not a DNS-1123 subdomain;'],
    ['containerName', true, `true is not a string${unquoted}`],
    ['containerName', {}, '{…} is not a string;'],
    ['containerName', 'A', '"A" is not a DNS-1123 label;'],
  ])('the message on %s %j does not blame the spelling of what is no string', (field, value, words) => {
    const [found] = evaluationOf(binding({ spec: { [field]: value } }), good).findings
    expect(found).toMatchObject({
      value,
      message: expect.stringContaining(`spec.${field} ${words} name the `),
    })
  })

  test.each(['poolRef', 'objectiveRef'])('nor does that on the name in %s', (field) => {
    const [found] = evaluationOf(binding({ spec: { [field]: { name: 7 } } }), good).findings
    expect(found?.message).toContain(`spec.${field}.name 7 is not a string${unquoted} name an Inference`)
  })
})

describe('15 and 17', () => {
  test('15: an ID over 2,048 bytes', () => {
    const trustDomain = 'd'.repeat(1800)
    const name = 'n'.repeat(253)
    const others = [pool({ name })]
    const one = poolOnly({ spec: { poolRef: { name } } })
    const [finding] = evaluationOf(one, others, { trustDomain }).findings
    expect(finding).toMatchObject({ rule: 'invalidSpiffeId', field: 'spec.poolRef.name', cause: 'Invalid' })
  })

  test('17: needs nothing and comes last', () => {
    const csid = 'ClusterSPIFFEIDCRDMissing spec NotFound "clusterspiffeids.spire.spiffe.io"'
    const served = without('ClusterSPIFFEID')
    expect(findingsOf(binding(), good, served)).toStrictEqual([csid])
    expect(findingsOf(poolOnly({ spec: { poolRef: {} } }), good, served).at(-1)).toBe(csid)
    expect(findingsOf(binding({ name: 'a' }), [...good, binding({ name: 'b' })], served)).toStrictEqual([
      'IdentityCollision spec.containerName Duplicate "main"',
      csid,
    ])
  })
})

describe('all failures are reported, in the order of the contract, and none whose needs fail', () => {
  const everythingMissing: JsonObject = {
    poolRef: undefined,
    objectiveRef: undefined,
    mode: undefined,
    serviceAccountName: undefined,
    containerName: undefined,
  }
  const unsafe = pool({ selector: {} })
  const strange = objective({ poolRef: { name: 'other' } })

  test.each([
    [
      'an empty spec',
      binding({ spec: everythingMissing }),
      [],
      ['InvalidPoolRef', 'MissingObjectiveRef', 'InvalidServiceAccountName', 'InvalidContainerName'],
    ],
    [
      'references that lead nowhere',
      binding({ spec: { poolRef: { name: 'x' }, objectiveRef: { name: 'y' }, serviceAccountName: '' } }),
      [unsafe, strange],
      ['TargetPoolNotFound', 'TargetObjectiveNotFound', 'InvalidServiceAccountName'],
    ],
    [
      'a bad pool, a bad objective, a bad container',
      binding({ spec: { containerName: '' } }),
      [unsafe, strange],
      ['InvalidObjectiveRef', 'InvalidPoolSelector', 'InvalidContainerName'],
    ],
    [
      'a strange mode says nothing about the container',
      binding({ spec: { mode: 'x', containerName: '' } }),
      good,
      ['UnsupportedMode'],
    ],
    [
      'an objective is not held against a pool that is not there',
      binding(),
      [strange],
      ['TargetPoolNotFound'],
    ],
    [
      'a missing objective hides a collision, not the selector',
      binding({ spec: { objectiveRef: { name: 'x' } } }),
      [unsafe, binding({ name: 'peer', spec: { objectiveRef: { name: 'x' } } })],
      ['TargetObjectiveNotFound', 'InvalidPoolSelector'],
    ],
    [
      'PoolOnly with a container and a bad objective',
      poolOnly({ spec: { containerName: 'main', objectiveRef: {} } }),
      good,
      ['InvalidObjectiveRef', 'UnexpectedContainerName'],
    ],
  ])('%s', (_title, one, others, wanted) => {
    expect(reasonsOf(evaluationOf(one, others))).toStrictEqual(wanted)
  })
})
