import type { IncomingMessage, ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import { clusterSpiffeIdResource } from '../../../../src/core/resources.ts'
import { resourcePath } from '../../../../src/kube/client.ts'
import { clusterSpiffeId } from '../../../support/builders.ts'
import { recordOf, textOf, type Json } from '../../../support/embedded/json.ts'
import { listen } from '../../../support/embedded/listen.ts'
import { bodyOf, until, type Cluster } from '../../support/cluster.ts'

/** Somebody else's admission webhook on ClusterSPIFFEIDs. */
export type Gate = {
  /** Refuses what fits, with these words, until that is lifted. */
  readonly refuse: (words: string, fits: (spec: Json) => boolean) => Refusal
  readonly stop: () => Promise<void>
}

export type Refusal = {
  readonly lift: () => void
  /** When something was refused, in ms. */
  readonly times: readonly number[]
}

type Rule = { readonly words: string; readonly fits: (spec: Json) => boolean; readonly times: number[] }

export async function openGate(cluster: Cluster): Promise<Gate> {
  const rules = new Set<Rule>()
  const answer = (review: Json): Json => {
    const { uid, object } = recordOf(review['request'])
    const spec = recordOf(recordOf(object)['spec'])
    const rule = [...rules].find(({ fits }) => fits(spec))
    rule?.times.push(performance.now())
    const response = rule ? { uid, allowed: false, status: { message: rule.words } } : { uid, allowed: true }
    return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response }
  }
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const review = recordOf(await json(request))
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer(review)))
  }
  const { server, caPem, down } = await listen((...exchange) => void respond(...exchange))
  const refuse: Gate['refuse'] = (words, fits) => {
    const rule: Rule = { words, fits, times: [] }
    rules.add(rule)
    return { lift: () => void rules.delete(rule), times: rule.times }
  }
  await register(cluster, server, caPem)
  const probing = refuse('the gate is closed', ({ hint }) => hint === 'probe')
  const probe = clusterSpiffeId(
    'probe',
    {},
    { hint: 'probe', spiffeIDTemplate: 'spiffe://example.org/probe' },
  )
  await until('the gate is asked', async () => {
    const path = `${resourcePath(clusterSpiffeIdResource)}?dryRun=All`
    const { body } = await cluster.client.post(path, probe)
    return textOf(body['message']).includes('the gate is closed')
  })
  probing.lift()
  return { refuse, stop: down }
}

async function register({ client }: Cluster, url: string, caPem: string): Promise<void> {
  const { group, version, plural } = clusterSpiffeIdResource
  const rule = { apiGroups: [group], apiVersions: [version], resources: [plural] }
  const configuration = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: 'gate' },
    webhooks: [
      {
        name: 'gate.example.org',
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        clientConfig: { url, caBundle: Buffer.from(caPem).toString('base64') },
        rules: [{ ...rule, operations: ['CREATE', 'UPDATE'] }],
      },
    ],
  }
  const path = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations'
  bodyOf(await client.post(path, configuration), 'registering the gate')
}
