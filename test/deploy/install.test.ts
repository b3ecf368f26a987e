import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { objectOr, type JsonObject } from '../../src/core/json.ts'
import type { Client } from '../../src/kube/client.ts'
import type { KubectlResult } from '../support/controlplane/run-kubectl.ts'
import { kubectl } from '../support/kubectl.ts'
import { describeReal } from '../support/real.ts'
import { connect } from './crd-doors.ts'
import { build, listAt, podTemplateOf, type Manifests } from './manifests.ts'

const deploy = resolve(import.meta.dirname, '../../deploy')
const operator = 'system:serviceaccount:kleym-system:kleym-operator'

type Attempt = readonly [verb: string, resource: string, namespace?: string | undefined, name?: string]

const validating = 'validatingwebhookconfigurations.admissionregistration.k8s.io'
const mutating = 'mutatingwebhookconfigurations.admissionregistration.k8s.io'

/** What the operator may not do. test/e2e/deployed shows that it needs everything that it may do. */
const denied: readonly Attempt[] = [
  ['create', 'inferenceidentitybindings.kleym.sonda.red', 'default'],
  ['update', 'inferenceidentitybindings.kleym.sonda.red', 'default'],
  ['delete', 'inferenceidentitybindings.kleym.sonda.red', 'default'],
  ['update', 'inferencepools.inference.networking.k8s.io', 'default'],
  ['update', 'inferenceobjectives.llm-d.ai', 'default'],
  ['deletecollection', 'clusterspiffeids.spire.spiffe.io'],
  ['update', 'customresourcedefinitions.apiextensions.k8s.io'],
  ['create', 'leases.coordination.k8s.io', 'default'],
  ['get', 'secrets', 'kleym-system', 'another'],
  ['list', 'secrets', 'kleym-system'],
  ['delete', 'secrets', 'kleym-system', 'kleym-operator-webhook-cert'],
  ['get', 'secrets', 'default', 'kleym-operator-webhook-cert'],
  ['update', validating, undefined, 'another'],
  ['list', validating],
  ['create', validating],
  ['create', mutating],
  ['delete', mutating, undefined, 'kleym-mutating-webhook-configuration'],
  ['create', 'pods', 'kleym-system'],
  ['create', 'serviceaccounts/token', 'kleym-system'],
  ['escalate', 'clusterroles.rbac.authorization.k8s.io'],
  ['impersonate', 'users'],
]

const titled = (attempt: Attempt) => ({ attempt, title: attempt.filter(Boolean).join(' ') })

/** The other tests share this API server, so the webhooks and the Deployment are only applied as a dry run. */
describeReal('an installation', () => {
  let client: Client
  let manifests: Manifests
  beforeAll(async () => {
    client = connect()
    manifests = await build(deploy)
    await must(['apply', '-f', join(deploy, 'base/namespace.yaml')])
    await must(['apply', '-k', join(deploy, 'rbac')])
    // The API server's authorizer learns of new roles a moment later.
    await vi.waitUntil(() => may(['create', 'tokenreviews.authentication.k8s.io']), { timeout: 20_000 })
    await vi.waitUntil(() => may(['create', 'leases.coordination.k8s.io', 'kleym-system']), {
      timeout: 20_000,
    })
    await vi.waitUntil(() => may(['get', 'inferenceidentitybindings.kleym.sonda.red']), { timeout: 20_000 })
  })
  afterAll(() => client.close())

  /** As the API server would decide about a request of the operator. */
  const may = async ([verb, what, namespace, name]: Attempt): Promise<boolean> => {
    const [resource, ...group] = what.split('.')
    const [plural, subresource] = (resource ?? '').split('/')
    const answer = await client.call({
      method: 'POST',
      path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: {
          user: operator,
          groups: ['system:serviceaccounts', 'system:authenticated'],
          resourceAttributes: {
            verb,
            group: group.join('.'),
            resource: plural,
            subresource,
            namespace,
            name,
          },
        },
      },
    })
    if (answer.kind !== 'ok') throw new Error(JSON.stringify(answer))
    return objectOr(objectOr(answer.body)['status'])['allowed'] === true
  }

  test('is one command', async () => {
    const { code, stdout, stderr } = await kubectl(['apply', '--dry-run=server', '-k', deploy])
    expect(stdout.trimEnd().split('\n')).toHaveLength(manifests.text.match(/^kind: /gmv)?.length ?? 0)
    expect(code).toBe(0)
    expect(stderr).not.toContain('PodSecurity')
  })

  test('starts with the namespace and ends with the webhooks', () => {
    const kinds = [...manifests.text.matchAll(/^kind: (?<kind>\w+)$/gmv)].map(
      ({ groups }) => groups?.['kind'],
    )
    expect(kinds.slice(0, 2)).toEqual(['Namespace', 'CustomResourceDefinition'])
    expect(kinds.slice(-2)).toEqual(['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'])
  })

  describe('has pods that', () => {
    test('run under the restricted Pod Security Standard', async () => {
      const name = `restricted-${process.pid}`
      const { code, stderr } = await createPod(name, objectOr(podTemplateOf(manifests)['spec']))
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      await must(['delete', 'pod', '-n', 'kleym-system', name, '--force', '--grace-period=0'])
    })

    test.each(['pod', 'container'] as const)(
      'could not do without the securityContext of the %s',
      async (of) => {
        const { spec } = podTemplateOf(manifests)
        const bare = of === 'pod' ? { securityContext: {} } : { containers: withoutSecurityContext(spec) }
        const { code, stderr } = await createPod('unsafe', { ...objectOr(spec), ...bare }, '--dry-run=server')
        expect(code).toBe(1)
        expect(stderr).toContain('violates PodSecurity "restricted:latest"')
      },
    )
  })

  test.each(denied.map(titled))('does not let the operator $title', async ({ attempt }) => {
    expect(await may(attempt)).toBe(false)
  })

  test.each([
    ['secrets', ['-n', 'kleym-system'], 'kleym-operator-webhook-cert'],
    [validating, [], 'kleym-validating-webhook-configuration'],
    [mutating, [], 'kleym-mutating-webhook-configuration'],
  ])('lets the operator list %s by that one name', async (resource, place, name) => {
    const get = ['get', resource, ...place, `--as=${operator}`]
    expect(await kubectl([...get, `--field-selector=metadata.name=${name}`])).toMatchObject({ code: 0 })
    expect(await kubectl(get)).toMatchObject({ code: 1 })
  })
})

async function must(args: readonly string[]): Promise<void> {
  const { code, stderr } = await kubectl(args)
  if (code !== 0) throw new Error(stderr)
}

function createPod(name: string, spec: JsonObject, ...flags: readonly string[]): Promise<KubectlResult> {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec }
  return kubectl(['create', '-n', 'kleym-system', ...flags, '-f', '-'], { input: JSON.stringify(pod) })
}

const withoutSecurityContext = (spec: unknown): readonly JsonObject[] =>
  listAt(spec, 'containers').map((container) => ({ ...container, securityContext: {} }))
