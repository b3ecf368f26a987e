import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { operatorConfig } from '../../src/config.ts'
import { configurableReasons } from '../../src/core/findings.ts'
import { byBytes } from '../../src/core/names.ts'
import { version } from '../../src/version.ts'
import { describeGitOps } from '../support/real.ts'
import { chart, compared, helm, metadataOf, render, template } from './chart.ts'
import {
  at,
  build,
  containerOf,
  deploy,
  listAt,
  manifestsIn,
  overlayOf,
  podTemplateOf,
  textAt,
  type Manifests,
} from './manifests.ts'

const trustDomain = 'example.org'
const className = 'kleym'

/** The same settings, by kustomize. */
async function kustomized(parts?: Parameters<typeof overlayOf>[1]): Promise<Manifests> {
  const literals = [`KLEYM_TRUST_DOMAIN=${trustDomain}`, `KLEYM_CLUSTERSPIFFEID_CLASS_NAME=${className}`]
  const config = { name: 'kleym-operator-config', namespace: 'kleym-system', behavior: 'merge', literals }
  await using overlay = await overlayOf({ configMapGenerator: [config] }, parts)
  return await build(overlay.directory)
}

const settings = { trustDomain, className }

const on = { enabled: true }
const monitoring = { serviceMonitor: on, alerts: on, dashboard: on }

const configOf = (manifests: Manifests) => {
  const { args, env } = containerOf(manifests)
  return operatorConfig(args, env, { configurableReasons })
}

const checksumOf = (manifests: Manifests): unknown =>
  at(podTemplateOf(manifests), 'metadata', 'annotations', 'checksum/config')

const webhookPolicy = (manifests: Manifests) => listAt(manifests.only('NetworkPolicy'), 'spec', 'ingress')

describeGitOps('the chart', () => {
  test.each([
    ['deploy', {}, {}],
    ['deploy/overlays/cert-manager', { certManager: { enabled: true } }, { over: 'overlays/cert-manager' }],
    ['deploy without-pods', { workloads: false }, { components: ['without-pods'] }],
  ])('gives, object by object, what %s gives', async (_, values, parts) => {
    expect(compared(await render({ ...settings, ...values }))).toEqual(compared(await kustomized(parts)))
  })

  test('for the Prometheus Operator and Grafana adds what deploy/monitoring has', async () => {
    const bare = compared(await render(settings))
    const full = compared(await render({ ...settings, ...monitoring }))
    const added = Object.fromEntries(Object.entries(full).filter(([name]) => !(name in bare)))
    expect(added).toEqual(compared(await build(join(deploy, 'monitoring'))))
  })

  test('with cert-manager has the metrics checked with the CA that cert-manager uses', async () => {
    const both = await render({
      ...settings,
      serviceMonitor: { enabled: true },
      certManager: { enabled: true },
    })
    const [endpoint] = listAt(both.only('ServiceMonitor'), 'spec', 'endpoints')
    const secret = textAt(endpoint, 'tlsConfig', 'ca', 'secret', 'name')
    expect(secret).toBe(textAt(both.named('Certificate', 'kleym-operator-webhook'), 'spec', 'secretName'))
  })

  test('names no other namespace than that of the release', async () => {
    const args = ['template', 'x', chart, '-n', 'elsewhere', '--set', 'trustDomain=example.org']
    const all = ['certManager', 'serviceMonitor', 'alerts', 'dashboard']
      .map((part) => `${part}.enabled=true`)
      .join()
    const { stdout } = await helm([...args, '--set', all])
    expect(stdout).not.toContain('kleym-system')
    const certificate = manifestsIn(stdout).named('Certificate', 'kleym-operator-webhook')
    expect(at(certificate, 'spec', 'dnsNames')).toEqual([
      'kleym-operator-webhook-service.elsewhere.svc',
      'kleym-operator-webhook-service.elsewhere.svc.cluster.local',
    ])
  })

  test('asks for a trust domain, and says where it is to be had', async () => {
    expect(await template({})).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(
        'trustDomain is missing: set it to the trust_domain of your SPIRE server',
      ),
    })
  })

  test.each([
    [{ trustDomain: 'Example.org' }, '/trustDomain'],
    [{ ...settings, className: 'a{{b' }, '/className'],
    [{ ...settings, replica: 3 }, 'replica'],
    [{ ...settings, actions: { Collision: 'warn' } }, 'Collision'],
    [{ ...settings, actions: { IdentityCollision: 'forbid' } }, 'IdentityCollision'],
    [{ ...settings, image: { digest: 'latest' } }, '/image/digest'],
  ])('refuses the values %j, and names %s', async (values, named) => {
    expect(await template(values)).toMatchObject({ code: 1, stderr: expect.stringContaining(named) })
  })

  test('knows every reason whose action can be set, and no other', async () => {
    const schema: unknown = JSON.parse(await readFile(join(chart, 'values.schema.json'), 'utf8'))
    const known = at(schema, 'properties', 'actions', 'propertyNames', 'enum')
    expect(known).toEqual([...configurableReasons].toSorted(byBytes))
  })

  test('is of the version of the program', async () => {
    expect(parse(await readFile(join(chart, 'Chart.yaml'), 'utf8'))).toMatchObject({
      version,
      appVersion: version,
    })
  })

  test('passes what is set to the operator, which takes it without a warning', async () => {
    const mine = await render({
      ...settings,
      actions: { IdentityCollision: 'warn', LongIdentity: 'ignore' },
      onReferences: 'warn',
      onLoss: 'deny',
      workloads: false,
      logLevel: 'debug',
      extraArgs: ['--trust-domain-change=old.example.org'],
    })
    expect(configOf(mine)).toMatchObject({
      kind: 'config',
      warnings: [],
      config: {
        trustDomain,
        className,
        logLevel: 'debug',
        departures: { trustDomains: ['old.example.org'] },
        webhook: {
          workloads: false,
          actions: {
            overrides: { IdentityCollision: 'warn', LongIdentity: 'ignore' },
            onReferences: 'warn',
            onLoss: 'deny',
          },
        },
      },
    })
  })

  test('puts what is set about pods on the pods', async () => {
    const own = {
      resources: { requests: { cpu: '1' } },
      tolerations: [{ operator: 'Exists' }],
      affinity: { nodeAffinity: {} },
      priorityClassName: 'system-cluster-critical',
    }
    const digest = `sha256:${'a'.repeat(64)}`
    const mine = await render({
      ...settings,
      ...own,
      replicas: 3,
      nodeSelector: { pool: 'system' },
      image: {
        repository: 'registry.example.com/kleym',
        digest,
        pullPolicy: 'Always',
        pullSecrets: [{ name: 'pull' }],
      },
    })
    const { resources, ...ofPod } = own
    const { spec } = podTemplateOf(mine)
    expect(spec).toMatchObject({
      ...ofPod,
      nodeSelector: { pool: 'system', 'kubernetes.io/os': 'linux' },
      imagePullSecrets: [{ name: 'pull' }],
      containers: [{ resources, image: `registry.example.com/kleym@${digest}`, imagePullPolicy: 'Always' }],
    })
    expect(at(mine.only('Deployment'), 'spec', 'replicas')).toBe(3)
  })

  test('replaces the pods when the configuration changes, and only then', async () => {
    const before = checksumOf(await render(settings))
    expect(checksumOf(await render({ ...settings, replicas: 3 }))).toBe(before)
    expect(checksumOf(await render({ ...settings, className: 'other' }))).not.toBe(before)
  })

  test('puts labels and annotations on every object, and leaves alone those by which others find it', async () => {
    const mine = await render({
      ...settings,
      labels: { team: 'serving', 'app.kubernetes.io/name': 'mine' },
      annotations: { owner: 'me' },
      podLabels: { only: 'pods' },
      podAnnotations: { also: 'pods' },
    })
    for (const labels of metadataOf(mine, 'labels'))
      expect(labels).toMatchObject({ team: 'serving', 'app.kubernetes.io/name': 'kleym' })
    for (const annotations of metadataOf(mine, 'annotations'))
      expect(annotations).toMatchObject({ owner: 'me' })
    expect(at(podTemplateOf(mine), 'metadata')).toMatchObject({
      labels: { only: 'pods' },
      annotations: { also: 'pods' },
    })
    expect(at(mine.only('Deployment'), 'spec', 'selector')).toEqual(
      at((await render(settings)).only('Deployment'), 'spec', 'selector'),
    )
  })

  test('lets only these addresses call the webhook where some are named, and the kubelet probe in any case', async () => {
    const mine = await render({
      ...settings,
      networkPolicy: { webhookCIDRs: ['10.0.0.0/28', '10.1.0.1/32'] },
    })
    expect(webhookPolicy(mine)).toMatchObject([
      {
        from: [{ ipBlock: { cidr: '10.0.0.0/28' } }, { ipBlock: { cidr: '10.1.0.1/32' } }],
        ports: [{ port: 'webhook' }],
      },
      { ports: [{ port: 'probes' }] },
      { ports: [{ port: 'metrics' }] },
    ])
    expect(at(webhookPolicy(mine)[1], 'from')).toBeUndefined()
  })

  test.each([
    ['NetworkPolicy', { networkPolicy: { enabled: false } }],
    ['PodDisruptionBudget', { podDisruptionBudget: { enabled: false } }],
    ['CustomResourceDefinition', { crds: { install: false } }],
  ])('leaves the %s out where that is asked for', async (kind, values) => {
    expect((await render({ ...settings, ...values })).all(kind)).toEqual([])
    expect((await render(settings)).all(kind)).toHaveLength(1)
  })

  test('is without fault to helm lint, and has no hooks', async () => {
    const { code, stdout } = await helm(['lint', '--strict', chart, '--set', 'trustDomain=example.org'])
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('0 chart(s) failed') })
    const everything = { certManager: on, ...monitoring }
    expect((await render({ ...settings, ...everything })).text).not.toContain('helm.sh/hook')
  })
})
