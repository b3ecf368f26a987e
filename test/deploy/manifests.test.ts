import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { operatorConfig } from '../../src/config.ts'
import { configurableReasons } from '../../src/core/findings.ts'
import { byBytes } from '../../src/core/names.ts'
import { objectiveResources, poolResources } from '../../src/core/resources.ts'
import { namesFor } from '../../src/operator/webhook-trust.ts'
import { permissionsOf } from '../e2e/deployed/support/permissions.ts'
import { describeReal } from '../support/real.ts'
import { registrations, webhookNames } from '../support/webhook-names.ts'
import {
  at,
  build,
  containerOf,
  deploy,
  listAt,
  nameOf,
  overlayOf,
  podTemplateOf,
  textAt,
  type Manifests,
} from './manifests.ts'

const service = { name: 'kleym-operator-webhook-service', namespace: 'kleym-system', port: 443 }
const labels = { 'app.kubernetes.io/name': 'kleym', 'app.kubernetes.io/component': 'operator' }

const configOf = (manifests: Manifests, ...more: readonly string[]) => {
  const { args, env } = containerOf(manifests)
  return operatorConfig([...args, ...more], env, { configurableReasons })
}

/** What a kustomization of somebody's own makes of them. */
async function overlaid(...given: Parameters<typeof overlayOf>): Promise<Manifests> {
  await using overlay = await overlayOf(...given)
  return await build(overlay.directory)
}

/** The roles by which the operator may see pods. */
const mayListPods = (one: Manifests): readonly string[] =>
  permissionsOf(one).flatMap(({ role, resource }) => (resource === 'pods' ? [role] : []))

describeReal('the manifests', () => {
  let manifests: Manifests
  beforeAll(async () => {
    manifests = await build(deploy)
  })

  test('name no trust domain; the container starts without one and says where it is to be set', () => {
    const env = listAt(podTemplateOf(manifests), 'spec', 'containers').flatMap((one) => listAt(one, 'env'))
    const domain = env.find((one) => one['name'] === 'KLEYM_TRUST_DOMAIN')
    // If the variable were required, the kubelet would not start the container, and nothing would say what is missing.
    expect(at(domain, 'valueFrom', 'configMapKeyRef', 'optional')).toBe(true)
    expect(configOf(manifests)).toEqual({
      kind: 'usage',
      problems: [expect.stringContaining('key KLEYM_TRUST_DOMAIN of ConfigMap kleym-operator-config')],
    })
  })

  test('start the operator with a configuration that it takes without a warning', () => {
    const { ports } = containerOf(manifests)
    expect(configOf(manifests, '--trust-domain=example.org')).toMatchObject({
      kind: 'config',
      warnings: [],
      config: {
        leaderElect: true,
        metrics: { address: { port: ports['metrics'] }, secure: true },
        probes: { address: { port: ports['probes'] } },
        webhook: { address: { port: ports['webhook'] }, url: undefined },
      },
    })
    expect(ports).toEqual({ webhook: 9443, metrics: 8443, probes: 8081 })
  })

  test('take a trust domain, a class and an image from an overlay', async () => {
    const mine = await overlaid({
      images: [{ name: 'kleym-operator', newName: 'registry.example.com/kleym' }],
      configMapGenerator: [
        {
          name: 'kleym-operator-config',
          namespace: 'kleym-system',
          behavior: 'merge',
          literals: ['KLEYM_TRUST_DOMAIN=prod.example.com', 'KLEYM_CLUSTERSPIFFEID_CLASS_NAME=kleym'],
        },
      ],
    })
    expect(configOf(mine)).toMatchObject({ config: { trustDomain: 'prod.example.com', className: 'kleym' } })
    expect(containerOf(mine).image).toBe('registry.example.com/kleym:0.1.0')
    // Another configuration is another name, so that the pods are replaced.
    expect(nameOf(mine.only('ConfigMap'))).not.toBe(nameOf(manifests.only('ConfigMap')))
  })

  test('follow a namePrefix: the operator is told the names, and may write those two configurations alone', async () => {
    const mine = await overlaid({ namePrefix: 'team-' })
    const parsed = configOf(mine, '--trust-domain=example.org')
    if (parsed.kind !== 'config') throw new Error(JSON.stringify(parsed))
    const { webhook } = parsed.config
    expect(webhook.names).toEqual({
      validating: nameOf(mine.only('ValidatingWebhookConfiguration')),
      mutating: nameOf(mine.only('MutatingWebhookConfiguration')),
      service: 'team-kleym-operator-webhook-service',
      secret: webhookNames.secret,
    })
    expect(webhook.names.validating).toBe('team-kleym-validating-webhook-configuration')
    const [one] = listAt(mine.only('MutatingWebhookConfiguration'), 'webhooks')
    expect(textAt(one, 'clientConfig', 'service', 'name')).toBe(webhook.names.service)
    expect(mine.named('Service', webhook.names.service)).toBeDefined()
    const named = mine
      .all('ClusterRole')
      .flatMap((role) => listAt(role, 'rules'))
      .flatMap(({ resourceNames }) => (Array.isArray(resourceNames) ? resourceNames : []))
    expect(named).toEqual([webhook.names.validating, webhook.names.mutating])
    // The viewer role lets everybody see how many replicas of the Deployment are ready.
    const [, deployments] = listAt(mine.named('Role', 'team-kleym-operator-status-viewer-role'), 'rules')
    expect(deployments).toMatchObject({ resourceNames: [nameOf(mine.only('Deployment'))] })
  })

  test('leave the permission to list pods out where an overlay says so, and what needs it', async () => {
    const mine = await overlaid({}, { components: ['without-pods'] })
    expect(mayListPods(manifests)).toEqual(['kleym-pods-role'])
    expect(mayListPods(mine)).toEqual([])
    expect(mine.all('ClusterRole').map(nameOf)).not.toContain('kleym-pods-role')
    expect(configOf(mine, '--trust-domain=example.org')).toMatchObject({
      warnings: [],
      config: { webhook: { workloads: false } },
    })
  })

  test('lead to the pods wherever they select them', () => {
    const selectors = [
      at(manifests.only('Deployment'), 'spec', 'selector', 'matchLabels'),
      at(manifests.only('PodDisruptionBudget'), 'spec', 'selector', 'matchLabels'),
      at(manifests.only('NetworkPolicy'), 'spec', 'podSelector', 'matchLabels'),
      ...manifests.all('Service').map((one) => at(one, 'spec', 'selector')),
      ...listAt(podTemplateOf(manifests), 'spec', 'topologySpreadConstraints').map((constraint) =>
        at(constraint, 'labelSelector', 'matchLabels'),
      ),
    ]
    expect(selectors).toEqual(Array.from({ length: 7 }, () => labels))
    expect(at(podTemplateOf(manifests), 'metadata', 'labels')).toEqual(labels)
  })

  const specChanges = "request.operation != 'UPDATE' || object.?spec != oldObject.?spec"
  const nameChanges =
    "object.metadata.?annotations[?'kleym.sonda.red/replaces'] != oldObject.metadata.?annotations[?'kleym.sonda.red/replaces']"

  describe('of webhooks', () => {
    test.each(registrations)('have their configuration under the name $name', ({ name, resource }) => {
      expect(nameOf(manifests.only(resource.kind))).toBe(name)
    })

    test.each([
      ['ValidatingWebhookConfiguration', ['validate', 'references']],
      ['MutatingWebhookConfiguration', ['mutate']],
    ])('of %s are %s, each for its path, and see only changes of what is asked for', (kind, verbs) => {
      const webhooks = listAt(manifests.only(kind), 'webhooks')
      expect(webhooks).toHaveLength(verbs.length)
      for (const [index, verb] of verbs.entries())
        expect(webhooks[index]).toMatchObject({
          name: `${verb}.inferenceidentitybinding.kleym.sonda.red`,
          admissionReviewVersions: ['v1'],
          // Without a path: the operator writes it, with its token.
          clientConfig: { service },
          matchConditions: [
            {
              name: 'spec-changes',
              expression: verb === 'references' ? specChanges : `${specChanges} || ${nameChanges}`,
            },
          ],
          matchPolicy: 'Equivalent',
          failurePolicy: verb === 'validate' ? 'Fail' : 'Ignore',
        })
      expect(webhooks.filter((webhook) => at(webhook, 'clientConfig', 'caBundle') !== undefined)).toEqual([])
    })

    test.each([
      ['ValidatingWebhookConfiguration', 'validate'],
      ['MutatingWebhookConfiguration', 'mutate'],
    ])('of %s that may deny, %s, is asked about bindings alone, and never about their deletion', (kind) => {
      const [deciding] = listAt(manifests.only(kind), 'webhooks')
      expect(deciding).toMatchObject({ sideEffects: 'NoneOnDryRun', timeoutSeconds: 5 })
      expect(at(deciding, 'rules')).toEqual([
        {
          apiGroups: ['kleym.sonda.red'],
          apiVersions: ['v1alpha1'],
          resources: ['inferenceidentitybindings'],
          operations: ['CREATE', 'UPDATE'],
          scope: 'Namespaced',
        },
      ])
    })

    test('that only warns is asked about every kind of pool and objective', () => {
      const [, warning] = listAt(manifests.only('ValidatingWebhookConfiguration'), 'webhooks')
      const asked = listAt(warning, 'rules').flatMap(({ apiGroups, apiVersions, resources }) =>
        [resources].flat().map((plural) => [apiGroups, apiVersions, plural].flat().join('/')),
      )
      const read = [...poolResources, ...objectiveResources].map(({ group, version, plural }) =>
        [group, version, plural].join('/'),
      )
      expect(asked).toEqual(expect.arrayContaining(read))
      expect(listAt(warning, 'rules').map(({ operations }) => operations)).toEqual(
        Array.from({ length: 3 }, () => ['CREATE', 'UPDATE', 'DELETE']),
      )
    })

    test('name the Service that leads to the port of the webhook, and that the certificate is for', () => {
      expect(manifests.named('Service', 'kleym-operator-webhook-service')).toMatchObject({
        spec: {
          ports: [{ port: 443, targetPort: 'webhook' }],
        },
      })
      expect(namesFor({ kind: 'service' }, 'kleym-system', webhookNames.service).dnsNames).toContain(
        'kleym-operator-webhook-service.kleym-system.svc',
      )
    })
  })

  test('serve metrics where the former operator does', () => {
    expect(manifests.named('Service', 'kleym-operator-metrics-service')).toMatchObject({
      spec: {
        ports: [{ name: 'https', port: 8443, targetPort: 'metrics' }],
      },
    })
  })

  test('for Prometheus find the metrics by the one port of that name', async () => {
    const monitor = (await build(join(deploy, 'monitoring'))).only('ServiceMonitor')
    expect(monitor).toMatchObject({
      spec: { selector: { matchLabels: labels }, endpoints: [{ port: 'https' }] },
    })
    const names = manifests
      .all('Service')
      .flatMap((one) => listAt(one, 'spec', 'ports'))
      .map((port) => textAt(port, 'name'))
    expect(names.toSorted(byBytes)).toEqual(['https', 'webhook'])
  })

  test('with cert-manager serve the certificate that it issues for the Service', async () => {
    const overlay = await build(join(deploy, 'overlays/cert-manager'))
    const [mount] = containerOf(overlay).mounts
    const certificate = overlay.named('Certificate', 'kleym-operator-webhook')
    const issued = textAt(certificate, 'spec', 'secretName')
    expect(configOf(overlay, '--trust-domain=example.org')).toMatchObject({
      kind: 'config',
      warnings: [],
      config: { webhook: { certDir: textAt(mount, 'mountPath') } },
    })
    expect(at(podTemplateOf(overlay), 'spec', 'volumes')).toEqual([
      { name: textAt(mount, 'name'), secret: { secretName: issued } },
    ])
    expect(at(certificate, 'spec', 'dnsNames')).toContain('kleym-operator-webhook-service.kleym-system.svc')
    expect(overlay.all('Issuer').map(nameOf)).toContain(textAt(certificate, 'spec', 'issuerRef', 'name'))
    // The operator itself writes the other Secret, if it is given no files.
    expect(issued).not.toBe(webhookNames.secret)
  })
})
