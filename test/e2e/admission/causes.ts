import { describe, expect, test } from 'vitest'
import {
  clusterSpiffeIdResource,
  crdName,
  definitionResource,
  objectiveResources,
  optionalResources,
  poolResources,
  type Resource,
} from '../../../src/core/resources.ts'
import { objective, pool } from '../../support/builders.ts'
import { resourceOf, type Manifest } from '../../support/vectors.ts'
import { movedTo, replaceDefinition } from '../loop/support/definitions.ts'
import { createNamespace, patience, type Cluster } from '../support/cluster.ts'
import { serveOnly } from '../support/kinds.ts'
import { binding, poolOnly } from '../support/manifests.ts'
import { tracesOf } from '../support/traces.ts'
import { wordsOfCheck, wordsOfKubectl } from '../support/verdicts.ts'
import { operatorKnows } from '../support/webhook.ts'

const put = async (cluster: Cluster, manifests: readonly Manifest[]): Promise<void> => {
  for (const manifest of manifests) await cluster.create(resourceOf(manifest), manifest)
}

/** What admission says in situations that no worked case has. */
export function causesSuite(cluster: () => Cluster): void {
  test('several problems are printed at once', async () => {
    const namespace = 'causes'
    await createNamespace(cluster(), namespace)
    const wild = pool({ name: 'wild', namespace, selector: {} })
    await put(cluster(), [wild])
    const bad = binding({
      name: 'bad',
      namespace,
      spec: {
        poolRef: { name: 'wild' },
        objectiveRef: { group: 'example.org' },
        serviceAccountName: 'Not_A_Name',
        containerName: 'a.b',
      },
    })
    const words = await wordsOfCheck({ binding: bad, pools: [wild], objectives: [], otherBindings: [] })
    const result = await cluster().kubectl(['apply', '-f', '-'], { input: JSON.stringify(bad) })
    expect(result.code).toBe(1)
    expect(wordsOfKubectl(result)).toEqual(words)
    expect(result.stderr.match(/^\* spec\..*: \w+\/\w+: /gm)).toHaveLength(5)
    expect(await tracesOf(cluster(), bad)).toEqual({ bindings: [], outputs: [], events: [], claims: [] })
  })

  test('a binding that the API server is to name is called by what its name is to begin with', async () => {
    const namespace = 'unnamed'
    await createNamespace(cluster(), namespace)
    const bad = binding({ name: 'unnamed', namespace, spec: { mode: 'Both' } })
    const { name: _, ...metadata } = bad.metadata
    const input = JSON.stringify({ ...bad, metadata: { ...metadata, generateName: 'chat-' } })
    const result = await cluster().kubectl(['create', '-f', '-'], { input })
    expect(result.code).toBe(1)
    expect(result.stderr).toContain('The InferenceIdentityBinding "chat-" is invalid')
  })

  describe('what is no failure but surely not meant is admitted with a warning', () => {
    test.each(advised)('$reason', async ({ reason, namespace, others, mine }) => {
      await createNamespace(cluster(), namespace)
      const pools = [pool({ namespace }), ...others.filter(isOf('InferencePool'))]
      const objectives = [objective({ namespace }), ...others.filter(isOf('InferenceObjective'))]
      const otherBindings = others.filter(isOf('InferenceIdentityBinding'))
      await put(cluster(), [...pools, ...objectives, ...otherBindings])
      for (const other of otherBindings) await operatorKnows(cluster(), other)
      const words = await wordsOfCheck({ binding: mine, pools, objectives, otherBindings })
      const result = await cluster().kubectl(['apply', '-f', '-'], { input: JSON.stringify(mine) })
      expect(wordsOfKubectl(result)).toEqual(words)
      expect(words.warned.join('\n')).toContain(`: ${reason}: `)
      expect(result.code).toBe(0)
    })
  })
}

const isOf =
  (kind: string) =>
  (manifest: Manifest): boolean =>
    manifest.kind === kind

type Advised = {
  readonly reason: string
  readonly namespace: string
  readonly others: readonly Manifest[]
  readonly mine: Manifest
}

const longName = `p${'o'.repeat(230)}l`
const narrow = { matchLabels: { app: 'chat', tier: 'gold' } }

/** Beside the pool and objective `chat`. */
const advised: readonly Advised[] = [
  {
    reason: 'Conflict/OverlappingSelector',
    namespace: 'overlap',
    others: [
      pool({ namespace: 'overlap', name: 'narrow', selector: narrow }),
      objective({ namespace: 'overlap', name: 'gold', poolRef: { name: 'narrow' } }),
      binding({
        name: 'peer',
        namespace: 'overlap',
        spec: { poolRef: { name: 'narrow' }, objectiveRef: { name: 'gold' } },
      }),
    ],
    mine: binding({ name: 'mine', namespace: 'overlap' }),
  },
  {
    reason: 'Conflict/SharedSPIFFEID',
    namespace: 'shared-id',
    others: [binding({ name: 'peer', namespace: 'shared-id', spec: { containerName: 'other' } })],
    mine: binding({ name: 'mine', namespace: 'shared-id' }),
  },
  {
    reason: 'Conflict/MixedModes',
    namespace: 'modes',
    others: [binding({ name: 'peer', namespace: 'modes' })],
    mine: poolOnly({ name: 'mine', namespace: 'modes' }),
  },
  {
    reason: 'RenderFailure/LongIdentity',
    namespace: 'long',
    others: [pool({ namespace: 'long', name: longName })],
    mine: poolOnly({ name: 'mine', namespace: 'long', spec: { poolRef: { name: longName } } }),
  },
]

const kinds: readonly (readonly [reason: string, missing: readonly Resource[]])[] = [
  ['InvalidRef/InferencePoolCRDMissing', poolResources],
  ['InvalidRef/InferenceObjectiveCRDMissing', objectiveResources],
  ['RenderFailure/ClusterSPIFFEIDCRDMissing', [clusterSpiffeIdResource]],
]

/** Takes kinds away, with all their objects: it comes after what needs them. */
export function missingKindsSuite(cluster: () => Cluster): void {
  test.each(kinds)('%s is a warning', async (reason, missing) => {
    await serveOnly(
      cluster(),
      optionalResources.filter((resource) => !missing.includes(resource)),
    )
    const input = JSON.stringify(binding({ name: 'early', namespace: 'default' }))
    const dryRun = ['apply', '--dry-run=server', '-f', '-']
    await expect
      .poll(async () => (await cluster().kubectl(dryRun, { input })).stderr, { ...patience, interval: 250 })
      .toContain(`: ${reason}: `)
    const { code, stderr } = await cluster().kubectl(['apply', '-f', '-'], { input })
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining(`: ${reason}: `) })
    await cluster().kubectl(['delete', '-f', '-'], { input })
  })
}

/** A kind whose definition no longer serves the version that is read, nor does it later: it comes last. */
export function unreadKindSuite(cluster: () => Cluster): void {
  test('of a kind that is served in another version alone, a warning says so, not that it is to be installed', async () => {
    await serveOnly(cluster(), optionalResources)
    const [resource] = objectiveResources
    const at = { name: resource ? crdName(resource) : '' }
    const definition = await cluster().find(definitionResource, at)
    if (!resource || !definition) throw new Error('the kind of objectives is there')
    await replaceDefinition(cluster(), resource, movedTo(definition, 'v1alpha3', { servesFormer: false }))
    const namespace = 'unread'
    await createNamespace(cluster(), namespace)
    await put(cluster(), [pool({ namespace })])
    const objectiveRef = { name: 'chat', group: resource.group }
    const input = JSON.stringify(binding({ name: 'early', namespace, spec: { objectiveRef } }))
    const dryRun = ['apply', '--dry-run=server', '-f', '-']
    const words = `: InvalidRef/InferenceObjectiveCRDMissing: spec.objectiveRef: CustomResourceDefinition ${at.name} serves v1alpha3 instead of v1alpha2, the version that this operator reads; let that version be served too`
    await expect
      .poll(async () => wordsOfKubectl(await cluster().kubectl(dryRun, { input })), {
        ...patience,
        interval: 250,
      })
      .toEqual({ denied: [], warned: [expect.stringContaining(words)] })
  })
}
