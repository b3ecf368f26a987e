import { describe, expect, test } from 'vitest'
import { inspect, type InspectOptions } from '../../src/cli/inspect.ts'
import type { ReadCluster } from '../../src/cli/cluster.ts'
import { inspectOptions, statusOptions } from '../../src/cli/look-options.ts'
import type { CommandResult } from '../../src/cli/result.ts'
import { status } from '../../src/cli/status.ts'
import { retryingStatus } from '../../src/core/conditions.ts'
import { objectOr } from '../../src/core/json.ts'
import { bindingResource, optionalResources } from '../../src/core/resources.ts'
import { binding, objective, pool, poolOnly } from '../support/builders.ts'
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
const now = new Date('2026-01-01T12:00:00Z')
const text = { namespace: undefined, format: 'text' } as const

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
            metadata: { ...output.metadata, name: String(output.metadata['name']) },
          },
        ]
      : []),
  ]
}

describe('kleym status', () => {
  test('of a cluster without our kind: 3; of one that can not be read: 4', async () => {
    expect(
      await status(text, () => Promise.resolve({ kind: 'snapshot', served: [], manifests: [] })),
    ).toMatchObject({ code: 3, stdout: '' })
    expect(await status(text, unreachable)).toMatchObject({
      code: 4,
      stderr: 'kleym: there is no cluster here\n',
    })
  })

  test('of bindings that are Ready: 0, in columns', async () => {
    const objects = await settled(binding(), pool(), objective())
    expect(await status(text, clusterWith(...objects))).toStrictEqual({
      code: 0,
      stdout: [
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
    const { code, stdout } = await status({ ...text, format: 'yaml' }, clusterWith(one))
    expect(code).toBe(2)
    expect(stdout).toContain('ready: Unknown\n')
    expect(stdout).toContain('reason: Initializing\n')
  })

  test('of one whose first outcome is retried: 2, and why', async () => {
    const one = { ...binding(), status: retryingStatus({ observedGeneration: -1 }, 'writing it: 500', now) }
    const { code, stdout } = await status(text, clusterWith(one))
    expect(code).toBe(2)
    expect(stdout).toContain('default/chat: writing it: 500\n')
    expect(stdout).toContain('1 in all: 1 Ready/Retrying\n')
    const inspected = await look([one, pool(), objective()], { settings: { trustDomain: 'a' } })
    expect(inspected.stdout).toContain('Ready: Unknown, Retrying (no generation yet): writing it: 500\n')
  })

  test('asks for bindings alone, and for one namespace where one is named', async () => {
    const asked: unknown[] = []
    const read: ReadCluster = (scope) => (asked.push(scope), unreachable(scope))
    await status({ ...text, namespace: 'team' }, read)
    await status(text, read)
    expect(asked).toStrictEqual([
      { namespace: 'team', kinds: [bindingResource] },
      { namespace: undefined, kinds: [bindingResource] },
    ])
  })
})

const look = (objects: readonly Manifest[], more: Partial<InspectOptions> = {}): Promise<CommandResult> =>
  inspect(
    {
      namespace: 'default',
      name: 'chat',
      settings: {},
      actions: {},
      format: 'text',
      ...more,
    },
    { readCluster: clusterWith(...objects), now: new Date() },
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
    const listed = await status(text, clusterWith(leaving))
    expect(listed).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('default/chat: it is being deleted\n'),
    })
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
    expect(await inspect(options, { readCluster: unreachable, now: new Date() })).toMatchObject({ code: 4 })
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
