import { describe, expect, test } from 'vitest'
import type { OperatorSight, ReadCluster } from '../../src/cli/cluster.ts'
import { statusOptions } from '../../src/cli/status-options.ts'
import { retryingStatus } from '../../src/core/conditions.ts'
import {
  allResources,
  bindingResource,
  clusterSpiffeIdResource,
  gvk,
  objectiveResources,
} from '../../src/core/resources.ts'
import { binding, objective, pool, poolOnly } from '../support/builders.ts'
import type { Manifest } from '../support/vectors.ts'
import {
  ago,
  clusterWith,
  deployment,
  firstLine,
  look,
  now,
  operator,
  settled,
  statusOf,
  under,
  unreachable,
  withOutput,
} from './looking.ts'

const chat = () => settled(binding(), [pool(), objective()])

const broken = (name: string, seconds: number): Manifest => ({
  ...binding({ name }),
  status: {
    conditions: [
      {
        type: 'Ready',
        status: 'False',
        reason: 'R',
        message: name,
        lastTransitionTime: ago(seconds),
        observedGeneration: 1,
      },
    ],
  },
})

describe('kleym status', () => {
  test('of a cluster that can not be read: 4', async () => {
    expect(await statusOf(unreachable)).toMatchObject({
      code: 4,
      stderr: 'kleym: there is no cluster here\n',
    })
  })

  test('of bindings that are Ready: 0, in columns', async () => {
    expect(await statusOf(clusterWith(await chat()))).toStrictEqual({
      code: 0,
      stdout: `\
OK: 1 of 1 bindings are well

Kleym
  operator: Deployment kleym-system/kleym-operator, 2 of 2 replicas ready
  operator: version 0.1.0, leader kleym-operator-a, heard of 30 s ago
  operator: trust domain example.org, no class
  operator: not halted; webhook registered, answered
  operator: the certificate of the webhook expires in 213 d, at 2027-01-01T00:00:00.000Z

Bindings
  1 in all: 1 Ready/Reconciled
  NAMESPACE  NAME  MODE          READY  REASON      SPIFFE ID
  default    chat  PerObjective  True   Reconciled  spiffe://example.org/ns/default/objective/chat

Dependencies
  ClusterSPIFFEID: served, v1alpha1
  SPIRE Controller Manager: 1 ClusterSPIFFEID processed, 0 not yet, 0 failing
  InferencePool: served, v1,v1alpha2
  InferenceObjective: served, v1alpha2,v1
`,
      stderr: '',
    })
  })

  test.each([undefined, { observedGeneration: -1 }])('of one that nobody has looked at: 2', async (said) => {
    const one = { ...binding(), status: said }
    const { code, stdout } = await statusOf(clusterWith([one]), { format: 'yaml' })
    expect(code).toBe(2)
    expect(stdout).toContain('ready: Unknown\n')
    expect(stdout).toContain('reason: Initializing\n')
  })

  test.each([
    [60, 0, { warning: 1, error: 0 }],
    [61, 2, { warning: 0, error: 1 }],
  ])(
    'of one that nobody has looked at for %d s counts as its finding does: %d',
    async (seconds, code, counts) => {
      const one = binding({ metadata: { creationTimestamp: ago(seconds) } })
      const result = await statusOf(clusterWith([one]), { format: 'json' })
      expect(result.code).toBe(code)
      expect(JSON.parse(result.stdout)).toMatchObject({
        summary: { bindings: { ok: 0, ...counts } },
        findings: [{ id: 'binding-not-reconciled', severity: code === 0 ? 'warning' : 'error' }],
      })
    },
  )

  test('of one whose first outcome is retried: 2, and why', async () => {
    const one = { ...binding(), status: retryingStatus({ observedGeneration: -1 }, 'writing it: 500', now) }
    const { code, stdout } = await statusOf(clusterWith([one]))
    expect(code).toBe(2)
    expect(stdout).toContain('default/chat, for 0 s: writing it: 500\n')
    expect(stdout).toContain('1 in all: 1 Ready/Retrying\n')
    const inspected = await look([one, pool(), objective()], { settings: { trustDomain: 'a' } })
    expect(inspected.stdout).toContain('Ready: Unknown, Retrying (no generation yet): writing it: 500\n')
  })

  test('names what has been broken the longest first, and what leaves last', async () => {
    const leaving = binding({ name: 'z', metadata: { deletionTimestamp: ago(30) } })
    const result = await statusOf(clusterWith([leaving, broken('a', 90), broken('b', 7200), broken('c', 10)]))
    expect(under(result, 'Bindings').filter((line) => line.includes(', for '))).toEqual([
      'default/b, for 2 h: b',
      'default/a, for 90 s: a',
      'default/c, for 10 s: c',
      'default/z, for 30 s: it is being deleted',
    ])
  })

  test('leaves out columns that do not fit', async () => {
    const wide = await statusOf(clusterWith(await chat()), {}, { width: 80 })
    expect(wide.stdout).toContain('REASON\n')
    expect(wide.stdout).not.toContain('SPIFFE ID')
    for (const line of wide.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  })

  test.each<readonly [string, string, readonly string[]]>([
    ['chat', 'InferenceIdentityBindingCRDMissing', ['kleym.sonda.red']],
    ['ours', 'ClusterSPIFFEIDCRDMissing', ['spire.spiffe.io']],
    ['pools', 'GAIECRDMissing', ['/InferencePool', 'InferencePool']],
    ['objectives', 'GAIECRDMissing', ['InferenceObjective']],
  ])('of a cluster without %s is an error: %s', async (_title, reason, parts) => {
    const served = allResources.filter(
      ({ group, kind }) => !parts.some((part) => part === group || part === kind),
    )
    const { code, stdout } = await statusOf(clusterWith([binding()], { served }), { format: 'json' })
    expect(code).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject({
      findings: expect.arrayContaining([
        expect.objectContaining({ id: 'crd-missing', severity: 'error', reason }),
      ]),
    })
  })

  test('of a cluster that serves a kind in another version alone says which', async () => {
    const [moved, ...others] = objectiveResources
    if (!moved) throw new Error('there are groups of objectives')
    const cluster = clusterWith([binding()], {
      served: allResources.filter(({ kind }) => kind !== moved.kind),
      unread: [{ resource: moved, versions: ['v1alpha3'] }],
    })
    const words =
      'CustomResourceDefinition inferenceobjectives.llm-d.ai serves v1alpha3 instead of v1alpha2, the version that this operator reads'
    const { stdout } = await statusOf(cluster)
    expect(stdout).toContain('  InferenceObjective: not read\n')
    expect(stdout).toContain(`  not read: ${words}\n`)
    expect(stdout).not.toContain(`not served: ${gvk(moved)}`)
    expect(JSON.parse((await statusOf(cluster, { format: 'json' })).stdout)).toMatchObject({
      findings: expect.arrayContaining([
        expect.objectContaining({
          reason: 'GAIECRDMissing',
          message: words,
          fix: expect.not.stringContaining('install'),
        }),
      ]),
      unserved: others.map(gvk),
      unread: [{ gvk: gvk(moved), served: ['v1alpha3'] }],
    })
  })

  test('misses neither objectives where nobody names one, nor a kind where another one will do', async () => {
    const { code } = await statusOf(
      clusterWith(await settled(poolOnly({ name: 'chat' }), [pool()]), {
        served: allResources.filter(
          ({ kind, group }) => kind !== 'InferenceObjective' && group !== 'inference.networking.x-k8s.io',
        ),
      }),
    )
    expect(code).toBe(0)
  })

  test('asks for bindings and outputs alone, and for one namespace where one is named', async () => {
    const asked: unknown[] = []
    const read: ReadCluster = (scope) => (asked.push(scope), unreachable(scope))
    await statusOf(read, { namespace: 'team' })
    await statusOf(read)
    const more = { kinds: [bindingResource, clusterSpiffeIdResource], inParts: true }
    expect(asked).toStrictEqual([
      { namespace: 'team', ...more },
      { namespace: undefined, ...more },
    ])
  })

  test('of somebody who may see one namespace alone is about that of the context, and says so once', async () => {
    const objects = await chat()
    const read: ReadCluster = (scope) =>
      scope?.namespace === 'default'
        ? clusterWith(objects, { unseen: [clusterSpiffeIdResource] })(scope)
        : Promise.resolve({ kind: 'problem', problem: '403', forbidden: true })
    const result = await statusOf(read)
    expect(result.code).toBe(0)
    expect(firstLine(result)).toBe('WARNING: 1 of 1 bindings are well')
    expect(result.stdout).toContain('\nBindings of namespace default\n')
    expect(under(result, 'Findings')).toEqual([
      'warning rbac-limited (Forbidden): not all could be seen: other namespaces: 403; clusterspiffeids.spire.spiffe.io: listing clusterspiffeids: 403. Fix: ask for permission to get and list these, if they matter',
    ])
    expect((await statusOf(read, { strict: true })).code).toBe(2)
    expect(await statusOf(read, { all: true })).toMatchObject({ code: 4, stderr: 'kleym: 403\n' })
    expect(await statusOf(read, { namespace: 'team' })).toMatchObject({ code: 4 })
  })
})

const made = (stats: unknown) => settled(binding(), [pool(), objective()], { status: { stats } })

describe('kleym status on SPIRE Controller Manager', () => {
  test('counts what it made of the outputs, and a Ready binding without entries is an error', async () => {
    const ignored = await made({ namespacesIgnored: 1 })
    const { code, stdout } = await statusOf(clusterWith(ignored))
    expect(code).toBe(2)
    expect(stdout).toContain('0 ClusterSPIFFEIDs processed, 0 not yet, 1 failing\n')
    expect(stdout).toContain('SPIRE Controller Manager makes no entries for it (namespace_ignored)\n')
    const masked = await statusOf(clusterWith(await made({ entriesMasked: 1 })))
    expect(masked.code).toBe(0)
    expect(masked.stdout).toContain('1 ClusterSPIFFEID processed, of which 1 masked, 0 not yet')
  })

  test('names one that it has not looked at for over 30 s, and not a younger one', async () => {
    const objects = await settled(binding(), [pool(), objective()], { status: {} })
    const old = await statusOf(clusterWith(objects))
    expect(old.code).toBe(2)
    expect(old.stdout).toContain('0 ClusterSPIFFEIDs processed, 1 not yet, 0 failing\n')
    expect(old.stdout).toContain('SPIRE Controller Manager has not looked at it: ')
    const young = withOutput(objects, (one) => ({
      ...one,
      metadata: { ...one.metadata, creationTimestamp: ago(29) },
    }))
    expect((await statusOf(clusterWith(young))).code).toBe(0)
  })
})

const operatorLinesOf = async (sight: OperatorSight): Promise<readonly [number, readonly string[]]> => {
  const result = await statusOf(clusterWith([]), {}, { sight })
  return [result.code, under(result, 'Kleym')]
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
      'whose webhook does not run',
      operator({ checks: [{ name: 'webhook', ok: false, problem: 'not served yet' }] }),
      'webhook: not served yet',
    ],
    [
      'whose certificate has expired',
      operator({ certificates: { webhook: ago(1) } }),
      `the certificate of the webhook has expired at ${ago(1)}`,
    ],
    [
      'of which no replica is ready',
      operator({}, { deployment: { ...deployment, ready: 0 } }),
      'none of 2 replicas is ready',
    ],
    [
      'of which no replica is ready, and which has said nothing',
      operator({}, { deployment: { ...deployment, ready: 0 }, status: undefined }),
      'none of 2 replicas is ready',
    ],
    [
      'that is scaled to nothing',
      operator({}, { deployment: { ...deployment, ready: 0, wanted: 0 } }),
      'its Deployment is scaled to no replicas',
    ],
    [
      'of which no replica is ready, and whose status may not be read',
      operator(
        {},
        { deployment: { ...deployment, ready: 0 }, status: undefined, unseen: { status: 'reading: 403' } },
      ),
      'none of 2 replicas is ready',
    ],
    [
      'that is nowhere',
      operator({}, { deployment: undefined, status: undefined }),
      'there is no Deployment of it, and no operator has said in namespace kleym-system that it runs',
    ],
    [
      'without a Deployment, and whose status may not be read',
      operator({}, { deployment: undefined, status: undefined, unseen: { status: 'reading: 403' } }),
      'there is no Deployment of it',
    ],
  ])('%s: 2', async (_title, sight, words) => {
    const [code, said] = await operatorLinesOf(sight)
    expect(code).toBe(2)
    expect(said.filter((line) => line.startsWith(`operator: ${words}`))).toHaveLength(1)
    const { stdout } = await statusOf(clusterWith([]), { format: 'json' }, { sight })
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'ERROR',
      components: { kleym: { status: 'ERROR' }, operator: { status: 'ERROR' } },
      findings: expect.arrayContaining([
        expect.objectContaining({ id: 'operator-unavailable', severity: 'error' }),
      ]),
    })
  })

  test('that is ready and has said nothing, as the former operator: a warning, here and of a binding', async () => {
    const sight = operator({}, { status: undefined })
    const silent = 'no operator has said in namespace kleym-system that it runs'
    const { code, stdout } = await statusOf(clusterWith(await chat()), { format: 'json' }, { sight })
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'WARNING',
      components: {
        kleym: { status: 'WARNING' },
        operator: { status: 'WARNING', readyReplicas: 2, message: expect.stringContaining(silent) },
      },
      findings: [{ id: 'operator-unreported', severity: 'warning' }],
    })
    const inspected = await look(await chat(), { around: { sight }, pods: [{}] })
    expect([inspected.code, firstLine(inspected)]).toEqual([0, 'READY'])
    expect(inspected.stdout).toContain(`warning operator-unreported (OperatorUnreported): `)
  })

  test.each<readonly [string, Parameters<typeof operator>[1]]>([
    ['Deployments', { deployment: undefined, unseen: { deployment: 'listing Deployments: 403' } }],
    ['its status', { status: undefined, unseen: { status: 'reading ConfigMap: 403' } }],
    [
      'Deployments, and that has said nothing',
      { deployment: undefined, status: undefined, unseen: { deployment: 'listing Deployments: 403' } },
    ],
  ])('of somebody who may not read %s is no error, and that is said', async (_title, more) => {
    const why = Object.values(more?.unseen ?? {}).join('')
    const { code, stdout } = await statusOf(
      clusterWith([]),
      { format: 'json' },
      { sight: operator({}, more) },
    )
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'WARNING',
      findings: expect.arrayContaining([
        expect.objectContaining({ id: 'rbac-limited', message: expect.stringContaining(why) }),
      ]),
    })
    const text = await statusOf(clusterWith([]), {}, { sight: operator({}, more) })
    expect(under(text, 'Kleym').join('\n')).toMatch(new RegExp(`could (?:not )?be seen: ${why}`, 'v'))
  })

  test.each<readonly [string, OperatorSight, string]>([
    ['that is well', operator({ heartbeat: ago(179) }), 'heard of 2 min ago'],
    [
      'outside the cluster',
      operator({}, { deployment: undefined }),
      'version 0.1.0, leader kleym-operator-a, heard',
    ],
    ['that may not be looked at', { kind: 'unseen', why: '403' }, 'it could not be seen: 403'],
    [
      'whose webhook is not answered, which keeps nobody from work',
      operator({ checks: [{ name: 'probe', ok: false, problem: 'no route', informs: true }] }),
      'operator: remark: probe: no route',
    ],
  ])('%s: 0', async (_title, sight, words) => {
    const [code, lines] = await operatorLinesOf(sight)
    expect(code).toBe(0)
    expect(lines.join('\n')).toContain(words)
  })

  test('says whether the webhook is registered and answered', async () => {
    const [, lines] = await operatorLinesOf(
      operator({
        checks: [
          { name: 'registration', ok: true, informs: true },
          { name: 'probe', ok: undefined, informs: true },
        ],
      }),
    )
    expect(lines).toContain('operator: not halted; webhook registered, not known yet if answered')
  })

  test('halted is not said twice', async () => {
    const halted = 'another contract'
    const [, said] = await operatorLinesOf(
      operator({ halted, checks: [{ name: 'contract', ok: false, problem: halted }] }),
    )
    expect(said.filter((line) => line.includes(halted))).toHaveLength(1)
  })

  test('is asked for in the namespace that is named, else wherever it is', async () => {
    const asked: unknown[] = []
    const readOperator = (namespace: string | undefined) => (
      asked.push(namespace),
      Promise.resolve(operator())
    )
    for (const operatorNamespace of ['mine', undefined])
      await statusOf(clusterWith([]), { operatorNamespace }, { readOperator } as object)
    expect(asked).toEqual(['mine', undefined])
    expect(statusOptions([], {})).toMatchObject({ options: { operatorNamespace: undefined } })
    expect(statusOptions(['--operator-namespace=mine'], {})).toMatchObject({
      options: { operatorNamespace: 'mine' },
    })
  })
})

const lookAtLeaving = (deletionTimestamp: string) =>
  statusOf(clusterWith([binding({ metadata: { deletionTimestamp, finalizers: ['example.org/keep'] } })]))

describe('a deletion', () => {
  test('that has just begun is said: 0', async () => {
    expect(await lookAtLeaving(ago(59))).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('default/chat, for 59 s: it is being deleted\n'),
    })
  })

  test('that hangs is an error, with what keeps it: 2', async () => {
    expect(await lookAtLeaving(ago(61))).toMatchObject({
      code: 2,
      stdout: expect.stringContaining(
        'its deletion has waited for 61 s for the removal of finalizer example.org/keep\n',
      ),
    })
  })
})

describe('the command line of status', () => {
  test.each([
    [['chat'], 'unexpected argument "chat"'],
    [['-o', 'xml'], '"xml"'],
    [['-n', 'A'], '"A"'],
    [['-A', '-n', 'a'], '-A and -n'],
    [['--timeout', '0s'], 'no time at all'],
    [['--timeout', '5'], 'not a duration'],
    [['--trust-domain', 'a'], 'unknown flag'],
  ])('%j is refused', (argv, words) => {
    expect(statusOptions(argv, {})).toMatchObject({
      kind: 'usage',
      problems: [expect.stringContaining(words)],
    })
  })

  test.each([
    [[], 30_000],
    [['--timeout', '1m30s'], 90_000],
    [['--timeout=1.5s'], 1500],
    [['--timeout=20ms'], 20],
  ])('%j gives %i ms', (argv, timeoutMs) => {
    expect(statusOptions(argv, {})).toMatchObject({ cluster: { timeoutMs } })
  })

  test('has help', () => {
    expect(statusOptions(['-h'], {})).toMatchObject({
      kind: 'help',
      text: expect.stringContaining('--context'),
    })
  })
})
