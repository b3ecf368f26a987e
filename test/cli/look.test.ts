import { describe, expect, test } from 'vitest'
import { inspect, type InspectOptions } from '../../src/cli/inspect.ts'
import type { OperatorSight, ReadCluster, ReadPods } from '../../src/cli/cluster.ts'
import { inspectOptions, statusOptions } from '../../src/cli/look-options.ts'
import type { CommandResult } from '../../src/cli/result.ts'
import { status, type StatusOptions } from '../../src/cli/status.ts'
import { retryingStatus } from '../../src/core/conditions.ts'
import { objectOr, type JsonObject } from '../../src/core/json.ts'
import {
  decodeOperatorStatus,
  effectiveActions,
  encodeOperatorStatus,
  type OperatorHealth,
} from '../../src/core/operator-status.ts'
import { decodePod } from '../../src/core/pods.ts'
import {
  bindingResource,
  clusterSpiffeIdResource,
  optionalResources,
  type Resource,
} from '../../src/core/resources.ts'
import { binding, objective, pool, poolOnly } from '../support/builders.ts'
import { podObject, type PodOptions } from '../support/pods.ts'
import { resourceOf, type Manifest } from '../support/vectors.ts'
import { listOf, verdictsOn } from './checking.ts'

const clusterWith =
  (...objects: readonly Manifest[]): ReadCluster =>
  () =>
    Promise.resolve({
      kind: 'snapshot',
      served: [bindingResource, ...optionalResources],
      manifests: objects.map((object) => {
        const { name, namespace = '' } = object.metadata
        return { resource: resourceOf(object), object, name, namespace }
      }),
    })

const unreachable: ReadCluster = () =>
  Promise.resolve({ kind: 'problem', problem: 'there is no cluster here' })
const text = { namespace: undefined, operatorNamespace: 'kleym-system', format: 'text' } as const
const now = new Date('2026-06-01T12:00:00Z')
const ago = (seconds: number): string => new Date(now.getTime() - seconds * 1000).toISOString()

const configuration = {
  trustDomain: 'example.org',
  className: undefined,
  actions: effectiveActions({}),
  flags: {},
}
const health: OperatorHealth = {
  version: '0.1.0',
  leader: 'kleym-operator-a',
  heartbeat: ago(30),
  everySeconds: 60,
  halted: undefined,
  checks: [
    { name: 'webhook', ok: true },
    { name: 'probe', ok: undefined },
  ],
  certificates: { webhook: '2027-01-01T00:00:00.000Z' },
}
/** An operator that has said this of itself, beside what a healthy one says. */
const operator = (
  said: Partial<OperatorHealth> = {},
  more: Partial<Extract<OperatorSight, { kind: 'seen' }>> = {},
): OperatorSight => ({
  kind: 'seen',
  replicas: { ready: 2, wanted: 2 },
  // As it comes back from the ConfigMap.
  status: decodeOperatorStatus({
    data: encodeOperatorStatus({ configuration, health: { ...health, ...said } }),
  }),
  ...more,
})

const statusOf = (
  readCluster: ReadCluster,
  options: Partial<StatusOptions> = {},
  sight = operator(),
): Promise<CommandResult> =>
  status({ ...text, ...options }, { readCluster, readOperator: () => Promise.resolve(sight), now })

const stats = { namespacesSelected: 1, podsSelected: 1, entriesToSet: 1 }

/** As the loop would leave it, with its ClusterSPIFFEID where it has one. */
async function settled(one: Manifest, ...others: readonly Manifest[]): Promise<readonly Manifest[]> {
  const [first] = await verdictsOn([one, ...others])
  if (!first) throw new Error(`nothing is said of ${listOf([one])}`)
  const output = first.clusterSPIFFEID
  const apiVersion = 'spire.spiffe.io/v1alpha1'
  return [
    { ...one, metadata: { ...one.metadata, generation: 1 }, status: first.status },
    ...others,
    ...(output
      ? [
          {
            apiVersion,
            kind: 'ClusterSPIFFEID',
            ...output,
            metadata: {
              ...output.metadata,
              name: String(output.metadata['name']),
              creationTimestamp: ago(60),
            },
            status: { stats },
          },
        ]
      : []),
  ]
}

describe('kleym status', () => {
  test('of a cluster without our kind: 3; of one that can not be read: 4', async () => {
    expect(
      await statusOf(() => Promise.resolve({ kind: 'snapshot', served: [], manifests: [] })),
    ).toMatchObject({ code: 3, stdout: '' })
    expect(await statusOf(unreachable)).toMatchObject({
      code: 4,
      stderr: 'kleym: there is no cluster here\n',
    })
  })

  test('of bindings that are Ready: 0, in columns', async () => {
    const objects = await settled(binding(), pool(), objective())
    expect(await statusOf(clusterWith(...objects))).toStrictEqual({
      code: 0,
      stdout: [
        `operator: version 0.1.0, leader kleym-operator-a, 2 of 2 replicas ready, heard of at ${ago(30)}, trust domain example.org`,
        'operator: the certificate of the webhook expires at 2027-01-01T00:00:00.000Z',
        'NAMESPACE  NAME  MODE          READY  REASON      SPIFFE ID',
        'default    chat  PerObjective  True   Reconciled  spiffe://example.org/ns/default/objective/chat',
        '1 in all: 1 Ready/Reconciled',
        '',
      ].join('\n'),
      stderr: '',
    })
  })

  test.each([undefined, { observedGeneration: -1 }])('of one that nobody has looked at: 2', async (said) => {
    const one = { ...binding(), status: said }
    const { code, stdout } = await statusOf(clusterWith(one), { format: 'yaml' })
    expect(code).toBe(2)
    expect(stdout).toContain('ready: Unknown\n')
    expect(stdout).toContain('reason: Initializing\n')
  })

  test('of one whose first outcome is retried: 2, and why', async () => {
    const one = { ...binding(), status: retryingStatus({ observedGeneration: -1 }, 'writing it: 500', now) }
    const { code, stdout } = await statusOf(clusterWith(one))
    expect(code).toBe(2)
    expect(stdout).toContain('default/chat: writing it: 500\n')
    expect(stdout).toContain('1 in all: 1 Ready/Retrying\n')
    const inspected = await look([one, pool(), objective()], { settings: { trustDomain: 'a' } })
    expect(inspected.stdout).toContain('Ready: Unknown, Retrying (no generation yet): writing it: 500\n')
  })

  test('asks for bindings alone, and for one namespace where one is named', async () => {
    const asked: unknown[] = []
    const read: ReadCluster = (scope) => (asked.push(scope), unreachable(scope))
    await statusOf(read, { namespace: 'team' })
    await statusOf(read)
    expect(asked).toStrictEqual([
      { namespace: 'team', kinds: [bindingResource] },
      { namespace: undefined, kinds: [bindingResource] },
    ])
  })
})

const operatorLinesOf = async (sight: OperatorSight): Promise<readonly [number, readonly string[]]> => {
  const { code, stdout } = await statusOf(clusterWith(), {}, sight)
  return [code, stdout.split('\n').filter((line) => line.startsWith('operator: '))]
}

describe('kleym status on the operator', () => {
  test.each<readonly [string, OperatorSight, string]>([
    [
      'that has not been heard of for three heartbeats',
      operator({ heartbeat: ago(181) }),
      'no replica reconciles: ',
    ],
    ['that was heard of at no time', operator({ heartbeat: 'x' }), 'no replica reconciles: '],
    [
      'that touches nothing',
      operator({ halted: 'another contract' }),
      'nothing is touched: another contract',
    ],
    [
      'whose webhook is not reached',
      operator({ checks: [{ name: 'probe', ok: false, problem: 'no route' }] }),
      'probe: no route',
    ],
    [
      'whose certificate has expired',
      operator({ certificates: { webhook: ago(1) } }),
      `the certificate of the webhook has expired at ${ago(1)}`,
    ],
    [
      'of which no replica is ready',
      operator({}, { replicas: { ready: 0, wanted: 2 } }),
      'none of 2 replicas is ready',
    ],
    [
      'that has said nothing',
      operator({}, { status: undefined }),
      'no operator has said in namespace kleym-system that it runs',
    ],
  ])('%s: 2', async (_title, sight, words) => {
    const [code, said] = await operatorLinesOf(sight)
    expect(code).toBe(2)
    expect(said.filter((line) => line.startsWith(`operator: ${words}`))).toHaveLength(1)
  })

  test.each<readonly [string, OperatorSight, string]>([
    ['that is well', operator({ heartbeat: ago(179) }), 'version 0.1.0'],
    [
      'outside the cluster',
      operator({}, { replicas: undefined }),
      'version 0.1.0, leader kleym-operator-a, heard',
    ],
    ['that may not be looked at', { kind: 'unseen', why: '403' }, 'it could not be seen: 403'],
  ])('%s: 0', async (_title, sight, words) => {
    const [code, [line]] = await operatorLinesOf(sight)
    expect(code).toBe(0)
    expect(line).toContain(words)
  })

  test('halted is not said twice', async () => {
    const halted = 'another contract'
    const [, said] = await operatorLinesOf(
      operator({ halted, checks: [{ name: 'contract', ok: false, problem: halted }] }),
    )
    expect(said.filter((line) => line.includes(halted))).toHaveLength(1)
  })

  test('is asked for in the namespace that is named', async () => {
    const asked: string[] = []
    const readOperator = (namespace: string) => (asked.push(namespace), Promise.resolve(operator()))
    await status({ ...text, operatorNamespace: 'mine' }, { readCluster: clusterWith(), readOperator, now })
    expect(asked).toEqual(['mine'])
    expect(statusOptions([], {})).toMatchObject({ options: { operatorNamespace: 'kleym-system' } })
    expect(statusOptions(['--operator-namespace=mine'], {})).toMatchObject({
      options: { operatorNamespace: 'mine' },
    })
  })
})

const lookAtLeaving = (deletionTimestamp: string) =>
  statusOf(clusterWith(binding({ metadata: { deletionTimestamp, finalizers: ['example.org/keep'] } })))

describe('a deletion', () => {
  test('that has just begun is said: 0', async () => {
    expect(await lookAtLeaving(ago(59))).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('default/chat: it is being deleted\n'),
    })
  })

  test('that hangs is an error, with what keeps it: 2', async () => {
    expect(await lookAtLeaving(ago(61))).toMatchObject({
      code: 2,
      stdout: expect.stringContaining(
        'default/chat: it has been being deleted for 61 s; what keeps it: example.org/keep\n',
      ),
    })
  })
})

type Looked = Partial<InspectOptions> & {
  readonly pods?: readonly PodOptions[] | 'forbidden'
  readonly unseen?: readonly Resource[]
}

/** Pods that have any of the labels, as a cluster that has these would list them. */
const readPodsOf =
  (pods: readonly PodOptions[] | 'forbidden'): ReadPods =>
  ({ namespace, pairs }) =>
    Promise.resolve(
      pods !== 'forbidden'
        ? {
            kind: 'seen',
            complete: true,
            pods: pods
              .map((one) => podObject({ namespace, ...one }))
              .flatMap((one) => decodePod(one) ?? [])
              .filter(({ labels }) => pairs.some((pair) => hasPair(labels, pair))),
          }
        : { kind: 'unseen', why: 'listing pods: 403' },
    )

const hasPair = (labels: JsonObject, pair: string): boolean =>
  Object.entries(labels).some(([key, value]) => `${key}=${String(value)}` === pair)

const look = (
  objects: readonly Manifest[],
  { pods = [], unseen = [], ...more }: Looked = {},
): Promise<CommandResult> =>
  inspect(
    {
      namespace: 'default',
      name: 'chat',
      settings: {},
      actions: {},
      format: 'text',
      ...more,
    },
    {
      readCluster: async (scope) => {
        const snapshot = await clusterWith(...objects)(scope)
        return snapshot.kind === 'problem'
          ? snapshot
          : {
              ...snapshot,
              manifests: snapshot.manifests.filter(({ resource }) => !unseen.includes(resource)),
              unseen: unseen.map((resource) => ({ resource, why: `listing ${resource.plural}: 403` })),
            }
      },
      readPods: readPodsOf(pods),
      now,
    },
  )
const outputLine = (stdout: string): string | undefined => /^ClusterSPIFFEID: .*$/m.exec(stdout)?.[0]

describe('kleym inspect', () => {
  test('takes the trust domain from the status, else asks for it', async () => {
    const objects = await settled(poolOnly({ name: 'chat' }), pool())
    expect((await look(objects)).stdout).toContain('SPIFFE ID: spiffe://example.org/ns/default/pool/chat\n')
    expect((await look(objects, { settings: { trustDomain: 'other.org' } })).stdout).toContain(
      'SPIFFE ID: spiffe://other.org/',
    )
    expect(await look([pool(), binding()])).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('--trust-domain'),
    })
  })

  test('compares the ClusterSPIFFEID that is there with the one that should be', async () => {
    const objects = await settled(binding(), pool(), objective())
    const name = 'kleym-default-chat-objective-d964193d'
    const withOutput = (change: (output: Manifest) => Manifest | undefined): readonly Manifest[] =>
      objects.flatMap((one) => (one.kind === 'ClusterSPIFFEID' ? (change(one) ?? []) : one))
    expect(await look(objects)).toMatchObject({ code: 0, stderr: '' })
    const cases = [
      [withOutput(() => undefined), `${name} is missing`],
      [withOutput((one) => ({ ...one, metadata: { name } })), 'none is wanted'],
      [
        withOutput((one) => ({ ...one, spec: { ...objectOr(one.spec), ttl: '1h' } })),
        `${name} differs in spec.ttl`,
      ],
      [objects.filter(({ kind }) => kind !== 'InferencePool'), 'none is wanted'],
      [
        withOutput((one) => ({ ...one, metadata: { ...one.metadata, deletionTimestamp: 'x' } })),
        `${name} is being deleted`,
      ],
      [
        withOutput((one) => ({ ...one, metadata: { ...one.metadata, annotations: {} } })),
        `${name} differs in metadata.annotations[kleym.sonda.red/binding]`,
      ],
    ] as const
    for (const [there, words] of cases) {
      const { code, stdout } = await look(there)
      expect(code).toBe(2)
      expect(outputLine(stdout)).toBe(`ClusterSPIFFEID: ${words}`)
    }
  })

  test('names what is left over, and what its kind may not know is no difference', async () => {
    const objects = await settled(binding(), pool(), objective())
    const output = objects.find(({ kind }) => kind === 'ClusterSPIFFEID')
    if (!output) throw new Error('there is no output')
    const leftover = { ...output, metadata: { ...output.metadata, name: 'kleym-default-chat-pool-00000000' } }
    const left = await look([...objects, leftover])
    expect(left).toMatchObject({
      code: 2,
      stdout: expect.stringContaining('ClusterSPIFFEID: kleym-default-chat-pool-00000000 is left over\n'),
    })
    const copy = { ...output, metadata: { ...output.metadata, name: 'copy' } }
    expect(await look([...objects, copy])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('ClusterSPIFFEID: copy is a copy, which is left alone\n'),
    })
    const { hint: _, ...known } = objectOr(output.spec)
    const pruned = await look(objects.map((one) => (one === output ? { ...one, spec: known } : one)))
    expect(pruned.code).toBe(0)
    expect(outputLine(pruned.stdout)).toMatch(/ is in place, but for what .*: spec\.hint$/)
  })

  test('of one that is being deleted says that, and nothing of what would be', async () => {
    const leaving = binding({ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } })
    const { stdout } = await look([leaving, pool(), objective()], { settings: { trustDomain: 'a' } })
    expect(stdout).toContain('it is being deleted\n')
    expect(stdout).not.toContain('settles on')
  })

  test('judges by the actions that it is told', async () => {
    const objects = await settled(binding(), pool({ selector: {} }), objective())
    const told = { settings: { trustDomain: 'a' }, actions: { InvalidPoolSelector: 'ignore' } } as const
    expect((await look(objects, { ...told, actions: {} })).stdout).toContain('admission today: deny\n')
    expect((await look(objects, told)).stdout).toContain('admission today: allow\n')
  })

  test('says what the loop would come to', async () => {
    const objects = await settled(binding(), pool(), objective())
    const taken = objects.map((one) =>
      one.kind === 'ClusterSPIFFEID' ? { ...one, metadata: { name: one.metadata.name } } : one,
    )
    expect((await look(objects)).stdout).toContain('the loop settles on: Reconciled: ')
    expect((await look(taken)).stdout).toContain('the loop settles on: ManagedOutputApplyFailed: ')
  })

  test('that finds no such binding: 3; no cluster: 4', async () => {
    expect(await look([binding({ name: 'other' })])).toMatchObject({ code: 3, stdout: '' })
    const options = { namespace: 'default', name: 'chat', settings: {}, actions: {}, format: 'json' } as const
    expect(await inspect(options, { readCluster: unreachable, readPods: readPodsOf([]), now })).toMatchObject(
      { code: 4 },
    )
  })
})

const withStats = async (
  written: unknown,
  createdAt = ago(60),
  spec: JsonObject = {},
): Promise<CommandResult> => {
  const objects = await settled(binding({ spec }), pool(), objective())
  return look(
    objects.map((one) =>
      one.kind === 'ClusterSPIFFEID'
        ? { ...one, metadata: { ...one.metadata, creationTimestamp: createdAt }, status: written }
        : one,
    ),
  )
}

describe('kleym inspect on what became of an output', () => {
  test.each([
    [
      'that nobody has looked at for over 30 s',
      undefined,
      'SPIRE Controller Manager has not looked at it: it does not run',
    ],
    ['of an ignored namespace', { ...stats, namespacesIgnored: 1 }, 'its namespace is ignored'],
    [
      'that could not be rendered',
      { ...stats, podEntryRenderFailures: 1 },
      'no entry could be made for 1 of 1 pods',
    ],
    ['whose entries are refused', { ...stats, entryFailures: 2 }, 'the SPIRE server refused 2 entries'],
  ])('%s says so: 2', async (_title, made, words) => {
    const { code, stdout } = await withStats(made && { stats: made })
    expect(stdout).toContain(`SPIRE Controller Manager: ${words}`)
    expect(code).toBe(2)
  })

  test.each([
    ['that nobody has looked at yet', undefined, 'SPIRE Controller Manager has not looked at it yet'],
    ['that is masked', { ...stats, entriesMasked: 1 }, '1 entries are masked'],
    ['that selects pods', stats, '1 pods selected, 1 entries'],
  ])('%s says so: 0', async (_title, made, words) => {
    const { code, stdout } = await withStats(made && { stats: made }, ago(29))
    expect(stdout).toContain(`SPIRE Controller Manager: ${words}`)
    expect(code).toBe(0)
  })
})

describe('kleym inspect on pods', () => {
  const selector = { matchLabels: { app: 'chat', role: 'decode' } }
  const fit = { labels: { ...selector.matchLabels, zone: 'a' } }
  const podLinesOf = async (
    pods: Looked['pods'],
    one = binding(),
  ): Promise<readonly [number, readonly string[]]> => {
    const objects = await settled(one, pool({ selector }), objective())
    const { code, stdout } = await look(objects, pods === undefined ? {} : { pods })
    return [
      code,
      stdout.split('\n').filter((line) => /^(?:pods?|and|could) /.test(line) || line.startsWith('pods:')),
    ]
  }

  test('says of each whether it fits, and what it lacks', async () => {
    const [code, lines] = await podLinesOf([
      { ...fit, name: 'b', initContainers: ['init'] },
      { ...fit, name: 'a', containers: ['vllm'], initContainers: ['main'] },
      { ...fit, name: 'c', account: 'other' },
      { ...fit, name: 'd', containers: ['vllm', 'proxy'], account: 'other' },
      { name: 'e', labels: { app: 'chat', role: 'prefill' } },
      { name: 'f', labels: { role: 'decode' } },
      { name: 'g', labels: { app: 'other' } },
      { ...fit, name: 'h', phase: 'Succeeded' },
    ])
    expect(code).toBe(0)
    expect(lines).toEqual([
      'pods: 2 of 4 fit',
      'pod a fits',
      'pod b fits',
      'pod c does not fit: it runs as ServiceAccount "other", not as "server"',
      'pod d does not fit: it runs as ServiceAccount "other", not as "server"; it has no container "main", but "vllm", "proxy"',
      'pod e is not selected: label role is "prefill", not "decode"',
      'pod f is not selected: label app is missing, not "chat"',
    ])
  })

  test('none of which fits: 2, and what admission would say of them', async () => {
    const objects = await settled(binding(), pool({ selector }), objective())
    const { code, stdout } = await look(objects, { pods: [{ ...fit, account: 'other' }] })
    expect(code).toBe(2)
    expect(stdout).toContain('pods: 0 of 1 fit\n')
    expect(stdout).toContain(
      'warn spec.serviceAccountName: Not found: "server": UnsafeSelector/NoSuchServiceAccount: ',
    )
  })

  test('of which there are none: 0, with the labels that they would have', async () => {
    expect(await podLinesOf([])).toEqual([
      0,
      ['pods: none has all labels of the pool (app=chat, role=decode)'],
    ])
  })

  test('names ten of each sort', async () => {
    const pods = Array.from({ length: 12 }, (_, index) => ({ ...fit, name: `p${index}` }))
    const [, lines] = await podLinesOf(pods)
    expect(lines).toHaveLength(12)
    expect(lines.at(-1)).toBe('and 2 more, of which each fits')
  })

  test('of a PoolOnly binding looks at no container', async () => {
    const [code, lines] = await podLinesOf([{ ...fit, containers: ['any'] }], poolOnly({ name: 'chat' }))
    expect([code, lines]).toEqual([0, ['pods: 1 of 1 fit', 'pod chat-0 fits']])
  })

  test('that may not be listed says so, and goes on: 0', async () => {
    const [code, lines] = await podLinesOf('forbidden')
    expect([code, lines]).toEqual([0, ['could not be seen: pods: listing pods: 403']])
  })
})

describe('kleym inspect without permission for', () => {
  test('ClusterSPIFFEIDs goes on: 0', async () => {
    const objects = await settled(binding(), pool(), objective())
    const { code, stdout } = await look(objects, { unseen: [clusterSpiffeIdResource], pods: [{}] })
    expect(code).toBe(0)
    expect(stdout).toContain(
      'could not be seen: clusterspiffeids.spire.spiffe.io: listing clusterspiffeids: 403\n',
    )
    expect(stdout).toContain('pods: 1 of 1 fit\n')
    expect(stdout).not.toContain('ClusterSPIFFEID: ')
  })

  test('pools and objectives tells what the status says, and judges nothing: 0', async () => {
    const objects = await settled(binding(), pool(), objective())
    const { code, stdout } = await look(objects, {
      unseen: optionalResources,
      pods: [{}, { name: 'b', account: 'x' }],
    })
    expect(code).toBe(0)
    for (const line of [
      'SPIFFE ID: spiffe://example.org/ns/default/objective/chat',
      'selector: k8s:container-name:main',
      'pods: 1 of 2 fit',
      ...optionalResources.map(
        ({ group, plural }) => `could not be seen: ${plural}.${group}: listing ${plural}: 403`,
      ),
    ])
      expect(stdout).toContain(`${line}\n`)
    expect(stdout).not.toContain('admission today')
    expect(stdout).not.toContain('pool: ')
  })

  test('anything says in JSON what it could not see', async () => {
    const objects = await settled(binding(), pool(), objective())
    const { stdout } = await look(objects, {
      unseen: [clusterSpiffeIdResource],
      pods: 'forbidden',
      format: 'json',
    })
    expect(JSON.parse(stdout)).toMatchObject({
      output: { state: 'unseen' },
      pods: { seen: false, why: 'listing pods: 403' },
      unseen: [{ kind: 'spire.spiffe.io/v1alpha1/ClusterSPIFFEID' }],
    })
  })
})

describe('the command lines', () => {
  test.each([
    [['chat'], 'unexpected argument "chat"'],
    [['-o', 'xml'], '"xml"'],
    [['-n', 'A'], '"A"'],
    [['--trust-domain', 'a'], 'unknown flag'],
  ])('status %j is refused', (argv, words) => {
    expect(statusOptions(argv, {})).toMatchObject({
      kind: 'usage',
      problems: [expect.stringContaining(words)],
    })
  })

  test.each([
    [[], 'write kleym inspect binding NAME'],
    [['pool', 'chat'], '"pool" can\'t be inspected'],
    [['binding'], 'no binding is named'],
    [['binding', 'a', 'b'], 'unexpected argument "b"'],
    [['binding', 'a', '--trust-domain', 'A'], 'lower case'],
  ])('inspect %j is refused', (argv, words) => {
    expect(inspectOptions(argv, {})).toMatchObject({
      kind: 'usage',
      problems: [expect.stringContaining(words)],
    })
  })

  test('both have help', () => {
    expect(statusOptions(['-h'], {})).toMatchObject({
      kind: 'help',
      text: expect.stringContaining('--context'),
    })
    expect(inspectOptions(['binding', '--help'], {})).toMatchObject({ kind: 'help' })
  })
})
