import { get } from 'node:https'
import { text } from 'node:stream/consumers'
import type { Cluster } from './cluster.ts'
import { sumOf } from './operator.ts'

/** What the operator could write. Leases are left out: kube-apiserver keeps some of its own. */
const groups = [
  'kleym.sonda.red',
  'spire.spiffe.io',
  'events.k8s.io',
  'admissionregistration.k8s.io',
  'inference.networking.k8s.io',
  'inference.networking.x-k8s.io',
  'llm-d.ai',
].map((group) => group.replaceAll('.', '\\.'))

const written = new RegExp(`group="(?:${groups.join('|')})".*verb="(?:POST|PUT|PATCH|DELETE|APPLY)"`)

/** Writes so far, by anyone, to the kinds that the operator touches, as kube-apiserver counts them. */
export async function writesTo({ server, caPem, token }: Cluster): Promise<number> {
  const headers = { authorization: `Bearer ${token}` }
  const metrics = await new Promise<string>((resolve, reject) => {
    get(`${server}/metrics`, { ca: caPem, headers }, (response) => {
      text(response).then(resolve, reject)
    }).on('error', reject)
  })
  return sumOf(metrics, 'apiserver_request_total', written)
}
