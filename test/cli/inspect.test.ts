import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { inspectOptions } from '../../src/cli/inspect-options.ts'
import { objectOr, type JsonObject } from '../../src/core/json.ts'
import {
  allResources,
  clusterSpiffeIdResource,
  objectiveResources,
  optionalResources,
  poolResources,
} from '../../src/core/resources.ts'
import type { CommandResult } from '../../src/result.ts'
import { definitionsIn } from '../../src/schema/definition.ts'
import { knownDefinitions } from '../../src/schema/kinds.ts'
import { binding, objective, pool, poolOnly } from '../support/builders.ts'
import type { Manifest } from '../support/vectors.ts'
import {
  ago,
  deployment,
  firstLine,
  look,
  operator,
  settled,
  under,
  unreachable,
  withOutput,
  type Looked,
} from './looking.ts'

const chat = (options?: Parameters<typeof settled>[2]) => settled(binding(), [pool(), objective()], options)
const name = 'kleym-default-chat-objective-d964193d'
const outputLine = (result: CommandResult): string => under(result, 'ClusterSPIFFEID')[0] ?? ''

/** An operator that publishes nothing, as the former one. */
const silent = operator({}, { status: undefined })

const idOf = (result: CommandResult) => under(result, 'Identity')[0]

const without = (objects: readonly Manifest[], field: string): readonly Manifest[] =>
  withOutput(objects, (one) => {
    const { [field]: _, ...rest } = objectOr(one.spec)
    return { ...one, spec: rest }
  })

/** A binding that is being deleted, and these finalizers keep. */
const leaving = (...finalizers: readonly string[]): Manifest =>
  binding({ metadata: { deletionTimestamp: ago(90), finalizers } })

describe('kleym inspect', () => {
  test('takes the trust domain from the flag, from the status, from the operator, or assumes one', async () => {
    const objects = await settled(poolOnly({ name: 'chat' }), [pool()])
    expect(idOf(await look(objects))).toBe('SPIFFE ID: spiffe://example.org/ns/default/pool/chat')
    expect(idOf(await look(objects, { settings: { trustDomain: 'other.org' } }))).toBe(
      'SPIFFE ID: spiffe://other.org/ns/default/pool/chat',
    )
    const fresh = [pool(), objective(), binding()]
    const undiscovered = 'warning identity-config-undiscovered'
    const published = await look(fresh)
    expect(idOf(published)).toBe('SPIFFE ID: spiffe://example.org/ns/default/objective/chat')
    expect(under(published, 'Identity').at(-1)).toBe(
      'trust domain example.org (of the operator), no class (of the operator)',
    )
    expect(under(published, 'Findings').join('\n')).toContain(
      `${undiscovered} (IdentityConfigUndiscovered): the status names no trust domain: "example.org" is that of the operator`,
    )
    const assumed = await look(fresh, { around: { sight: silent } })
    expect(idOf(assumed)).toBe('SPIFFE ID: spiffe://kleym.sonda.red/ns/default/objective/chat')
    expect(under(assumed, 'Findings').join('\n')).toContain(undiscovered)
  })

  test('with a flag says nothing of a status that names a trust domain, and has no fix where none does', async () => {
    const settings = { trustDomain: 'example.org' }
    const named = await look(await chat(), { settings, pods: [{}], strict: true })
    expect([named.code, named.stdout]).toEqual([0, expect.not.stringContaining('undiscovered')])
    const findings = under(await look([pool(), objective(), binding()], { settings }), 'Findings')
    expect(findings).toContain(
      'warning identity-config-undiscovered (IdentityConfigUndiscovered): the status names no trust domain: "example.org" is that of the flag',
    )
  })

  test('draws no error from a trust domain that is assumed', async () => {
    const unseen = (await chat()).map((one) => (one.kind === binding().kind ? binding() : one))
    const ids = async (more: Looked): Promise<readonly string[]> => {
      const { stdout } = await look(unseen, { format: 'json', ...more })
      const { findings } = objectOr(JSON.parse(stdout))
      return (Array.isArray(findings) ? findings : []).map((one) => String(objectOr(one)['id']))
    }
    const drifted = ['output-drift', 'output-leftover']
    expect(await ids({ settings: { trustDomain: 'other.org' } })).toEqual(expect.arrayContaining(drifted))
    for (const id of drifted) expect(await ids({ around: { sight: silent } })).not.toContain(id)
    const { stdout } = await look(unseen, { around: { sight: silent } })
    expect(stdout).toContain(' is in place, by the trust domain that is assumed\n')
    const foreign = await look(
      withOutput(unseen, (one) => ({ ...one, metadata: { name: 'kleym-default-chat-objective-ff45e9a5' } })),
      { around: { sight: silent } },
    )
    expect(firstLine(foreign)).toContain('NOT READY: the operator has not looked at it yet')
  })

  test('counts no class as a difference where it is assumed', async () => {
    const unseen = (await chat({ flags: ['--clusterspiffeid-class-name', 'gpu'] })).map((one) =>
      one.kind === binding().kind ? binding() : one,
    )
    const settings = { trustDomain: 'example.org' }
    const around = { sight: silent }
    expect((await look(unseen, { settings, around })).stdout).not.toContain('output-drift')
    expect((await look(unseen, { settings: { ...settings, className: 'cpu' }, around })).stdout).toContain(
      'error   output-drift (Differs)',
    )
    const edited = withOutput(unseen, (one) => ({ ...one, spec: { ...objectOr(one.spec), admin: true } }))
    expect((await look(edited, { settings, around })).stdout).toContain('error   output-drift (Differs)')
  })

  test('of one that is well is READY: 0', async () => {
    const result = await look(await chat(), { pods: [{}] })
    expect(result).toMatchObject({ code: 0, stderr: '' })
    expect(firstLine(result)).toBe('READY')
  })

  test('compares the ClusterSPIFFEID that is there with the one that should be', async () => {
    const objects = await chat()
    const cases: readonly (readonly [readonly Manifest[], string])[] = [
      [withOutput(objects, () => undefined), `${name} is missing`],
      [
        withOutput(objects, (one) => ({ ...one, spec: { ...objectOr(one.spec), ttl: '1h' } })),
        `${name} differs in spec.ttl, without a class`,
      ],
      [
        withOutput(objects, (one) => ({ ...one, metadata: { ...one.metadata, deletionTimestamp: 'x' } })),
        `${name} is being deleted`,
      ],
      [
        withOutput(objects, (one) => ({ ...one, metadata: { ...one.metadata, annotations: {} } })),
        `${name} differs in metadata.annotations[kleym.sonda.red/binding], without a class`,
      ],
    ]
    for (const [there, words] of cases) {
      const result = await look(there)
      expect(result.code).toBe(2)
      expect(outputLine(result)).toBe(words)
      expect(firstLine(result)).toContain(
        `NOT READY: ClusterSPIFFEID ${words.replace(', without a class', '')}`,
      )
      expect(firstLine(result)).toContain('. Fix: the operator sets it right by itself')
    }
  })

  test('where none is wanted the cause is why', async () => {
    const objects = await chat()
    const foreign = await look(withOutput(objects, (one) => ({ ...one, metadata: { name } })))
    const poolless = await look(objects.filter(({ kind }) => kind !== 'InferencePool'))
    for (const result of [foreign, poolless]) {
      expect(result.code).toBe(2)
      expect(outputLine(result)).toBe('none is wanted')
    }
    expect(firstLine(foreign)).toMatch(
      /^NOT READY: RenderFailure\/ManagedOutputApplyFailed: .*left alone\. Fix: delete that one, or rename this binding\.$/v,
    )
    expect(firstLine(poolless)).toMatch(/^NOT READY: InvalidRef\/TargetPoolNotFound: /v)
  })

  test('names in the refs of what is left over that, and not the wanted one', async () => {
    const leftover = 'kleym-default-chat-pool-00000000'
    const objects = (await chat()).flatMap((one) =>
      one.kind === clusterSpiffeIdResource.kind
        ? [one, { ...one, metadata: { ...one.metadata, name: leftover } }]
        : [one],
    )
    const { stdout } = await look(objects, { format: 'json' })
    expect(JSON.parse(stdout)).toMatchObject({
      findings: [
        {
          id: 'output-leftover',
          affectedRefs: [{ name: 'chat' }, { kind: 'ClusterSPIFFEID', name: leftover }],
        },
        { id: 'zero-matched-pods' },
      ],
    })
  })

  test('advises nobody to delete the ClusterSPIFFEID of another binding', async () => {
    const one = binding({ name: 'a-b' })
    const objects = withOutput(await settled(one, [pool(), objective()]), (output) => ({
      ...output,
      metadata: { ...output.metadata, annotations: { 'kleym.sonda.red/binding': 'default/a.b' } },
    }))
    expect(firstLine(await look(objects, { name: 'a-b' }))).toMatch(
      /belongs to another binding's ClusterSPIFFEID, which is left alone\. Fix: rename this binding\.$/v,
    )
  })

  test('says for which ClusterSPIFFEID a binding waits that takes a container over', async () => {
    const heir = binding({ name: 'heir', spec: { objectiveRef: { name: 'second' } } })
    const going = { deletionTimestamp: ago(90) }
    const held = withOutput(
      await settled(binding(), [pool(), objective(), objective({ name: 'second' })]),
      (one) => ({ ...one, metadata: { ...one.metadata, ...going, finalizers: ['example.org/hold'] } }),
    ).map((one) =>
      one.metadata.name === 'chat' && one.kind === heir.kind ? binding({ metadata: going }) : one,
    )
    const result = await look([...held, heir], { name: 'heir' })
    const waits = new RegExp(
      `kleym-default-heir-objective-\\w+ waits until ${name}, by which another binding still serves the same container, is gone`,
      'v',
    )
    expect(under(result, 'What it would come to')[0]).toMatch(waits)
    expect(under(result, 'Findings').join('\n')).toMatch(
      /error   output-drift \(Waiting\): .*Fix: see what keeps it/v,
    )
  })

  test.each([
    ['pools', poolResources, { name: 'chat' }, 'InferencePoolCRDMissing', 'GAIECRDMissing'],
    ['objectives', objectiveResources, { name: 'chat' }, 'InferenceObjectiveCRDMissing', 'GAIECRDMissing'],
    [
      'the group of pools that is named',
      [poolResources[0]],
      { name: 'chat', group: 'inference.networking.k8s.io' },
      'InferencePoolCRDMissing',
      'GAIECRDMissing',
    ],
    [
      'ClusterSPIFFEIDs',
      [clusterSpiffeIdResource],
      { name: 'chat' },
      'ClusterSPIFFEIDCRDMissing',
      'ClusterSPIFFEIDCRDMissing',
    ],
  ])('without the kind of %s says so, as status does', async (_title, unserved, poolRef, reason, missing) => {
    const served = allResources.filter((one) => !unserved.includes(one))
    const { code, stdout } = await look([binding({ spec: { poolRef } }), pool(), objective()], {
      served,
      format: 'json',
    })
    expect(code).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject({
      findings: expect.arrayContaining([
        expect.objectContaining({ id: 'dependency-missing', reason }),
        expect.objectContaining({ id: 'crd-missing', severity: 'error', reason: missing }),
      ]),
    })
  })

  test.each([
    ['poolRef', poolResources, 'inference.networking.x-k8s.io'],
    ['objectiveRef', objectiveResources, 'inference.networking.k8s.io'],
  ])(
    'without the kind of the group that %s names advises to correct that group',
    async (field, row, group) => {
      const served = allResources.filter((one) => !row.includes(one) || one.group !== group)
      const one = binding({ spec: { [field]: { name: 'chat', group } } })
      const result = await look([one, pool(), objective()], { served })
      const fix = new RegExp(`\\. Fix: install the Inference[^.]*, or correct spec\\.${field}\\.group`, 'v')
      expect(firstLine(result)).toMatch(fix)
      expect(under(result, 'Findings').find((line) => line.includes('GAIECRDMissing'))).toMatch(fix)
      const ungrouped = await look([binding(), pool()], {
        served: allResources.filter((kind) => !row.includes(kind)),
      })
      const findings = under(ungrouped, 'Findings').join('\n')
      expect(findings).toMatch(/\(GAIECRDMissing\): .* Fix: install the Inference/v)
      expect(findings).not.toContain('or correct')
    },
  )

  test('where a kind is served in another version alone names both, and what stays', async () => {
    const gone = new Set(objectiveResources)
    const unread = objectiveResources.slice(0, 1).map((resource) => ({ resource, versions: ['v1alpha3'] }))
    const there = (await chat()).filter(({ kind }) => kind !== objective().kind)
    const result = await look(there, { served: allResources.filter((one) => !gone.has(one)), unread })
    const words =
      'CustomResourceDefinition inferenceobjectives.llm-d.ai serves v1alpha3 instead of v1alpha2, the version that this operator reads'
    const fix = 'let that version be served too, or run a version of this operator that reads another one'
    expect(firstLine(result)).toBe(
      `NOT READY: InvalidRef/InferenceObjectiveCRDMissing: spec.objectiveRef: ${words}; the identity that this operator gave by ClusterSPIFFEID ${name} is kept until the spec is edited. Fix: ${fix}.`,
    )
    expect(under(result, 'Findings').join('\n')).toContain(`(GAIECRDMissing): ${words}. Fix: ${fix}`)
    expect(result.stdout).not.toContain('install')
  })

  test('misses no kind that the binding does not need', async () => {
    const served = allResources.filter(
      (one) => one.kind !== 'InferenceObjective' && one.group !== 'inference.networking.x-k8s.io',
    )
    const { code } = await look(await settled(poolOnly({ name: 'chat' }), [pool()]), { served, pods: [{}] })
    expect(code).toBe(0)
  })

  test('of what the former operator left of a binding for a later version says that it is kept', async () => {
    const bare = { objectiveRef: undefined, containerName: undefined }
    const former = withOutput(await chat(), (one) => ({
      ...one,
      metadata: { ...one.metadata, annotations: {} },
    })).map((one) => (one.kind === binding().kind ? binding({ spec: bare }) : one))
    const kept = `the identity that the former operator gave by ClusterSPIFFEID ${name} is kept until the spec is edited`
    const result = await look(former)
    expect(firstLine(result)).toMatch(
      new RegExp(`^NOT READY: RenderFailure/MissingObjectiveRef: .*; ${kept}\\. Fix: `, 'v'),
    )
    expect(result.stdout).not.toContain('left over')
    expect(under(result, 'ClusterSPIFFEID')).toContain(`${name} is kept until the spec is edited`)
    expect(under(result, 'What it would come to')[0]).toMatch(
      new RegExp(`^reconciled now: MissingObjectiveRef: .*; ${kept}$`, 'v'),
    )
    const ours = former.map((one) =>
      one.kind === clusterSpiffeIdResource.kind
        ? {
            ...one,
            metadata: { ...one.metadata, annotations: { 'kleym.sonda.red/binding': 'default/chat' } },
          }
        : one,
    )
    expect((await look(ours)).stdout).toContain(`ClusterSPIFFEID ${name} is left over`)
    const poolless = former.filter(({ kind }) => kind !== 'InferencePool')
    expect((await look(poolless)).stdout).toContain(`ClusterSPIFFEID ${name} is left over`)
  })

  test('prints YAML without anchors', async () => {
    const { stdout } = await look([pool(), objective(), binding()], { format: 'yaml' })
    expect(stdout).toContain('id: zero-matched-pods\n')
    expect(stdout).not.toMatch(/(?:^|\s)[&*]a\d/mv)
  })

  test('names what is left over, and what its kind may not know is no difference', async () => {
    const objects = await chat()
    const output = objects.find(({ kind }) => kind === 'ClusterSPIFFEID')
    if (!output) throw new Error('there is no output')
    const leftover = { ...output, metadata: { ...output.metadata, name: 'kleym-default-chat-pool-00000000' } }
    const left = await look([...objects, leftover])
    expect(left.code).toBe(2)
    expect(firstLine(left)).toContain('ClusterSPIFFEID kleym-default-chat-pool-00000000 is left over')
    const copied = await look([...objects, { ...output, metadata: { ...output.metadata, name: 'copy' } }])
    expect(copied.code).toBe(0)
    expect(under(copied, 'ClusterSPIFFEID')).toContain('copy is a copy, which is left alone')
    const { hint: _, ...known } = objectOr(output.spec)
    const pruned = await look(objects.map((one) => (one === output ? { ...one, spec: known } : one)))
    expect(pruned.code).toBe(0)
    expect(outputLine(pruned)).toMatch(/ is in place, but for what .*: spec\.hint, without a class$/v)
  })

  test.each([
    'podSelector',
    'namespaceSelector',
    'workloadSelectorTemplates',
    'hint',
    'fallback',
    'className',
  ])('a missing spec.%s is a difference where the installed kind has that field', async (field) => {
    const flags = ['--clusterspiffeid-class-name', 'gpu']
    const objects = without(await chat({ flags }), field)
    const result = await look(objects, { definitions: knownDefinitions, pods: [{}] })
    expect(result.code).toBe(2)
    expect(firstLine(result)).toContain(`NOT READY: ClusterSPIFFEID ${name} differs in spec.${field}. Fix: `)
  })

  test('without selectors it differs, whatever the installed kind may have', async () => {
    for (const field of ['podSelector', 'namespaceSelector', 'workloadSelectorTemplates'])
      expect(outputLine(await look(without(await chat(), field)))).toContain(
        `${name} differs in spec.${field}`,
      )
  })

  test('what the installed kind prunes is no difference', async () => {
    const earlier = 'test/crds/earlier/spire-controller-manager-v0.4.4-clusterspiffeids.yaml'
    const definitions = definitionsIn(objectOr(parse(readFileSync(earlier, 'utf8'))))
    const pruned = await look(without(await chat(), 'fallback'), { definitions, pods: [{}] })
    expect([pruned.code, firstLine(pruned)]).toEqual([0, 'READY'])
    expect(outputLine(pruned)).toMatch(/ is in place, but for what .*: spec\.fallback, without a class$/v)
    const classless = without(await chat({ flags: ['--clusterspiffeid-class-name', 'gpu'] }), 'className')
    expect(outputLine(await look(classless, { definitions }))).toContain(`${name} differs in spec.className`)
  })

  test('of one that is being deleted says that, and nothing of what would be', async () => {
    const result = await look([leaving('example.org/keep'), pool(), objective()], {
      settings: { trustDomain: 'a' },
    })
    expect(firstLine(result)).toBe(
      'NOT READY: it is being deleted, for 90 s. Fix: what keeps it is example.org/keep.',
    )
    expect(result.stdout).toContain('it is being deleted\n')
    expect(result.stdout).not.toContain('settles on')
  })

  test('of one that is being deleted names what its ClusterSPIFFEID waits for, and no collision', async () => {
    const finalizers = ['kleym.sonda.red/inferenceidentitybinding-finalizer']
    const going = { deletionTimestamp: ago(90) }
    const objects = withOutput(
      await settled(binding({ metadata: { finalizers } }), [pool(), objective()]),
      (one) => ({ ...one, metadata: { ...one.metadata, ...going, finalizers: ['example.org/hold'] } }),
    ).map((one) =>
      one.kind === 'InferenceIdentityBinding' ? { ...one, metadata: { ...one.metadata, ...going } } : one,
    )
    const result = await look([...objects, binding({ name: 'heir' })])
    expect(firstLine(result)).toBe(
      `NOT READY: it is being deleted, for 90 s. Fix: what keeps it is finalizer example.org/hold of its ClusterSPIFFEID ${name}, which has to go first.`,
    )
    expect(result.stdout).not.toContain('Collision')
    const free = withOutput(objects, (one) => ({ ...one, metadata: { ...one.metadata, finalizers: [] } }))
    expect(firstLine(await look(free))).toContain(`Fix: leave finalizer ${finalizers.join()} to the operator`)
  })

  test.each([
    ['works', operator(), 'once the ClusterSPIFFEIDs of the binding are gone; if that lasts, see its log'],
    [
      'is off',
      operator({}, { deployment: { ...deployment, ready: 0, wanted: 0 } }),
      'as soon as it works, and it does not now: its Deployment is scaled to no replicas',
    ],
    ['may not be seen', { kind: 'unseen', why: 'forbidden' } as const, 'as soon as it runs'],
  ])(
    'of one that is being deleted leaves the finalizer of the operator to the operator, which %s',
    async (_title, sight, words) => {
      const ours = 'kleym.sonda.red/inferenceidentitybinding-finalizer'
      const fix = `leave finalizer ${ours} to the operator, which takes it off ${words}.`
      expect(firstLine(await look([leaving(ours)], { around: { sight } }))).toBe(
        `NOT READY: it is being deleted, for 90 s. Fix: ${fix}`,
      )
      expect(firstLine(await look([leaving('example.org/keep', ours)], { around: { sight } }))).toContain(
        `Fix: what keeps it is example.org/keep; ${fix}`,
      )
    },
  )

  test('judges by the actions of the operator, and by those that it is told before these', async () => {
    const objects = await settled(binding(), [pool({ selector: {} }), objective()])
    expect((await look(objects)).stdout).toContain('created now: deny\n')
    expect((await look(objects, { actions: { InvalidPoolSelector: 'ignore' } })).stdout).toContain(
      'created now: allow\n',
    )
  })

  test('says what the loop would come to', async () => {
    const objects = await chat()
    const taken = withOutput(objects, (one) => ({ ...one, metadata: { name: one.metadata.name } }))
    expect((await look(objects)).stdout).toContain('reconciled now: as its status says\n')
    expect((await look(taken)).stdout).toContain('reconciled now: ManagedOutputApplyFailed: ')
  })

  test('says of a condition that is False what was found to be right', async () => {
    const { stdout } = await look(await chat())
    expect(stdout).toContain('Conflict: False, Resolved (generation 1): it collides with no other binding\n')
  })

  test('that finds no such binding: 3, and which may be meant; no cluster: 4', async () => {
    expect(await look([binding({ name: 'other' })])).toMatchObject({ code: 3, stdout: '' })
    expect(await look([binding({ name: 'chats' })])).toMatchObject({
      code: 3,
      stderr: 'kleym: there is no InferenceIdentityBinding default/chat; did you mean "chats"?\n',
    })
    expect(await look([], { around: { readCluster: unreachable } })).toMatchObject({ code: 4 })
  })

  test('looks in the namespace of the context unless another is named', async () => {
    const asked: unknown[] = []
    const around: Looked['around'] = {
      defaultNamespace: () => Promise.resolve('mine'),
      readCluster: (scope) => (asked.push(scope?.namespace), unreachable(scope)),
    }
    await look([], { around, namespace: undefined })
    await look([], { around, namespace: 'yours' })
    expect(asked).toEqual(['mine', 'yours'])
  })

  test('breaks its lines where the terminal ends', async () => {
    const { stdout } = await look(await chat(), { around: { width: 80 } })
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  })
})

const withStats = async (
  written: unknown,
  createdAt = ago(60),
  more: Looked = {},
): Promise<CommandResult> => {
  const objects = await chat({ status: written ?? {} })
  return look(
    withOutput(objects, (one) => ({ ...one, metadata: { ...one.metadata, creationTimestamp: createdAt } })),
    more,
  )
}
const stats = { namespacesSelected: 1, podsSelected: 1, entriesToSet: 1 }

const lease = (seconds: number): Looked => ({
  around: {
    spire: { kind: 'seen', leases: [{ place: 'spire/x.spiffe.io', renewedAt: ago(seconds) }] },
  },
})

const unprocessed = async (seconds: number): Promise<readonly Manifest[]> =>
  withOutput(await chat({ status: {} }), (one) => ({
    ...one,
    metadata: { ...one.metadata, creationTimestamp: ago(seconds) },
  }))
const younger = (spec: JsonObject): Manifest => ({
  apiVersion: 'spire.spiffe.io/v1alpha1',
  kind: 'ClusterSPIFFEID',
  metadata: { name: 'other', creationTimestamp: ago(1) },
  spec: { podSelector: { matchLabels: { app: 'none' } }, ...spec },
  status: { stats },
})

describe('kleym inspect on what became of an output', () => {
  test.each([
    ['that nobody has looked at for over 30 s', undefined, 'has not looked at it: it does not run'],
    ['of an ignored namespace', { ...stats, namespacesIgnored: 1 }, 'ignores namespace default'],
    [
      'that could not be rendered',
      { ...stats, podEntryRenderFailures: 1 },
      'could make no entry for 1 of 1 pods',
    ],
    ['whose entries are refused', { ...stats, entryFailures: 2 }, 'the SPIRE server refused 2 entries'],
  ])('%s says so first: 2', async (_title, made, words) => {
    const result = await withStats(made && { stats: made })
    expect(firstLine(result)).toContain(words)
    expect(firstLine(result)).toContain('. Fix: ')
    expect(result.code).toBe(2)
  })

  test.each([
    ['that nobody has looked at yet', undefined, 'has not looked at it'],
    ['that is masked', { ...stats, entriesMasked: 1 }, '1 entries are masked'],
    ['that selects pods', stats, '1 pods selected, 1 entries'],
  ])('%s says so: 0', async (_title, made, words) => {
    const result = await withStats(made && { stats: made }, ago(29))
    expect(under(result, 'ClusterSPIFFEID').join('\n')).toContain(`SPIRE Controller Manager: ${words}`)
    expect(result.code).toBe(0)
  })

  test('says at once that it does not run, by its Lease', async () => {
    expect(firstLine(await withStats(undefined, ago(5), lease(300)))).toBe(
      'NOT READY: SPIRE Controller Manager does not run: Lease spire/x.spiffe.io was last renewed 5 min ago. Fix: start SPIRE Controller Manager; entries are made as soon as it is back.',
    )
  })

  test('says that it looks at another class, where it runs', async () => {
    expect(firstLine(await withStats(undefined, ago(60), lease(5)))).toContain(
      `passes ClusterSPIFFEID ${name} over, which has no class: it only looks at another class. Fix: `,
    )
  })

  test('says at once which class it looks at, by a younger one that it has looked at', async () => {
    expect(firstLine(await look([...(await unprocessed(5)), younger({ className: 'gpu' })]))).toContain(
      'which has no class: it looks at class "gpu". Fix: run the operator with --clusterspiffeid-class-name=gpu, or',
    )
  })

  test('waits 30 s for one of the class that it looks at, also if it has looked at a younger one', async () => {
    expect((await look([...(await unprocessed(29)), younger({})])).code).toBe(0)
    const late = await look([...(await unprocessed(31)), younger({})])
    expect(firstLine(late)).toContain('has not looked at it: it does not run')
  })
})

const give = (other: string, spec: JsonObject): Manifest => ({
  apiVersion: 'spire.spiffe.io/v1alpha1',
  kind: 'ClusterSPIFFEID',
  metadata: { name: other },
  spec: {
    spiffeIDTemplate: `spiffe://x/${other}`,
    podSelector: { matchLabels: { app: 'chat' } },
    ...spec,
  },
})

const running = (seconds: number) => [{ phase: 'Running', startTime: ago(seconds) }]

describe('kleym inspect on entries that are not there', () => {
  const doubt = 'warning output-without-entries'

  test.each([
    [
      { namespacesSelected: 1 },
      'selected no pod when it last looked, though a pod that fits has run for over 30 s',
    ],
    [{}, 'selected no pod when it last looked'],
    [{ podsSelected: 1 }, 'made no entry when it last looked'],
  ])('though a pod that fits has run for long, by %j: a warning', async (written, words) => {
    const result = await withStats({ stats: written }, ago(60), { pods: running(31) })
    expect([result.code, firstLine(result)]).toEqual([0, 'READY'])
    expect(under(result, 'Findings').join('\n')).toMatch(new RegExp(`${doubt} .*${words}`, 'v'))
    expect((await withStats({ stats: written }, ago(60), { pods: running(31), strict: true })).code).toBe(2)
  })

  test.each<readonly [string, Looked['pods'] & object, object]>([
    ['that has just begun to run', running(29), {}],
    ['that does not run yet', [{ phase: 'Pending', startTime: ago(300) }], {}],
    ['that does not fit', [{ ...running(300)[0], account: 'other' }], {}],
    ['whose entry is masked', running(300), { podsSelected: 1, entriesMasked: 1 }],
    ['that has its entry', running(300), stats],
  ])('for a pod %s nothing is said', async (_title, pods, written) => {
    expect((await withStats({ stats: written }, ago(60), { pods })).stdout).not.toContain(doubt)
  })
})

describe('kleym inspect on pods', () => {
  const selector = { matchLabels: { app: 'chat', role: 'decode' } }
  const fit = { labels: { ...selector.matchLabels, zone: 'a' } }
  const lookAt = async (pods: Looked['pods'], one = binding()): Promise<CommandResult> =>
    look(await settled(one, [pool({ selector }), objective()]), pods === undefined ? {} : { pods })

  test('says of each whether it fits, and what it lacks', async () => {
    const result = await lookAt([
      { ...fit, name: 'b', initContainers: ['init'] },
      { ...fit, name: 'a', containers: ['vllm'], initContainers: ['main'] },
      { ...fit, name: 'c', account: 'other' },
      { ...fit, name: 'd', containers: ['vllm', 'proxy'], account: 'other' },
      { name: 'f', labels: { role: 'decode' } },
      { name: 'e', labels: { app: 'chat', role: 'prefill' } },
      { name: 'g', labels: { app: 'other' } },
      { ...fit, name: 'h', phase: 'Succeeded' },
    ])
    expect(result.code).toBe(0)
    expect(under(result, 'Matched pods')).toEqual([
      '2 of 4 fit',
      'pod a fits',
      'pod b fits',
      'pod c does not fit: it runs as ServiceAccount "other", not as "server"',
      'pod d does not fit: it runs as ServiceAccount "other", not as "server"; it has no container "main", but "vllm", "proxy"',
      'pod e is not selected: label role is "prefill", not "decode"',
      'pod f is not selected: label app is missing, not "chat"',
    ])
  })

  test.each([
    [
      'another account',
      { ...fit, account: 'other' },
      'the one pod of the pool does not fit; pod chat-0: it runs as ServiceAccount "other", not as "server". Fix: name the ServiceAccount that the pods run as',
      'UnsafeSelector/NoSuchServiceAccount: ',
    ],
    [
      'another container',
      { ...fit, containers: ['vllm'] },
      'the one pod of the pool does not fit; pod chat-0: it has no container "main", but "vllm". Fix: name a container that the pods have',
      'UnsafeSelector/NoSuchContainer: ',
    ],
    [
      'another label',
      { labels: { app: 'chat', role: 'prefill' } },
      'no pod has all labels of the pool; nearest comes pod chat-0: label role is "prefill", not "decode". Fix: correct the labels',
      'created now: allow',
    ],
  ])('of which each has %s: 2, and that first', async (_title, one, words, advice) => {
    const result = await lookAt([one])
    expect(result.code).toBe(2)
    expect(firstLine(result)).toContain(`NOT READY: ${words}`)
    expect(under(result, 'What it would come to').join('\n')).toContain(advice)
  })

  test('of which there are none: 0, with the labels that they would have', async () => {
    const result = await lookAt([])
    expect(result.code).toBe(0)
    expect(under(result, 'Matched pods')).toEqual(['none has all labels of the pool (app=chat, role=decode)'])
    expect(under(result, 'Findings')).toEqual([
      'info    zero-matched-pods (ZeroMatchedPods): no pod that can be read matches',
    ])
  })

  test('names ten of each sort', async () => {
    const pods = Array.from({ length: 12 }, (_, index) => ({ ...fit, name: `p${index}` }))
    const lines = under(await lookAt(pods), 'Matched pods')
    expect(lines).toHaveLength(12)
    expect(lines.at(-1)).toBe('and 2 more, of which each fits')
  })

  test('of a PoolOnly binding looks at no container', async () => {
    const result = await lookAt([{ ...fit, containers: ['any'] }], poolOnly({ name: 'chat' }))
    expect([result.code, under(result, 'Matched pods')]).toEqual([0, ['1 of 1 fits', 'pod chat-0 fits']])
  })

  test('that may not be listed says so once, and goes on: 0', async () => {
    const result = await lookAt('forbidden')
    expect(result.code).toBe(0)
    expect(result.stdout.match(/listing pods: 403/gv)).toHaveLength(1)
  })

  test('names what other ClusterSPIFFEIDs give them', async () => {
    const result = await look(
      [
        ...(await chat()),
        give('all', {}),
        give('fallback', { fallback: true }),
        give('team', { namespaceSelector: { matchLabels: { team: 'a' } } }),
        give('elsewhere', { namespaceSelector: { matchLabels: { team: 'b' } } }),
        give('account', { workloadSelectorTemplates: ['k8s:sa:other'] }),
        give('others', { podSelector: { matchLabels: { app: 'other' } } }),
      ],
      {
        pods: [{ name: 'a' }, { name: 'b' }],
        around: { readNamespace: () => Promise.resolve({ team: 'a' }) },
      },
    )
    expect(under(result, 'What else these pods get')).toEqual([
      'a, b: spiffe://x/all of ClusterSPIFFEID all',
      'a, b: spiffe://x/fallback of ClusterSPIFFEID fallback (a fallback: nothing for pods that this binding selects)',
      'a, b: spiffe://x/team of ClusterSPIFFEID team',
    ])
  })
})

const event = (seconds: number, reason: string, count = 1) => ({
  at: ago(seconds),
  type: 'Warning',
  reason,
  note: `note of ${reason}`,
  count,
})

describe('kleym inspect on what is behind a failure', () => {
  test('shows both sides of a collision', async () => {
    const one = binding({ metadata: { generation: 1 } })
    const objects = await settled(one, [
      pool(),
      objective(),
      objective({ name: 'b' }),
      binding({ name: 'b', spec: { objectiveRef: { name: 'b' } } }),
    ])
    const result = await look(objects)
    expect(firstLine(result)).toBe(
      'NOT READY: Conflict/IdentityCollision: identity collision with bindings b: PerObjective bindings must not share the same pod selector and container name. Fix: give this binding, or the other one, another container, pool or service account.',
    )
    expect(under(result, 'Collision: all of these ask for one container of the same pods')).toEqual([
      'b: pool chat, objective b, ServiceAccount server, container main',
      'chat (this one): pool chat, objective chat, ServiceAccount server, container main',
    ])
  })

  test.each<readonly [string, readonly Manifest[], string]>([
    [
      'another name',
      [pool(), objective({ name: 'chats' })],
      'did you mean "chats"? Else create the objective',
    ],
    ['no such name', [pool(), objective({ name: 'embeddings' })], 'Fix: create the objective'],
    ['another pool', [pool({ name: 'chat2' }), objective()], 'did you mean "chat2"? Else create the pool'],
  ])('of a reference to what is there by %s says so', async (_title, others, words) => {
    expect(firstLine(await look(await settled(binding(), others)))).toContain(words)
  })

  test('names the group in which there is one', async () => {
    const one = binding({ spec: { objectiveRef: { name: 'chat', group: 'llm-d.ai' } } })
    const objects = await settled(one, [pool(), objective({ group: 'inference.networking.x-k8s.io' })])
    expect(firstLine(await look(objects))).toContain(
      'Fix: there is one in group inference.networking.x-k8s.io',
    )
  })

  test('has in its JSON what the operator publishes', async () => {
    const { stdout } = await look(await chat(), { format: 'json' })
    expect(JSON.parse(stdout)).toMatchObject({
      operator: { said: { configuration: { trustDomain: 'example.org' } }, problems: [] },
    })
  })

  test('tells what has happened, the last last', async () => {
    const events = [
      ...Array.from({ length: 12 }, (_, index) => event(900 - index, `R${index}`)),
      event(60, 'Last', 3),
    ]
    const around: Looked['around'] = { readEvents: () => Promise.resolve({ kind: 'seen', events }) }
    const lines = under(await look(await chat(), { around }), 'History')
    expect(lines).toHaveLength(10)
    expect(lines.at(-1)).toBe('60 s ago: Warning Last (3 times): note of Last')
  })
})

describe('kleym inspect without permission for', () => {
  test('ClusterSPIFFEIDs goes on: 0', async () => {
    const result = await look(await chat(), { unseen: [clusterSpiffeIdResource], pods: [{}] })
    expect(result.code).toBe(0)
    expect(result.stdout.match(/clusterspiffeids: 403/gv)).toHaveLength(1)
    expect(under(result, 'Matched pods')[0]).toBe('1 of 1 fits')
    expect(result.stdout).not.toContain('\nClusterSPIFFEID\n')
    expect((await look(await chat(), { unseen: [clusterSpiffeIdResource], strict: true })).code).toBe(2)
  })

  test('pools and objectives tells what the status says, and judges nothing: 0', async () => {
    const result = await look(await chat(), {
      unseen: optionalResources,
      pods: [{}, { name: 'b', account: 'x' }],
    })
    expect(result.code).toBe(0)
    expect(firstLine(result)).toBe('READY')
    for (const line of [
      'SPIFFE ID: spiffe://example.org/ns/default/objective/chat',
      'selector: k8s:container-name:main',
      '1 of 2 fits',
    ])
      expect(result.stdout).toContain(`${line}\n`)
    for (const { group, plural } of optionalResources)
      expect(result.stdout).toContain(`${plural}.${group}: listing ${plural}: 403`)
    expect(result.stdout).not.toContain('created now')
    expect(result.stdout).not.toContain('pool: ')
  })

  test('pools goes by what a status says that is False', async () => {
    const objects = await settled(binding(), [objective()])
    expect(firstLine(await look(objects, { unseen: optionalResources }))).toMatch(
      /^NOT READY: InvalidRef\/TargetPoolNotFound: .*\. Fix: create the pool or correct the name\.$/v,
    )
  })

  test('anything says in JSON what it could not see', async () => {
    const { stdout } = await look(await chat(), {
      unseen: [clusterSpiffeIdResource],
      pods: 'forbidden',
      format: 'json',
    })
    expect(JSON.parse(stdout)).toMatchObject({
      output: { state: 'unseen' },
      pods: { seen: false, why: 'listing pods: 403' },
      unseen: [expect.stringContaining('clusterspiffeids'), 'pods: listing pods: 403'],
    })
  })
})

describe('the command line of inspect', () => {
  test.each([
    [[], 'write kleym inspect binding NAME'],
    [['pool', 'chat'], '"pool" can\'t be inspected'],
    [['binding'], 'no binding is named'],
    [['binding', 'a', 'b'], 'unexpected argument "b"'],
    [['binding', 'a', '--trust-domain', 'A'], 'lower case'],
    [['binding', 'a', '--timeout', '-1s'], 'not a duration'],
  ])('%j is refused', (argv, words) => {
    expect(inspectOptions(argv, {})).toMatchObject({
      kind: 'usage',
      problems: [expect.stringContaining(words)],
    })
  })

  test('has help', () => {
    expect(inspectOptions(['binding', '--help'], {})).toMatchObject({ kind: 'help' })
  })
})
