import { describe, expect, test } from 'vitest'
import type { StatusOptions } from '../../src/cli/status.ts'
import { objectOr, type JsonObject } from '../../src/core/json.ts'
import { allResources, clusterSpiffeIdResource, optionalResources } from '../../src/core/resources.ts'
import { binding, objective, pool, poolOnly } from '../support/builders.ts'
import type { Manifest } from '../support/vectors.ts'
import type { Around, Looked } from './looking.ts'
import { ago, clusterWith, deployment, look, operator, settled, statusOf } from './looking.ts'

type Finding = {
  readonly id: string
  readonly severity: string
  readonly reason: string
  readonly message: string
  readonly affectedRefs: readonly unknown[]
}
type Report = JsonObject & { readonly findings: readonly Finding[] }

const inspected = async (objects: readonly Manifest[], more: Looked = {}) => {
  const { code, stdout } = await look(objects, { format: 'json', ...more })
  const report: Report = JSON.parse(stdout)
  return { code, report, ids: report.findings.map(({ id }) => id) }
}

const overviewOf = async (
  objects: readonly Manifest[],
  around: Around = {},
  options: Partial<StatusOptions> = {},
) => {
  const { code, stdout } = await statusOf(clusterWith(objects), { format: 'json', ...options }, around)
  const report: Report = JSON.parse(stdout)
  return { code, report, ids: report.findings.map(({ id }) => id) }
}

const chat = () => settled(binding(), [pool(), objective()], { flags: ['--clusterspiffeid-class-name=gpu'] })
const ref = (namespace: string, name: string) => ({
  name,
  namespace,
  group: 'kleym.sonda.red',
  version: 'v1alpha1',
  kind: 'InferenceIdentityBinding',
})

describe('the BindingInspectionReport', () => {
  test('has every field that it has with the former operator, for a binding that is well', async () => {
    const { code, report } = await inspected(await chat(), { pods: [{}] })
    expect(code).toBe(0)
    const poolRef = {
      name: 'chat',
      namespace: 'default',
      group: 'inference.networking.k8s.io',
      version: 'v1',
      kind: 'InferencePool',
    }
    const objectiveRef = {
      name: 'chat',
      namespace: 'default',
      group: 'llm-d.ai',
      version: 'v1alpha2',
      kind: 'InferenceObjective',
    }
    const selectors = ['k8s:container-name:main', 'k8s:ns:default', 'k8s:pod-label:app:chat', 'k8s:sa:server']
    const selectorProvenance = {
      poolDerivedSelectors: ['k8s:pod-label:app:chat'],
      containerSelector: 'k8s:container-name:main',
      safetySelectors: ['k8s:ns:default', 'k8s:sa:server'],
    }
    const podSelector = { matchLabels: { app: 'chat' } }
    const spiffeID = 'spiffe://example.org/ns/default/objective/chat'
    expect(report).toMatchObject({
      schemaVersion: 'v1alpha1',
      kind: 'BindingInspectionReport',
      generatedAt: '2026-06-01T12:00:00Z',
      findings: [],
    })
    expect(report['identityConfig']).toStrictEqual({
      trustDomain: 'example.org',
      trustDomainSource: 'bindingStatus',
      clusterSPIFFEIDClassName: 'gpu',
      clusterSPIFFEIDClassNameSource: 'bindingStatus',
    })
    expect(report['bindingRef']).toStrictEqual({
      namespace: 'default',
      name: 'chat',
      generation: 1,
      mode: 'PerObjective',
      poolRef,
      objectiveRef,
      conditions: expect.arrayContaining([expect.objectContaining({ type: 'Ready', status: 'True' })]),
    })
    expect(report['resolvedInput']).toStrictEqual({
      poolRef,
      objectiveRef,
      servedGVKs: [poolRef, objectiveRef].map(({ group, version, kind }) => ({ group, version, kind })),
      poolSelector: podSelector,
      containerName: 'main',
      selectorProvenance,
    })
    expect(report['renderedIdentity']).toStrictEqual({
      spiffeID,
      podSelector,
      workloadSelectors: selectors,
      selectorProvenance,
    })
    expect(report['renderedClusterSPIFFEID']).toStrictEqual({
      name: 'kleym-default-chat-objective-d964193d',
      spiffeID,
      podSelector,
      workloadSelectors: selectors,
      hint: 'default/chat',
      className: 'gpu',
      fallback: false,
    })
    expect(report['matchedPods']).toStrictEqual([{ namespace: 'default', pod: 'chat-0', container: 'main' }])
  })

  test('names no container, and no objective, of a PoolOnly binding', async () => {
    const { report } = await inspected(await settled(poolOnly({ name: 'chat' }), [pool()]), { pods: [{}] })
    expect(report['matchedPods']).toStrictEqual([{ namespace: 'default', pod: 'chat-0' }])
    for (const part of ['bindingRef', 'resolvedInput']) {
      expect(Object.keys(objectOr(report[part]))).not.toContain('objectiveRef')
      expect(Object.keys(objectOr(report[part]))).not.toContain('containerName')
    }
  })

  test.each([
    [
      {},
      {
        trustDomain: 'example.org',
        trustDomainSource: 'default',
        clusterSPIFFEIDClassNameSource: 'default',
      },
    ],
    [
      { around: { sight: operator({}, { status: undefined }) } },
      {
        trustDomain: 'kleym.sonda.red',
        trustDomainSource: 'default',
        clusterSPIFFEIDClassNameSource: 'default',
      },
    ],
    [
      { settings: { trustDomain: 'a', className: 'b' } },
      {
        trustDomain: 'a',
        trustDomainSource: 'flag',
        clusterSPIFFEIDClassName: 'b',
        clusterSPIFFEIDClassNameSource: 'flag',
      },
    ],
  ])('says of %j where it comes from, with a warning', async (more, config) => {
    const { report, ids } = await inspected([binding(), pool(), objective()], more)
    expect(report['identityConfig']).toStrictEqual(config)
    expect(ids).toContain('identity-config-undiscovered')
  })

  test('on a binding that is not there: 3', async () => {
    const { code, report } = await inspected([])
    expect(code).toBe(3)
    expect(report).toStrictEqual({
      schemaVersion: 'v1alpha1',
      kind: 'BindingInspectionReport',
      generatedAt: '2026-06-01T12:00:00Z',
      identityConfig: {},
      bindingRef: { namespace: 'default', name: 'chat' },
      resolvedInput: {},
      renderedIdentity: {},
      renderedClusterSPIFFEID: {},
      matchedPods: [],
      findings: [
        {
          id: 'binding-not-found',
          severity: 'error',
          reason: 'NotFound',
          message: 'there is no InferenceIdentityBinding default/chat',
          affectedRefs: [ref('default', 'chat')],
        },
      ],
      verdict: 'NOT READY: there is no InferenceIdentityBinding default/chat.',
    })
  })

  test('without the kind: 2', async () => {
    const around = { readCluster: clusterWith([], { served: optionalResources }) }
    const { code, ids } = await inspected([], { around })
    expect([code, ids]).toEqual([2, ['crd-missing']])
  })

  test.each<readonly [string, string, Manifest, readonly Manifest[]]>([
    ['invalid-ref', 'TargetObjectiveNotFound', binding(), [pool()]],
    ['unsafe-selector', 'InvalidPoolSelector', binding(), [pool({ selector: {} }), objective()]],
    [
      'render-failure',
      'InvalidServiceAccountName',
      binding({ spec: { serviceAccountName: '' } }),
      [pool(), objective()],
    ],
    ['kleym-collision', 'IdentityCollision', binding(), [pool(), objective(), binding({ name: 'b' })]],
  ])('%s comes with binding-unhealthy, and both with reason %s: 2', async (id, reason, one, others) => {
    const { code, report } = await inspected(await settled(one, others))
    expect(code).toBe(2)
    expect(report.findings).toEqual(
      expect.arrayContaining(
        [id, 'binding-unhealthy'].map((each) =>
          expect.objectContaining({
            id: each,
            severity: 'error',
            reason,
            affectedRefs: [ref('default', 'chat')],
          }),
        ),
      ),
    )
  })

  test('dependency-missing is for what is not there, unsupported-selector for what cannot be matched', async () => {
    const { ids } = await inspected(await settled(binding(), [objective()]))
    expect(ids).toContain('dependency-missing')
    const unsafe = await inspected(await settled(binding(), [pool({ selector: {} }), objective()]))
    expect(unsafe.ids).not.toContain('dependency-missing')
    expect(unsafe.report.findings).toContainEqual(
      expect.objectContaining({ id: 'unsupported-selector', severity: 'warning' }),
    )
  })

  test('zero-matched-pods informs, rbac-limited warns, which counts when strict', async () => {
    const more = { unseen: [clusterSpiffeIdResource] }
    const { code, report } = await inspected(await chat(), more)
    expect(code).toBe(0)
    expect(report.findings.map(({ id, severity, reason }) => [id, severity, reason])).toEqual([
      ['zero-matched-pods', 'info', 'ZeroMatchedPods'],
      ['rbac-limited', 'warning', 'Forbidden'],
    ])
    expect((await inspected(await chat(), { ...more, strict: true })).code).toBe(2)
    expect((await inspected(await chat(), { strict: true })).code).toBe(0)
  })

  test('of a dead operator is an error only where it has left something undone', async () => {
    const around: Around = { sight: operator({}, { deployment: { ...deployment, ready: 0 } }) }
    const undone = await inspected([binding(), pool(), objective()], { around })
    expect(undone.code).toBe(2)
    expect(undone.report.findings[0]).toMatchObject({ id: 'operator-unavailable', severity: 'error' })
    const done = await inspected(await chat(), { around, pods: [{}] })
    expect([done.code, done.ids]).toEqual([0, ['operator-silent']])
  })
})

describe('the KleymStatusReport', () => {
  test('has every field that it has with the former operator', async () => {
    const { code, report } = await overviewOf(await chat())
    expect(code).toBe(0)
    expect(report).toMatchObject({
      schemaVersion: 'v1alpha1',
      kind: 'KleymStatusReport',
      generatedAt: '2026-06-01T12:00:00Z',
      status: 'OK',
      cliVersion: '1.2.3',
      findings: [],
    })
    expect(report['components']).toStrictEqual({
      kleym: { status: 'OK' },
      operator: {
        status: 'OK',
        deployment: 'kleym-system/kleym-operator',
        readyReplicas: 2,
        replicas: 2,
        version: '0.1.0',
      },
      kleymCRDs: { status: 'OK', inferenceIdentityBinding: 'v1alpha1' },
      spireCRDs: { status: 'OK', clusterSPIFFEID: 'v1alpha1' },
      gaieCRDs: { status: 'OK', inferencePool: 'v1,v1alpha2', inferenceObjective: 'v1alpha2,v1' },
    })
    expect(report['config']).toStrictEqual({
      trustDomain: 'example.org',
      clusterSPIFFEIDClassName: 'gpu',
      clusterSPIFFEIDClassNameKnown: true,
    })
    expect(report['summary']).toStrictEqual({
      bindings: {
        ok: 1,
        warning: 0,
        error: 0,
        total: 1,
        conditions: { ready: 1, conflict: 0, invalidRef: 0, unsafeSelector: 0, renderFailure: 0 },
      },
    })
  })

  test('counts as the former operator does: False is an error, not looked at yet a warning', async () => {
    const objects = [
      ...(await settled(binding({ name: 'a' }), [
        pool(),
        objective(),
        binding({ name: 'b', metadata: { creationTimestamp: ago(10) } }),
      ])),
      ...(await settled(poolOnly({ name: 'c', spec: { poolRef: { name: 'none' } } }), [])),
      ...(await settled(poolOnly({ name: 'd', spec: { poolRef: { name: 'dp' }, mode: 'x' } }), [
        pool({ name: 'dp' }),
      ])),
      ...(await settled(poolOnly({ name: 'e', spec: { poolRef: { name: 'bad' } } }), [
        pool({ name: 'bad', selector: {} }),
      ])),
      poolOnly({ name: 'f', metadata: { creationTimestamp: ago(60) } }),
    ]
    const { code, report } = await overviewOf(objects)
    expect(code).toBe(2)
    expect(report['status']).toBe('ERROR')
    expect(report['summary']).toMatchObject({
      bindings: {
        ok: 0,
        warning: 2,
        error: 4,
        total: 6,
        conditions: { ready: 0, conflict: 1, invalidRef: 1, unsafeSelector: 1, renderFailure: 1 },
      },
    })
    expect(report.findings).toContainEqual(
      expect.objectContaining({
        id: 'binding-unhealthy',
        severity: 'error',
        reason: 'IdentityCollision',
        affectedRefs: [ref('default', 'a')],
      }),
    )
    for (const [name, ...wanted] of [
      ['a', 'kleym-collision IdentityCollision'],
      ['c', 'invalid-ref TargetPoolNotFound', 'dependency-missing TargetPoolNotFound'],
      ['d', 'render-failure UnsupportedMode'],
      ['e', 'unsafe-selector InvalidPoolSelector'],
      ['f'],
    ] as const)
      expect(
        report.findings
          .filter(({ affectedRefs }) => objectOr(affectedRefs[0])['name'] === name)
          .flatMap(({ id, reason }) => (id.startsWith('binding-') ? [] : [`${id} ${reason}`])),
      ).toEqual(wanted)
  })

  test('of an operator that is not there has an error with a message where it is not OK', async () => {
    const { code, report } = await overviewOf([], {
      sight: operator({}, { deployment: undefined, status: undefined }),
    })
    expect(code).toBe(2)
    expect(report['components']).toMatchObject({
      kleym: { status: 'ERROR', message: expect.stringContaining('no operator') },
      operator: { status: 'ERROR', deployment: '', readyReplicas: 0, replicas: 0 },
    })
    expect(report['config']).toMatchObject({ trustDomain: '', clusterSPIFFEIDClassNameKnown: false })
  })

  test('says in the component which kinds are missing', async () => {
    const served = allResources.filter(({ group }) => group !== 'spire.spiffe.io')
    const { stdout } = await statusOf(clusterWith([], { served }), { format: 'json' })
    const report: unknown = JSON.parse(stdout)
    expect(report).toMatchObject({
      components: {
        kleymCRDs: { status: 'OK' },
        spireCRDs: {
          status: 'ERROR',
          clusterSPIFFEID: '',
          message: expect.stringContaining('ClusterSPIFFEID'),
        },
        gaieCRDs: { status: 'OK' },
      },
    })
  })

  test('warns of what the operator works with: 0, but 2 when strict', async () => {
    const sight = operator({ checks: [{ name: 'probe', ok: false, problem: 'no route', informs: true }] })
    const { code, report } = await overviewOf([], { sight })
    expect([code, report['status']]).toEqual([0, 'WARNING'])
    expect((await overviewOf([], { sight }, { strict: true })).code).toBe(2)
  })

  test('is the same in YAML', async () => {
    const { stdout } = await statusOf(clusterWith(await chat()), { format: 'yaml' })
    expect(stdout).toMatch(/^schemaVersion: v1alpha1\nkind: KleymStatusReport\n/v)
  })
})

test('no report says what it can not know', async () => {
  const texts = [
    await look(await chat(), { pods: [{}, { name: 'b', account: 'x' }] }),
    await look([binding(), pool(), objective()]),
    await look(await settled(binding(), [pool(), objective(), binding({ name: 'b' })])),
    await statusOf(
      clusterWith([...(await chat()), binding({ name: 'b', metadata: { deletionTimestamp: ago(90) } })]),
    ),
  ]
  for (const { stdout } of texts) expect(stdout).not.toMatch(/\b(?:eligible|bound|issued|attested)\b/iv)
})
