import { afterAll, beforeAll, expect, test } from 'vitest'
import { rules } from '../../src/core/findings.ts'
import {
  clusterSpiffeIdResource,
  crdName,
  definitionResource,
  poolResources,
  type Resource,
} from '../../src/core/resources.ts'
import { resourcePath } from '../../src/kube/client.ts'
import { holdPage } from '../docs/pages.ts'
import { installCrds } from '../support/controlplane/crds.ts'
import { describeReal } from '../support/real.ts'
import { bodyOf, until, type Cluster } from './support/cluster.ts'
import { playedPage } from './support/played-page.ts'
import { startReviewedCluster } from './support/reviewed-cluster.ts'

/** Which kind must not be installed while the section of a reason is played. */
const absentKinds: Readonly<Record<string, Resource | undefined>> = {
  [rules.inferencePoolCrdMissing.reason]: poolResources.find(
    ({ group }) => group === 'inference.networking.x-k8s.io',
  ),
  [rules.clusterSpiffeIdCrdMissing.reason]: clusterSpiffeIdResource,
}

const webhookResource = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  plural: 'validatingwebhookconfigurations',
}

/** A webhook of somebody else that does not answer: nothing listens at port 1 of this machine. */
const deadWebhook = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingWebhookConfiguration',
  metadata: { name: 'somebody-elses' },
  webhooks: [
    {
      name: 'clusterspiffeids.example.com',
      admissionReviewVersions: ['v1'],
      clientConfig: { url: 'https://127.0.0.1:1' },
      rules: [
        {
          apiGroups: [clusterSpiffeIdResource.group],
          apiVersions: [clusterSpiffeIdResource.version],
          resources: [clusterSpiffeIdResource.plural],
          operations: ['CREATE', 'UPDATE'],
        },
      ],
      failurePolicy: 'Fail',
      sideEffects: 'None',
    },
  ],
}

const probe = {
  apiVersion: `${clusterSpiffeIdResource.group}/${clusterSpiffeIdResource.version}`,
  kind: clusterSpiffeIdResource.kind,
  metadata: { name: 'probe' },
  spec: { spiffeIDTemplate: 'spiffe://example.org/probe' },
}

describeReal('pages whose commands are typed again', () => {
  let cluster: Cluster

  beforeAll(async () => {
    cluster = await startReviewedCluster()
  })
  afterAll(() => cluster.stop())

  const uninstall = async (resource: Resource): Promise<void> => {
    const at = { name: crdName(resource) }
    bodyOf(await cluster.client.delete(resourcePath(definitionResource, at)), `uninstalling ${at.name}`)
    await until(`${at.name} is gone`, async () => (await cluster.find(definitionResource, at)) === undefined)
  }

  const registerDeadWebhook = async (): Promise<void> => {
    const { client } = cluster
    bodyOf(await client.post(resourcePath(webhookResource), deadWebhook), 'registering a dead webhook')
    await until('the dead webhook is asked', async () => {
      const { code } = await client.post(`${resourcePath(clusterSpiffeIdResource)}?dryRun=All`, probe)
      return code >= 500
    })
  }

  test('docs/troubleshooting.md', { timeout: 900_000 }, async () => {
    const page = 'docs/troubleshooting.md'
    const text = await playedPage(page, cluster, {
      prepare: async (reason) => {
        const absent = absentKinds[reason]
        if (absent) await uninstall(absent)
        if (reason === 'Retrying') await registerDeadWebhook()
      },
      tidy: async (reason) => {
        if (absentKinds[reason]) await installCrds(cluster.plane)
        const at = { name: deadWebhook.metadata.name }
        if (reason === 'Retrying') await cluster.client.delete(resourcePath(webhookResource, at))
      },
      // What is asked of a kind that is not installed is answered by the API server, in its words.
      isFinal: (printed, reason) => printed.includes(reason) || printed.startsWith('Error from server'),
    })
    holdPage(page, text)
  })

  test('README.md', async () => {
    holdPage('README.md', await playedPage('README.md', cluster, { isFinal: () => true }))
  })

  test('docs/quickstart.md', { timeout: 200_000 }, async () => {
    const page = 'docs/quickstart.md'
    const text = await playedPage(page, cluster, {
      // A list of bindings is final when they are Ready; what else is asked for does not change.
      isFinal: (printed) => !printed.startsWith('NAME ') || printed.includes(' True '),
    })
    expect(text).toContain('/ns/docs/objective/chat-interactive')
    expect(text).toContain('pod chat-0 fits')
    holdPage(page, text)
  })

  test('docs/llm-d.md', { timeout: 400_000 }, async () => {
    const page = 'docs/llm-d.md'
    const text = await playedPage(page, cluster, {
      isFinal: (printed) =>
        printed
          .split('\n')
          .slice(1, -1)
          .every((line) => line.includes(' True ')),
    })
    expect(text).not.toContain(' False ')
    holdPage(page, text)
  })
})
