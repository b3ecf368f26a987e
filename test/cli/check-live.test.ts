import { describe, expect, test } from 'vitest'
import type { ClusterSnapshot } from '../../src/cli/cluster.ts'
import { objectOr } from '../../src/core/json.ts'
import { effectiveActions, type OperatorStatus } from '../../src/core/operator-status.ts'
import {
  allResources,
  clusterSpiffeIdResource,
  gvk,
  objectiveResources,
  optionalResources,
  poolResources,
} from '../../src/core/resources.ts'
import type { Definition } from '../../src/schema/definition.ts'
import { binding, objective, pool } from '../support/builders.ts'
import type { Manifest } from '../support/vectors.ts'
import { bindingsIn, checked, listOf, live, verdictsOn } from './checking.ts'
import { clusterWith } from './looking.ts'

const good = [pool(), objective()]
const noSchemas = { definitions: [], unseen: [] }

const operatorSays = (
  configuration: Partial<OperatorStatus['configuration']>,
  health: Partial<OperatorStatus['health']> = {},
): OperatorStatus => ({
  configuration: {
    trustDomain: 'operators.own',
    className: undefined,
    actions: effectiveActions({}),
    flags: { 'webhook-on-references': 'deny', 'webhook-on-loss': 'warn' },
    ...configuration,
  },
  health: {
    version: '1',
    leader: 'a',
    heartbeat: '2026-01-01T12:00:00Z',
    everySeconds: 60,
    halted: undefined,
    checks: [],
    certificates: {},
    ...health,
  },
})

/** Runs `check --live`, without a trust domain, beside a cluster whose operator has written this status. */
const besideOperator = (
  argv: readonly string[],
  status: OperatorStatus | undefined,
  ...there: readonly Manifest[]
): ReturnType<typeof checked> =>
  checked(
    ['--live', ...argv],
    listOf([...good, binding({ name: 'b' })]),
    {
      ...live(...there),
      readOperator: (namespace = 'kleym-system') =>
        Promise.resolve(
          namespace === 'kleym-system'
            ? { kind: 'seen', namespace, status, deployment: undefined }
            : { kind: 'unseen', why: `nothing is seen in ${namespace}` },
        ),
    },
    {},
  )

describe('beside a cluster with an operator', () => {
  const json = ['-f', '-', '-o', 'json'] as const

  test('trust domain, class and actions are its own, and that is said', async () => {
    const status = operatorSays({
      className: 'gpu',
      actions: effectiveActions({ IdentityCollision: 'warn' }),
    })
    const { code, stdout, stderr } = await besideOperator(json, status, binding({ name: 'a' }))
    expect(code).toBe(0)
    expect(bindingsIn(stdout)[0]).toMatchObject({
      verdict: 'warn',
      status: { trustDomain: 'operators.own', clusterSPIFFEIDClassName: 'gpu' },
    })
    expect(JSON.parse(stdout)).toMatchObject({
      operator: {
        namespace: 'kleym-system',
        trustDomain: 'operators.own',
        className: 'gpu',
        actions: { overrides: { IdentityCollision: 'warn' } },
        problems: [],
      },
    })
    expect(stderr).toBe(
      'kleym: judged as the operator in kleym-system is configured: trust domain operators.own, class gpu, IdentityCollision=warn, on references deny, on loss warn\n',
    )
  })

  test('flags win', async () => {
    const status = operatorSays({
      className: 'gpu',
      actions: effectiveActions({ IdentityCollision: 'warn' }),
      flags: { 'webhook-on-references': 'ignore' },
    })
    const flags = ['--trust-domain=own.flag', '--clusterspiffeid-class-name=', '--webhook-on-references=warn']
    const { code, stdout } = await besideOperator(
      [...json, ...flags, '--webhook-action=IdentityCollision=deny'],
      status,
      binding({ name: 'a' }),
    )
    expect(code).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject({
      bindings: [{ verdict: 'deny', status: { trustDomain: 'own.flag' } }],
      operator: {
        trustDomain: 'own.flag',
        className: null,
        actions: { onReferences: 'warn', onLoss: 'warn' },
      },
    })
  })

  test('what ails it is told', async () => {
    const status = operatorSays({}, { halted: 'the CRD is another one' })
    const { stdout } = await besideOperator(['-f', '-'], status)
    expect(stdout).toContain('\nthe operator: nothing is touched: the CRD is another one\n')
  })

  test('that says nothing: the trust domain must be given, and defaults are', async () => {
    expect(await besideOperator(json, undefined)).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('no operator has said in namespace kleym-system how it is configured'),
    })
    const told = await besideOperator([...json, '--trust-domain=x', '--operator-namespace=mine'], undefined)
    expect(told).toMatchObject({
      code: 0,
      stderr: 'kleym: judged by flags and defaults: nothing is seen in mine\n',
    })
  })

  const output = { apiVersion: 'spire.spiffe.io/v1alpha1', kind: 'ClusterSPIFFEID', metadata: { name: 'x' } }

  test.each([
    ['only the namespace that the files are about', [binding({ namespace: 'team' })], 'team'],
    [
      'only the namespace of what has one',
      [binding({ namespace: 'team' }), { ...output, spec: { spiffeIDTemplate: 'spiffe://x/y' } }],
      'team',
    ],
    ['only the namespace of -n, if nothing has one,', [output], 'default'],
  ])('%s is asked for, and what may not be seen is said', async (_what, objects, namespace) => {
    const scopes: unknown[] = []
    const { stderr } = await checked(['--live', '-f', '-', '--trust-domain=x'], listOf(objects), {
      readCluster: (scope) => {
        scopes.push(scope)
        const unseen = [{ resource: clusterSpiffeIdResource, why: 'listing them is forbidden' }]
        return Promise.resolve({ kind: 'snapshot', served: allResources, manifests: [], unseen })
      },
    })
    expect(scopes).toEqual([{ namespace, inParts: true, schemas: allResources }])
    expect(stderr).toContain('kleym: goes on without what it may not see: listing them is forbidden\n')
  })

  test('what has no namespace is called by its name, and no namespace is asked whether it is lenient', async () => {
    const asked: string[] = []
    const { stdout } = await checked(['--live', '-f', '-', '--trust-domain=x'], listOf([output]), {
      ...live(),
      readNamespace: (name) => {
        asked.push(name)
        return Promise.resolve({})
      },
    })
    expect(stdout).toMatch(/^standard input:1: deny {2}x \(ClusterSPIFFEID of spire\.spiffe\.io\)$/mv)
    expect(asked).toEqual([])
  })

  test("somebody else's ClusterSPIFFEID in the files has its name", async () => {
    const objects = [...good, binding()]
    const [free] = await verdictsOn(objects)
    const taken = { ...output, metadata: { name: free?.clusterSPIFFEID?.metadata['name'] } }
    const [first] = await verdictsOn([{ ...taken, spec: { spiffeIDTemplate: 'spiffe://x/y' } }, ...objects])
    expect(first?.status.conditions[0]?.reason).toBe('ManagedOutputApplyFailed')
  })
})

const strict: Definition = {
  group: 'inference.networking.k8s.io',
  version: 'v1',
  kind: 'InferencePool',
  namespaced: true,
  schema: {
    type: 'object',
    properties: {
      metadata: { type: 'object' },
      spec: { required: ['newField'], 'x-kubernetes-preserve-unknown-fields': true },
    },
  },
  hasStatus: true,
  unread: [],
}
const beside = (schemas: Extract<ClusterSnapshot, { kind: 'snapshot' }>['schemas']) =>
  checked(['--live', '-f', '-'], listOf([pool()]), {
    readCluster: () =>
      Promise.resolve({
        kind: 'snapshot',
        served: allResources,
        manifests: [],
        ...(schemas && { schemas }),
      }),
  })

describe('beside a cluster without the CustomResourceDefinition of bindings', () => {
  const reach: Parameters<typeof checked>[2] = {
    readCluster: () =>
      Promise.resolve({ kind: 'snapshot', served: optionalResources, manifests: [], schemas: noSchemas }),
  }
  const on = (...argv: readonly string[]) =>
    checked(['--live', '-f', '-', '-o', 'json', ...argv], listOf([...good, binding()]), reach)
  const unserved =
    'kleym: the cluster does not serve InferenceIdentityBinding: its CustomResourceDefinition is not installed\n'

  test('a binding is refused as the API server refuses it, and what it would come to is said', async () => {
    const { code, stdout, stderr } = await on()
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(unserved) })
    const [one] = bindingsIn(stdout)
    expect(one).toMatchObject({
      verdict: 'deny',
      findings: [
        {
          reason: 'NotServed',
          message: expect.stringMatching(
            /^no matches for kind "InferenceIdentityBinding" in version "kleym.sonda.red\/v1alpha1"; install/,
          ),
        },
      ],
    })
    expect(one?.clusterSPIFFEID).not.toBeNull()
  })

  test('an audit says it, too', async () => {
    expect(await checked(['--live'], '', reach)).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(unserved),
    })
  })

  test.each([
    ['the definition that will be applied before', '--crds=deploy/crd'],
    ['the kinds that count as served', `--served=${optionalResources.map(gvk).join(',')}`],
  ])('%s can be named', async (_what, flag) => {
    const { code, stderr } = await on(flag)
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining(unserved) })
  })
})

describe('beside a cluster that judges by schemas of its own', () => {
  test('these count, and not those that are known here', async () => {
    const { code, stdout } = await beside({ definitions: [strict], unseen: [] })
    expect(code).toBe(2)
    expect(stdout).toContain('deny spec.newField: Required value\n')
  })

  test('that it could not see them is said once', async () => {
    const { code, stderr } = await beside({ definitions: [], unseen: ['reading the OpenAPI: 403'] })
    expect(code).toBe(0)
    expect(
      stderr.split(
        'judges by schemas that come with kleym, not by those of the cluster: reading the OpenAPI: 403\n',
      ),
    ).toHaveLength(2)
  })
})

test('a kind that the cluster serves in another version alone is no kind to install', async () => {
  const [moved] = objectiveResources
  if (!moved) throw new Error('there are groups of objectives')
  const saidOf = async (...flags: readonly string[]) => {
    const { stdout } = await checked(['--live', '-o', 'json', ...flags], '', {
      ...live(pool(), binding()),
      readCluster: clusterWith([pool(), binding()], {
        served: allResources.filter(({ kind }) => kind !== moved.kind),
        unread: [{ resource: moved, versions: ['v1alpha3'] }],
      }),
    })
    return bindingsIn(stdout)[0]?.findings
  }
  const reason = 'InferenceObjectiveCRDMissing'
  const [found] = (await saidOf()) ?? []
  expect(found).toMatchObject({
    reason,
    message: expect.stringContaining('serves v1alpha3 instead of v1alpha2'),
  })
  // What the flag says counts instead.
  const [told] = (await saidOf('--served', poolResources.map(gvk).join(','))) ?? []
  expect(told).toMatchObject({
    reason,
    message: expect.stringContaining('no CustomResourceDefinition serves it'),
  })
})

test('a binding for a later version of the former operator keeps what that one gave, and its status says so', async () => {
  const [ready] = await verdictsOn([...good, binding()])
  const { name, labels } = objectOr(ready?.clusterSPIFFEID?.metadata)
  const former = {
    apiVersion: 'spire.spiffe.io/v1alpha1',
    kind: 'ClusterSPIFFEID',
    metadata: { name: String(name), labels },
    spec: objectOr(ready?.clusterSPIFFEID?.spec),
  }
  const kept = `; the identity that the former operator gave by ClusterSPIFFEID ${String(name)} is kept until the spec is edited`
  const bare = binding({ spec: { objectiveRef: undefined, containerName: undefined } })
  const statusBeside = async (output: Manifest): Promise<unknown> => {
    const { stdout } = await checked(['--live', '-o', 'json'], '', live(...good, bare, output))
    return bindingsIn(stdout)[0]?.status
  }
  const saysSo = { conditions: [{ message: expect.stringContaining(kept) }, {}, {}, {}, {}, {}] }
  expect(await statusBeside(former)).toMatchObject(saysSo)
  const annotations = { 'kleym.sonda.red/binding': 'default/chat' }
  const ours = { ...former, metadata: { ...former.metadata, annotations } }
  expect(await statusBeside(ours)).not.toMatchObject(saysSo)
})
