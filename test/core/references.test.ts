import { describe, expect, test } from 'vitest'
import { binding, evaluationOf, findingsOf, objective, pool, poolOnly, without } from '../support/builders.ts'
import type { Manifest } from '../support/vectors.ts'

const good = [pool(), objective()]

const toPool = (poolRef: unknown): Manifest => poolOnly({ spec: { poolRef } })

const withPoolRef = (poolRef: unknown): readonly string[] =>
  findingsOf(binding(), [pool(), objective({ poolRef })])

describe('1 to 3: the pool', () => {
  test.each([
    [undefined, ['InvalidPoolRef spec.poolRef.name Required undefined']],
    [{}, ['InvalidPoolRef spec.poolRef.name Required undefined']],
    [{ name: null }, ['InvalidPoolRef spec.poolRef.name Required undefined']],
    [{ name: ' \t' }, ['InvalidPoolRef spec.poolRef.name Required ""']],
    [{ name: 7 }, ['InvalidPoolRef spec.poolRef.name Invalid 7']],
    [{ name: 'chat', group: 'apps' }, ['InvalidPoolRef spec.poolRef.group Invalid "apps"']],
    [{ name: 'chat', group: 7 }, ['InvalidPoolRef spec.poolRef.group Invalid 7']],
    [{ name: 'chat', group: 'llm-d.ai' }, ['InvalidPoolRef spec.poolRef.group Invalid "llm-d.ai"']],
    [
      { name: '', group: 'apps' },
      ['InvalidPoolRef spec.poolRef.name Required ""', 'InvalidPoolRef spec.poolRef.group Invalid "apps"'],
    ],
    [{ name: 'other' }, ['TargetPoolNotFound spec.poolRef.name NotFound "other"']],
    [{ name: 'no name/at all' }, ['TargetPoolNotFound spec.poolRef.name NotFound "no name/at all"']],
    [
      { name: 'chat', group: 'inference.networking.x-k8s.io' },
      ['TargetPoolNotFound spec.poolRef.name NotFound "chat"'],
    ],
  ])('%j', (poolRef, wanted) => {
    expect(findingsOf(toPool(poolRef), good)).toStrictEqual(wanted)
  })

  test('no served kind can hold it', () => {
    const crds = 'inferencepools.inference.networking.k8s.io, inferencepools.inference.networking.x-k8s.io'
    expect(findingsOf(toPool({ name: 'chat' }), good, without('InferencePool'))).toStrictEqual([
      `InferencePoolCRDMissing spec.poolRef NotFound "${crds}"`,
    ])
  })

  test('a pinned group that is not served is no missing pool', () => {
    const pinned = toPool({ name: 'chat', group: 'inference.networking.x-k8s.io' })
    expect(findingsOf(pinned, good, without('x-k8s.io'))).toStrictEqual([
      'InferencePoolCRDMissing spec.poolRef NotFound "inferencepools.inference.networking.x-k8s.io"',
    ])
  })

  test('one served kind of two that lacks the pool is a missing pool', () => {
    expect(findingsOf(toPool({ name: 'other' }), good, without('x-k8s.io'))).toStrictEqual([
      'TargetPoolNotFound spec.poolRef.name NotFound "other"',
    ])
  })

  test('a pool of another namespace is no pool', () => {
    expect(findingsOf(toPool({ name: 'chat' }), [pool({ namespace: 'other' })])).toStrictEqual([
      'TargetPoolNotFound spec.poolRef.name NotFound "chat"',
    ])
  })
})

describe('4 to 7: the objective', () => {
  test.each([
    [{}, ['InvalidObjectiveRef spec.objectiveRef.name Required undefined']],
    [{ name: ' ' }, ['InvalidObjectiveRef spec.objectiveRef.name Required ""']],
    [{ name: ['chat'] }, ['InvalidObjectiveRef spec.objectiveRef.name Invalid ["chat"]']],
    [{ name: 'chat', group: 'apps' }, ['InvalidObjectiveRef spec.objectiveRef.group Invalid "apps"']],
    [
      { name: '', group: 'apps' },
      [
        'InvalidObjectiveRef spec.objectiveRef.name Required ""',
        'InvalidObjectiveRef spec.objectiveRef.group Invalid "apps"',
      ],
    ],
    [undefined, ['MissingObjectiveRef spec.objectiveRef Required undefined']],
    [null, ['MissingObjectiveRef spec.objectiveRef Required undefined']],
    [{ name: 'other' }, ['TargetObjectiveNotFound spec.objectiveRef.name NotFound "other"']],
    [
      { name: 'chat', group: 'inference.networking.k8s.io' },
      ['TargetObjectiveNotFound spec.objectiveRef.name NotFound "chat"'],
    ],
  ])('%j', (objectiveRef, wanted) => {
    expect(findingsOf(binding({ spec: { objectiveRef } }), good)).toStrictEqual(wanted)
  })

  test('no served kind can hold it', () => {
    const crds = ['llm-d.ai', 'inference.networking.x-k8s.io', 'inference.networking.k8s.io']
      .map((group) => `inferenceobjectives.${group}`)
      .join(', ')
    expect(findingsOf(binding(), good, without('InferenceObjective'))).toStrictEqual([
      `InferenceObjectiveCRDMissing spec.objectiveRef NotFound "${crds}"`,
    ])
  })

  test('is not needed for PoolOnly, and is checked all the same if it is named', () => {
    const named = poolOnly({ spec: { objectiveRef: { name: 'other' } } })
    expect(findingsOf(poolOnly(), [pool()], without('InferenceObjective'))).toStrictEqual([])
    expect(findingsOf(named, good)).toStrictEqual([
      'TargetObjectiveNotFound spec.objectiveRef.name NotFound "other"',
    ])
  })
})

describe("8: the objective's own pool", () => {
  const stranger = ['InvalidObjectiveRef spec.objectiveRef.name Invalid "chat"']

  test.each([
    [null],
    ['chat'],
    [['chat']],
    [{}],
    [{ name: ' ' }],
    [{ name: 7 }],
    [{ name: 'other' }],
    [{ name: 'chat', group: 7 }],
    [{ name: 'chat', group: 'llm-d.ai' }],
    [{ name: 'chat', group: 'inference.networking.x-k8s.io' }],
    [{ name: 'chat', namespace: 7 }],
    [{ name: 'chat', namespace: 'other' }],
    [{ name: 'chat', namespace: ' default' }],
    [{ name: 'chat', kind: 7 }],
    [{ name: 'chat', kind: 'Service' }],
    [{ name: 'chat', kind: 'InferencePool ' }],
    [{ name: 'chat', kind: 'inferencepool' }],
  ])('%j is not this pool', (poolRef) => {
    expect(withPoolRef(poolRef)).toStrictEqual(stranger)
  })

  test.each([
    [{ name: ' chat ' }],
    [{ name: 'chat', group: ' inference.networking.k8s.io ' }],
    [{ name: 'chat', group: '', namespace: '', kind: '' }],
    [{ name: 'chat', group: null, namespace: null, kind: null }],
    [{ name: 'chat', namespace: 'default', kind: 'InferencePool', port: 8000 }],
  ])('%j is', (poolRef) => {
    expect(withPoolRef(poolRef)).toStrictEqual([])
  })

  test('the group of an objective never steers which pool is used', () => {
    const pools = [pool(), pool({ group: 'inference.networking.x-k8s.io' })]
    const one = objective({ poolRef: { name: 'chat', group: 'inference.networking.x-k8s.io' } })
    const pinned = binding({ spec: { poolRef: { name: 'chat', group: 'inference.networking.x-k8s.io' } } })
    expect(findingsOf(binding(), [...pools, one])).toStrictEqual(stranger)
    expect(findingsOf(pinned, [...pools, one])).toStrictEqual([])
  })

  test('the first served group that has an objective of that name is the one', () => {
    const first = objective({ group: 'llm-d.ai', poolRef: { name: 'other' } })
    const second = objective({ group: 'inference.networking.x-k8s.io' })
    expect(findingsOf(binding(), [pool(), first, second])).toStrictEqual(stranger)
    expect(findingsOf(binding(), [pool(), first, second], without('llm-d.ai'))).toStrictEqual([])
  })
})

describe('what is missing is missed in the group that the reference names', () => {
  const group = 'inference.networking.k8s.io'
  const install = 'install the Inference(?:Pool|Objective) CustomResourceDefinition of [^;,]*'

  test.each([
    [toPool({ name: 'chat' }), without('InferencePool'), install],
    [toPool({ name: 'chat', group }), without('InferencePool'), `${install}, or correct spec.poolRef.group`],
    [binding(), without('InferenceObjective'), install],
    [
      binding({ spec: { objectiveRef: { name: 'chat', group } } }),
      without('InferenceObjective'),
      `${install}, or correct spec.objectiveRef.group`,
    ],
    [toPool({ name: 'other' }), undefined, 'create the pool or correct the name'],
    [toPool({ name: 'other', group }), undefined, 'create the pool, or correct the name or the group'],
    [
      binding({ spec: { objectiveRef: { name: 'other' } } }),
      undefined,
      'create the objective or correct the name',
    ],
    [
      binding({ spec: { objectiveRef: { name: 'chat', group } } }),
      undefined,
      'create the objective, or correct the name or the group',
    ],
  ])('%j', (one, served, fix) => {
    const { findings } = evaluationOf(one, good, served && { served })
    expect(findings).toMatchObject([{ message: expect.stringMatching(new RegExp(`; ${fix}$`, 'v')) }])
  })
})
