import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeBinding } from '../../src/core/binding.ts'
import { evaluate } from '../../src/core/evaluate.ts'
import { rules, type Finding } from '../../src/core/findings.ts'
import type { Settings } from '../../src/core/identity.ts'
import { decodePod, type PodList } from '../../src/core/pods.ts'
import { adviseOnPods, tellsOfAll, workloadRules } from '../../src/core/workloads.ts'
import {
  binding,
  clusterSpiffeId,
  inventoryOf,
  objective,
  pool,
  poolOnly,
  told,
} from '../support/builders.ts'
import { podObject, type PodOptions } from '../support/pods.ts'
import type { Manifest } from '../support/vectors.ts'

type Given = Partial<Settings> & {
  readonly pods?: readonly PodOptions[]
  readonly complete?: boolean
  readonly others?: readonly Manifest[]
}

const listOf = (pods: readonly PodOptions[], complete = true): PodList => ({
  complete,
  pods: pods.flatMap((one) => decodePod(podObject(one)) ?? []),
})

function adviceOn(
  one: Manifest,
  { pods = [], complete, others = [], ...settings }: Given,
): readonly Finding[] {
  const inventory = inventoryOf([pool(), objective(), ...others], settings)
  const decoded = decodeBinding(one)
  const { identity } = evaluate(decoded, inventory)
  if (!identity) throw new Error(`${decoded.name} stands for nothing`)
  const list = listOf(pods, complete)
  return adviseOnPods(decoded, identity, {
    list,
    fallbacks: inventory.fallbacks(),
    settings: inventory.settings,
  })
}

const given = (one: Manifest, from: Given): readonly string[] => adviceOn(one, from).map(told)
const messages = (one: Manifest, from: Given): readonly string[] =>
  adviceOn(one, from).map(({ message }) => message)

const noAccount = 'NoSuchServiceAccount spec.serviceAccountName NotFound "server"'
const noContainer = 'NoSuchContainer spec.containerName NotFound "main"'

describe('a service account', () => {
  test('that no pod of the pool runs as is warned of, with the accounts that they run as', () => {
    const pods = [{ account: 'b' }, { account: 'a' }, { account: 'b' }]
    for (const one of [binding(), poolOnly()]) {
      expect(given(one, { pods })).toEqual([noAccount])
      expect(messages(one, { pods })).toEqual([
        expect.stringContaining('no pod of the pool runs as it, of 3 that are there; they run as "a", "b"; '),
      ])
    }
  })

  test('that one pod among others runs as is enough', () => {
    expect(given(poolOnly(), { pods: [{ account: 'a' }, {}] })).toEqual([])
  })

  test('that a pod does not name is the default one', () => {
    expect(messages(poolOnly(), { pods: [{ account: undefined }] })).toEqual([
      expect.stringContaining('they run as "default"; '),
    ])
  })

  test('that is wrong is told with at most ten of the accounts that pods run as', () => {
    const pods = Array.from({ length: 11 }, (_, index) => ({ account: `a${index}` }))
    expect(messages(poolOnly(), { pods })).toEqual([
      expect.stringMatching(/run as ("a\d+", ){9}"a\d" and others; /),
    ])
  })
})

describe('a container', () => {
  test('that no pod of the pool has is warned of, with the containers that they have', () => {
    const pods = [{ containers: ['vllm'] }, { containers: ['vllm', 'proxy'] }]
    expect(given(binding(), { pods })).toEqual([noContainer])
    expect(messages(binding(), { pods })).toEqual([
      expect.stringContaining('of 2 that run as "server"; they have "proxy", "vllm"; '),
    ])
  })

  test('of a pod under another account does not count', () => {
    const pods = [{ account: 'other' }, { containers: ['vllm'] }]
    expect(given(binding(), { pods })).toEqual([noContainer])
  })

  test('that no pod has under any account is told beside the account that none runs as', () => {
    const pods = [
      { account: 'a', containers: ['vllm'], initContainers: ['ini'] },
      { account: 'b', containers: ['z'] },
    ]
    expect(given(binding(), { pods })).toEqual([noAccount, noContainer])
    expect(messages(binding(), { pods })).toContainEqual(
      expect.stringContaining(
        'no pod of the pool has it, of 2 that are there; they have "ini", "vllm", "z"; ',
      ),
    )
    expect(given(poolOnly(), { pods })).toEqual([noAccount])
  })

  test('that a pod has is not missing, also where no pod runs as the account', () => {
    expect(given(binding(), { pods: [{ account: 'a', containers: ['vllm'] }, { account: 'b' }] })).toEqual([
      noAccount,
    ])
  })

  test('may be an init container', () => {
    expect(given(binding(), { pods: [{ containers: ['vllm'], initContainers: ['main'] }] })).toEqual([])
  })

  test('is no ephemeral one: SPIRE never attests those', () => {
    expect(given(binding(), { pods: [{ containers: ['vllm'], ephemeralContainers: ['main'] }] })).toEqual([
      noContainer,
    ])
  })

  test('is not asked of a PoolOnly binding', () => {
    expect(given(poolOnly(), { pods: [{ containers: ['vllm'] }] })).toEqual([])
  })
})

describe('of pods', () => {
  const wrong = { account: 'other' }

  test('nothing is said if there are none', () => {
    expect(given(binding(), { pods: [] })).toEqual([])
  })

  test('it is not said that none fits if there may be more than were listed', () => {
    expect(given(binding(), { pods: [wrong], complete: false })).toEqual([])
  })

  test.each<PodOptions>([{ phase: 'Succeeded' }, { phase: 'Failed' }, { deleting: true }])(
    'like %j nothing follows',
    (over) => {
      expect(given(binding(), { pods: [{ ...wrong, ...over }] })).toEqual([])
      expect(given(binding(), { pods: [over, wrong] })).toEqual([noAccount])
    },
  )

  test.each([null, 1, {}, { spec: { containers: 'x' } }, { metadata: { labels: 1 }, spec: [] }])(
    'that are %j one has no containers',
    (object) => {
      expect(decodePod(object)).toMatchObject({ containers: [], labels: {} })
    },
  )
})

const fallback = (spec: Readonly<Record<string, unknown>> = {}, metadata = {}) =>
  clusterSpiffeId('everyone', metadata, { spiffeIDTemplate: 'spiffe://x', fallback: true, ...spec })

describe('a fallback', () => {
  const suppressed = 'FallbackSuppressed spec.containerName Invalid "main"'
  const here = { 'kubernetes.io/metadata.name': 'default' }

  test('that selects the pods of a PerObjective binding is named', () => {
    const others = [fallback()]
    expect(given(binding(), { pods: [{}], others })).toEqual([suppressed])
    expect(messages(binding(), { pods: [{}], others })).toEqual([
      expect.stringContaining(
        'ClusterSPIFFEID "everyone" is a fallback: containers of these pods that no binding names lose the identity',
      ),
    ])
  })

  test('is made up for by a PoolOnly binding that is alone, which the advice says', () => {
    expect(messages(binding(), { pods: [{}], others: [fallback()] })).toEqual([
      expect.stringContaining(
        '(one in mode PoolOnly, in the place of all PerObjective ones of the pool, covers all',
      ),
    ])
  })

  test.each([
    ['that is none', { fallback: false }],
    ['of another class', { className: 'other' }],
    ['for other pods', { podSelector: { matchLabels: { app: 'other' } } }],
    ['for pods with a label that these lack', { podSelector: { matchLabels: { zone: 'a' } } }],
    ['for other namespaces', { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'x' } } }],
    [
      'for all namespaces but this',
      {
        namespaceSelector: {
          matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['default'] }],
        },
      },
    ],
    ['that can not be read', { podSelector: { matchExpressions: [{ key: 'a', operator: 'Like' }] } }],
  ])('%s is not', (_title, spec) => {
    expect(given(binding(), { pods: [{}], others: [fallback(spec)] })).toEqual([])
  })

  test.each([
    ['of our class', { className: 'ours' }, 'ours'],
    ['of no class', { className: '' }, 'ours'],
    ['for these pods', { podSelector: { matchLabels: { app: 'chat' } } }, undefined],
    [
      'for namespaces with a label that is not known',
      { namespaceSelector: { matchLabels: { team: 'a' } } },
      undefined,
    ],
    ['for this namespace', { namespaceSelector: { matchLabels: here } }, undefined],
  ])('%s is named', (_title, spec, className) => {
    expect(given(binding(), { pods: [{}], others: [fallback(spec)], className })).toEqual([suppressed])
  })

  test('may select pods that are not there yet, by labels that are not known', () => {
    const zone = fallback({ podSelector: { matchLabels: { zone: 'a' } } })
    expect(given(binding(), { pods: [], others: [zone] })).toEqual([suppressed])
    expect(given(binding(), { pods: [{}], others: [zone] })).toEqual([])
    expect(given(binding(), { pods: [{}], complete: false, others: [zone] })).toEqual([suppressed])
    expect(given(binding(), { pods: [{}, { labels: { app: 'chat', zone: 'a' } }], others: [zone] })).toEqual([
      suppressed,
    ])
  })

  test('is only lost to a PoolOnly binding by pods under another account', () => {
    const others = [fallback()]
    expect(given(poolOnly(), { pods: [{}], others })).toEqual([])
    expect(given(poolOnly(), { pods: [], others })).toEqual([])
    expect(given(poolOnly(), { pods: [{}, { account: 'other' }], others })).toEqual([
      'FallbackSuppressed spec.serviceAccountName Invalid "server"',
    ])
  })

  test('that is being deleted, or that has become none, is forgotten', () => {
    const inventory = inventoryOf([fallback()])
    expect([...inventory.fallbacks()]).toHaveLength(1)
    const gone = inventoryOf([fallback(), fallback({ fallback: false })])
    expect([...gone.fallbacks()]).toEqual([])
    const going = inventoryOf([fallback({}, { deletionTimestamp: '2026-01-01T00:00:00Z' })])
    expect([...going.fallbacks()]).toEqual([])
  })
})

test('what pods show is advice: it is warned of unless configured otherwise, and never in a status', () => {
  for (const rule of workloadRules) expect(rules[rule]).toMatchObject({ action: 'warn', configurable: true })
})

const tells = (one: Manifest, pod: PodOptions, others: readonly Manifest[] = []): boolean => {
  const inventory = inventoryOf([pool(), objective(), ...others])
  const decoded = decodeBinding(one)
  const { identity } = evaluate(decoded, inventory)
  const decodedPod = decodePod(podObject(pod))
  if (!identity || !decodedPod) throw new Error('there is no identity or no pod')
  const { settings } = inventory
  return tellsOfAll(
    decodedPod,
    { binding: decoded, identity },
    { fallbacks: inventory.fallbacks(), settings },
  )
}

describe('one pod', () => {
  const zoned = fallback({ podSelector: { matchLabels: { zone: 'a' } } })

  test('that fits tells of all where no fallback may select any of them', () => {
    for (const one of [binding(), poolOnly()]) {
      expect(tells(one, {})).toBe(true)
      expect(tells(one, {}, [fallback({ podSelector: { matchLabels: { app: 'other' } } })])).toBe(true)
      expect(tells(one, { account: 'other' })).toBe(false)
    }
    expect(tells(binding(), { containers: ['vllm'] })).toBe(false)
  })

  test('that fits does not tell whom a fallback loses under another account, or whether one selects other pods', () => {
    expect(tells(poolOnly(), {}, [fallback()])).toBe(false)
    expect(tells(binding(), {}, [zoned])).toBe(false)
    expect(tells(binding(), {}, [fallback()])).toBe(true)
  })

  test('that tells of all gives the same advice as any list that it is in', () => {
    const drawnPod = fc.record({
      account: fc.constantFrom('server', 'server', 'other'),
      containers: fc.constantFrom(['main'], ['main', 'proxy'], ['vllm']),
      labels: fc.constantFrom({ app: 'chat' }, { app: 'chat', zone: 'a' }, { app: 'chat', zone: 'b' }),
    })
    const fallbacks = fc.subarray([
      fallback(),
      fallback(
        { podSelector: { matchExpressions: [{ key: 'zone', operator: 'Exists' }] } },
        { name: 'zoned' },
      ),
      fallback({ podSelector: { matchLabels: { zone: 'a' } } }, { name: 'zone-a' }),
      fallback({ podSelector: { matchLabels: { app: 'other' } } }, { name: 'others' }),
      fallback({ className: 'foreign' }, { name: 'foreign' }),
    ])
    const bindings = fc.constantFrom(binding(), poolOnly())
    fc.assert(
      fc.property(
        bindings,
        drawnPod,
        fc.array(drawnPod, { maxLength: 4 }),
        fallbacks,
        fc.boolean(),
        (one, pod, rest, others, complete) => {
          fc.pre(tells(one, pod, others))
          expect(messages(one, { pods: [pod], complete: false, others })).toEqual(
            messages(one, { pods: [...rest, pod], complete, others }),
          )
        },
      ),
      { numRuns: 60 },
    )
  })
})
