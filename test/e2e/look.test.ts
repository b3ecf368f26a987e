import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clusterSpiffeIdResource, crdName, definitionResource } from '../../src/core/resources.ts'
import { resourcePath } from '../../src/kube/client.ts'
import { kleym, watchStatus, type Ended } from '../cli/program.ts'
import { binding, objective, pool } from '../support/builders.ts'
import { freePort, startDaemon } from '../support/controlplane/daemon.ts'
import { writeKubeconfig, type ScratchFile } from '../support/embedded/kubeconfig.ts'
import { describeReal } from '../support/real.ts'
import { openStage, type Stage } from './loop/support/stage.ts'
import { eventually, newTenant, type Tenant } from './loop/support/tenant.ts'
import { bodyOf, metaOf } from './support/cluster.ts'
import { viewer } from './support/viewer.ts'

/** What a user learns of a cluster from the command line. Nothing refuses here, so that there is something to learn. */
describeReal('the commands that look at a cluster', () => {
  let stage: Stage
  let tenant: Tenant

  const look = (...argv: readonly string[]): Promise<Ended> =>
    kleym([...argv, '--kubeconfig', stage.cluster.plane.kubeconfig])
  const inspect = (name: string, ...argv: readonly string[]): Promise<Ended> =>
    look('inspect', 'binding', name, '-n', tenant.namespace, ...argv)

  beforeAll(async () => {
    stage = await openStage()
    tenant = await newTenant(stage.cluster, 'look')
    await tenant.has(pool(), objective(), binding({ name: 'a' }), binding({ name: 'b' }))
    await tenant.has(binding({ name: 'fine', spec: { containerName: 'side' } }))
    await tenant.settles({ a: 'Conflict/IdentityCollision', b: 'Conflict/IdentityCollision' })
    await tenant.settles({ fine: 'Ready/Reconciled' })
  })
  afterAll(() => stage.stop())

  test('check --live audits it: 2, and what would be refused', async () => {
    const { code, stdout } = await look('check', '--live', '--trust-domain', 'example.org')
    expect(code).toBe(2)
    for (const name of ['a', 'b'])
      expect(stdout).toContain(`deny  ${tenant.namespace}/${name} (PerObjective)\n`)
    expect(stdout).toContain(`warn  ${tenant.namespace}/fine (PerObjective)\n`)
  })

  test('they go through kubectl proxy, over http, without the credentials of the kubeconfig', async () => {
    const { kubectl, kubeconfig } = stage.cluster.plane
    await using folder = await mkdtempDisposable(join(tmpdir(), 'kleym-proxy-'))
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const isReady = (): Promise<boolean> =>
      fetch(`${url}/version`).then(
        ({ ok }) => ok,
        () => false,
      )
    const command = [kubectl, 'proxy', `--port=${port}`, `--kubeconfig=${kubeconfig}`] as const
    const proxy = await startDaemon(folder.path, command, isReady)
    // Were the token sent, the proxy would pass it on, and the API server would not know it.
    const plain = await writeKubeconfig(url, '', 'unknown')
    try {
      const all = [
        ['status'],
        ['check', '--live', '--trust-domain', 'example.org'],
        ['inspect', 'binding', 'fine', '-n', tenant.namespace],
      ]
      for (const { stdout } of await Promise.all(
        all.map((argv) => kleym([...argv, '--kubeconfig', plain.path])),
      ))
        expect(stdout).toContain('fine')
    } finally {
      await plain.remove()
      await proxy.kill()
    }
  })

  test('status lists its bindings, all or those of a namespace: 2 while one is not Ready', async () => {
    const [all, one, none] = await Promise.all([
      look('status', '-o', 'json'),
      look('status', '-n', tenant.namespace),
      look('status', '-n', 'nobody'),
    ])
    expect(all.code).toBe(2)
    expect(JSON.parse(all.stdout)).toMatchObject({
      bindings: [
        { name: 'a', ready: 'False', condition: 'Conflict', reason: 'IdentityCollision', current: true },
        { name: 'b', ready: 'False' },
        {
          name: 'fine',
          ready: 'True',
          spiffeID: `spiffe://example.org/ns/${tenant.namespace}/objective/chat`,
        },
      ],
      unserved: [],
    })
    expect(one.stdout).toMatch(
      new RegExp(`${tenant.namespace}/a, for \\d+ s: identity collision with bindings b: `),
    )
    expect(one.stdout).toContain('3 in all: 2 Conflict/IdentityCollision, 1 Ready/Reconciled\n')
    expect(none).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('\n  there is no InferenceIdentityBinding\n'),
    })
  })

  test('status says how the operator is', async () => {
    await eventually(async () => {
      const { stdout } = await look('status', '-o', 'json')
      expect(JSON.parse(stdout)).toMatchObject({
        operator: {
          problems: [],
          unseen: null,
          deployment: null,
          said: {
            configuration: {
              trustDomain: 'example.org',
              actions: { NoSuchContainer: 'warn', IdentityCollision: 'deny' },
              flags: { workloads: true, 'webhook-bind-address': '0' },
            },
            health: {
              version: expect.stringMatching(/^\d+\.\d+\.\d+/),
              everySeconds: 60,
              checks: expect.arrayContaining([{ name: 'settings', ok: true, informs: true }]),
            },
          },
        },
      })
    })
  })

  test('status -w prints what changes, as wide as COLUMNS says', async () => {
    const own = await newTenant(stage.cluster, 'watched')
    const { kubeconfig } = stage.cluster.plane
    await using looking = watchStatus(['-n', own.namespace, '--kubeconfig', kubeconfig], { COLUMNS: '60' })
    await eventually(() => expect(looking.printed()).toContain('  there is no InferenceIdentityBinding\n'))
    await own.has(binding({ spec: { poolRef: { name: 'a-pool-that-is-not-there' } } }))
    await eventually(() =>
      expect(looking.printed()).toContain('+   1 in all: 1 InvalidRef/TargetPoolNotFound\n'),
    )
    const long = looking
      .printed()
      .split('\n')
      .filter((line) => line.length > 60)
    expect(long.filter((line) => /\S \S/.test(line))).toEqual([])
  })

  test('status of an operator that is not there: 2', async () => {
    const { code, stdout } = await look('status', '-n', 'nobody', '--operator-namespace', 'default')
    expect(code).toBe(2)
    expect(stdout).toContain(
      'operator: there is no Deployment of it, and no operator has said in namespace default that it runs',
    )
  })

  test('inspect says all about a binding: 0 where it is well', async () => {
    const output = metaOf(await tenant.output('fine'))['name']
    await tenant.processed('fine', { podsSelected: 3, entriesToSet: 3 })
    for (const pod of [
      { name: 'fits', containers: ['main'], initContainers: ['side'] },
      { name: 'stranger', account: 'other', containers: ['side'] },
      { name: 'lacks', containers: ['main'] },
      { name: 'unrelated', labels: { app: 'other' } },
    ])
      await tenant.hasPod(pod)
    const { code, stdout } = await inspect('fine')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^READY\n/)
    for (const line of [
      'Ready: True, Reconciled (generation 1): ',
      'pool: inference.networking.k8s.io/v1/InferencePool chat\n',
      'objective: llm-d.ai/v1alpha2/InferenceObjective chat\n',
      `SPIFFE ID: spiffe://example.org/ns/${tenant.namespace}/objective/chat\n`,
      'selector: k8s:container-name:side\n',
      `  ${String(output)} is in place, without a class\n`,
      'SPIRE Controller Manager: 3 pods selected, 3 entries\n',
      '  1 of 3 fits\n',
      'pod fits fits\n',
      'pod lacks does not fit: it has no container "side", but "main"\n',
      'pod stranger does not fit: it runs as ServiceAccount "other", not as "server"\n',
    ])
      expect(stdout).toContain(line)
    expect(stdout).not.toContain('unrelated')
  })

  test('inspect says that SPIRE Controller Manager ignores the namespace: 2', async () => {
    await tenant.processed('fine', { namespacesIgnored: 1, podsSelected: 0, entriesToSet: 0 })
    const { code, stdout } = await inspect('fine')
    expect(code).toBe(2)
    expect(stdout).toMatch(/^NOT READY: SPIRE Controller Manager ignores namespace /)
    expect(stdout).toContain('SPIRE Controller Manager: its namespace is ignored')
    await tenant.processed('fine', { namespacesIgnored: 0, podsSelected: 3, entriesToSet: 3 })
  })

  describe('as somebody with the viewer role in one namespace', () => {
    let kubeconfig: ScratchFile
    const lookAs = (...argv: readonly string[]): Promise<Ended> =>
      kleym([...argv, '-n', tenant.namespace, '--kubeconfig', kubeconfig.path])

    beforeAll(async () => {
      kubeconfig = await viewer(stage.cluster, tenant.namespace)
      await eventually(async () => {
        expect(await lookAs('status')).toMatchObject({ stderr: '' })
      })
    })
    afterAll(() => kubeconfig.remove())

    test('inspect tells what the status says, and what it could not see', async () => {
      const { code, stdout } = await lookAs('inspect', 'binding', 'fine')
      expect(code).toBe(0)
      expect(stdout).toContain(`SPIFFE ID: spiffe://example.org/ns/${tenant.namespace}/objective/chat\n`)
      expect(stdout).toContain('selector: k8s:container-name:side\n')
      expect(stdout).toMatch(/^READY\n/)
      for (const what of [
        'pods',
        'events',
        'clusterspiffeids.spire.spiffe.io',
        'inferenceobjectives.llm-d.ai',
      ])
        expect(stdout.split(`${what}: listing `)).toHaveLength(2)
    })

    test('status tells of the bindings and of the operator', async () => {
      const { code, stdout } = await lookAs('status')
      expect(code).toBe(2)
      expect(stdout).toMatch(/^ {2}operator: trust domain example\.org, no class$/m)
      expect(stdout).toContain('3 in all: 2 Conflict/IdentityCollision, 1 Ready/Reconciled\n')
    })
  })

  test('inspect names what keeps one from being Ready: 2', async () => {
    const { code, stdout } = await inspect('a')
    expect(code).toBe(2)
    expect(stdout).toMatch(
      /^NOT READY: Conflict\/IdentityCollision: .* Fix: give this binding, or the other one, /,
    )
    expect(stdout).toContain('\n  none is wanted\n')
    expect(stdout).toContain('\n  b: pool chat, objective chat, ServiceAccount server, container main\n')
    expect(stdout).toMatch(/\nHistory\n {2}\d+ (?:s|min) ago: Warning IdentityCollision: /)
    expect(stdout).toContain('deny spec.containerName: Duplicate value: "main": Conflict/IdentityCollision: ')
    expect(JSON.parse((await inspect('a', '-o', 'json')).stdout)).toMatchObject({
      bindingRef: { name: 'a' },
      findings: [{ id: 'kleym-collision', reason: 'IdentityCollision' }, { id: 'binding-unhealthy' }],
      admission: { verdict: 'deny', findings: [{ reason: 'IdentityCollision' }] },
      output: { state: 'none' },
    })
  })

  test('a binding that is not there: 3', async () => {
    const { code, stdout, stderr } = await inspect('nobody')
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toBe(`kleym: there is no InferenceIdentityBinding ${tenant.namespace}/nobody\n`)
  })

  describe('while no operator runs', () => {
    beforeAll(async () => void (await stage.stopOperator()))

    test('inspect sees that the output was edited, and status that a binding was', async () => {
      const output = String(metaOf(await tenant.output('fine'))['name'])
      const path = resourcePath(clusterSpiffeIdResource, { name: output })
      bodyOf(await stage.cluster.client.patch(path, { spec: { admin: true } }), 'editing the output')
      expect((await inspect('fine')).stdout).toContain(
        `NOT READY: ClusterSPIFFEID ${output} differs in spec.admin`,
      )
      await tenant.changes(binding({ name: 'fine' }), { spec: { containerName: 'other' } })
      const { code, stdout } = await look('status', '-n', tenant.namespace)
      expect(code).toBe(2)
      expect(stdout).toMatch(new RegExp(`${tenant.namespace}/fine, for .*: \\(of an earlier generation\\) `))
    })

    test('status says which kind is not installed', async () => {
      const at = { name: crdName(clusterSpiffeIdResource) }
      bodyOf(await stage.cluster.client.delete(resourcePath(definitionResource, at)), 'removing the kind')
      await eventually(async () => {
        const { stdout } = await look('status')
        expect(stdout).toContain('not served: spire.spiffe.io/v1alpha1/ClusterSPIFFEID\n')
      })
    })
  })
})
