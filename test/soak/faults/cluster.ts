/** What goes wrong in the cluster around the operator. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createAuthority } from '../../../certs/authority.ts'
import {
  secretResource,
  bindingResource,
  clusterSpiffeIdResource,
  crdName,
  definitionResource,
  objectiveResources,
  poolResources,
  type Resource,
} from '../../../src/core/resources.ts'
import { resourcePath } from '../../../src/kube/client.ts'
import { freePort } from '../../support/controlplane/daemon.ts'
import type { Reply } from '../../support/embedded/client.ts'
import { listOf, recordOf, type Json } from '../../support/embedded/json.ts'
import { listen } from '../../support/embedded/listen.ts'
import { webhookNames, registrations } from '../../support/webhook-names.ts'
import { metaOf, uidOf } from '../../support/world.ts'
import { usualMs, type Fault, type Stage } from './stage.ts'

const dayMs = 86_400_000
/** Longer than what the operator waits until it says that something does not succeed. */
const scmMs = [15_000, 35_000] as const
const webhooks = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations'
const secretPath = resourcePath(secretResource, { namespace: 'kleym-system', name: webhookNames.secret })
const crdPath = (resource: Resource): string => resourcePath(definitionResource, { name: crdName(resource) })

/** The kinds that come and go; the others are those on which the steady bindings stand. */
const optional = [poolResources[1], objectiveResources[1], objectiveResources[2]].filter(
  (resource) => resource !== undefined,
)

function must({ code, body }: Reply, doing: string): Json {
  if (code >= 300) throw new Error(`${doing}: ${code} ${JSON.stringify(body['message'])}`)
  return body
}

/** SPIRE Controller Manager's own admission webhook is registered under this URL for a while. */
async function withScmWebhook(
  { site, recorder, random }: Stage,
  name: string,
  clientConfig: Json,
): Promise<void> {
  const { group, version, plural } = clusterSpiffeIdResource
  const over = recorder.fault(name, 'outputs')
  const { client } = site.admin
  const configuration = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: 'spire-controller-manager' },
    webhooks: [
      {
        name: 'vclusterspiffeid.spire.spiffe.io',
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        timeoutSeconds: 2,
        clientConfig,
        rules: [
          {
            apiGroups: [group],
            apiVersions: [version],
            resources: [plural],
            operations: ['CREATE', 'UPDATE'],
          },
        ],
      },
    ],
  }
  must(await client.post(webhooks, configuration), 'registering a webhook')
  await sleep(random.between(...scmMs))
  must(await client.delete(`${webhooks}/spire-controller-manager`), 'removing a webhook')
  // The API server notices that a moment later.
  await sleep(1_000)
  over()
}

const dead: Fault = async (stage) => {
  const url = `https://127.0.0.1:${await freePort()}/validate`
  await withScmWebhook(stage, "SCM's webhook is dead", { url })
}

const refusing: Fault = async (stage) => {
  const { server, caPem, down } = await listen((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => void chunks.push(chunk))
    request.on('end', () => {
      const review = recordOf(JSON.parse(Buffer.concat(chunks).toString()))
      const { uid } = recordOf(review['request'])
      const answer = { uid, allowed: false, status: { message: 'not in this house' } }
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(
        JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: answer }),
      )
    })
  })
  const caBundle = Buffer.from(caPem).toString('base64')
  await withScmWebhook(stage, "SCM's webhook refuses", { url: `${server}/validate`, caBundle })
  await down()
}

const lasting =
  (name: string, begin: (stage: Stage) => Promise<() => Promise<unknown>>): Fault =>
  async (stage) => {
    const over = stage.recorder.fault(name, 'nothing')
    const end = await begin(stage)
    await sleep(stage.random.between(...usualMs))
    await end()
    over()
  }

/** A CRD as somebody would apply it again, changed. */
async function changed(
  { site }: Stage,
  resource: Resource,
  change: (spec: Json) => Json,
): Promise<() => Promise<Reply>> {
  const { client } = site.admin
  const replace = async (specOf: (spec: Json) => Json): Promise<Reply> => {
    for (;;) {
      const live = must(await client.get(crdPath(resource)), 'reading a CRD')
      const reply = await client.put(crdPath(resource), { ...live, spec: specOf(recordOf(live['spec'])) })
      if (reply.code === 409) continue
      must(reply, 'replacing a CRD')
      return reply
    }
  }
  const before = recordOf(must(await client.get(crdPath(resource)), 'reading a CRD')['spec'])
  await replace(change)
  return () => replace(() => before)
}

const described = (spec: Json): Json => ({
  ...spec,
  versions: listOf(spec['versions']).map((version) => {
    const { schema, ...rest } = recordOf(version)
    const { openAPIV3Schema } = recordOf(schema)
    return {
      ...rest,
      schema: { openAPIV3Schema: { ...recordOf(openAPIV3Schema), description: 'another text' } },
    }
  }),
})

const withVersion = (spec: Json): Json => {
  const versions = listOf(spec['versions'])
  return { ...spec, versions: [...versions, { ...recordOf(versions[0]), name: 'v9alpha9', storage: false }] }
}

/** How long a kind is gone at least: long enough for every replica to notice. */
const goneMs = 3_000

const uninstalled =
  (name: string, choose: (stage: Stage) => Resource): Fault =>
  async (stage) => {
    const { site, recorder, random } = stage
    const { client } = site.admin
    const resource = choose(stage)
    const over = recorder.fault(name, 'nothing')
    const { spec, metadata } = must(await client.get(crdPath(resource)), 'reading a CRD')
    const { name: crd, annotations } = recordOf(metadata)
    // The API server removes the objects of the kind. A watch may show that before another shows that the kind goes.
    for (const object of await site.admin.list(resource)) recorder.removes(uidOf(object))
    must(await client.delete(crdPath(resource)), 'deleting a CRD')
    while ((await client.get(crdPath(resource))).code !== 404) await sleep(100)
    await sleep(goneMs + random.between(0, 5_000))
    const kept = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', spec }
    must(
      await client.post(resourcePath(definitionResource), { ...kept, metadata: { name: crd, annotations } }),
      'creating a CRD',
    )
    while ((await client.get(resourcePath(resource))).code !== 200) await sleep(100)
    over()
  }

/** A CA that lives four minutes takes the place of the one that is there: all rotates, by itself. */
const shortLived = lasting('certificates end soon', async ({ site }) => {
  const { certPem, keyPem } = await createAuthority({ now: new Date(), lifetimeDays: 240_000 / dayMs })
  const data = {
    'ca.crt': Buffer.from(certPem).toString('base64'),
    'ca.key': Buffer.from(keyPem).toString('base64'),
  }
  // The answer does not matter: the Secret may be missing, if no replica could make it again after its deletion.
  await site.admin.client.patch(secretPath, { data })
  return () => Promise.resolve()
})

const secretDeleted = lasting('certificates deleted', async ({ site }) => {
  await site.admin.client.delete(secretPath)
  return () => Promise.resolve()
})

const trustBlanked = lasting('caBundle blanked', async ({ site }) => {
  const { client } = site.admin
  for (const { resource, name } of registrations) {
    const path = resourcePath(resource, { name })
    const live = must(await client.get(path), 'reading a webhook configuration')
    const entries = listOf(live['webhooks']).map((webhook) => {
      const { clientConfig, ...rest } = recordOf(webhook)
      return { ...rest, clientConfig: { ...recordOf(clientConfig), caBundle: '' } }
    })
    await client.put(path, { ...live, metadata: metaOf(live), webhooks: entries })
  }
  return () => Promise.resolve()
})

export const clusterFaults: Readonly<Record<string, Fault>> = {
  "SCM's webhook is dead": dead,
  "SCM's webhook refuses": refusing,
  'CRD gets another description': lasting('CRD gets another description', (stage) =>
    changed(stage, stage.random.pick([bindingResource, clusterSpiffeIdResource, ...optional]), described),
  ),
  'CRD gets another version': lasting('CRD gets another version', (stage) =>
    changed(stage, stage.random.pick(optional), withVersion),
  ),
  'CRD of a pool or objective is uninstalled': uninstalled(
    'CRD of a pool or objective is uninstalled',
    ({ random }) => random.pick(optional),
  ),
  'CRD of ClusterSPIFFEIDs is uninstalled': uninstalled(
    'CRD of ClusterSPIFFEIDs is uninstalled',
    () => clusterSpiffeIdResource,
  ),
  'certificates end soon': shortLived,
  'certificates deleted': secretDeleted,
  'caBundle blanked': trustBlanked,
}
