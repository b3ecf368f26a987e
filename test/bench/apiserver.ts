import { get } from 'node:https'
import { text } from 'node:stream/consumers'
import type { Cluster } from './cluster.ts'
import { sumOf } from './operator.ts'

/** What the operator could write; its probe of the webhook is a dry run and writes nothing. Leases are left out: kube-apiserver keeps some of its own. */
const groups = [
  'kleym.sonda.red',
  'spire.spiffe.io',
  'events.k8s.io',
  'admissionregistration.k8s.io',
  'inference.networking.k8s.io',
  'inference.networking.x-k8s.io',
  'llm-d.ai',
].map((group) => group.replaceAll('.', '\\.'))

const counter = 'apiserver_request_total'

const written = new RegExp(
  `dry_run="",group="(?:${groups.join('|')})".*verb="(?:POST|PUT|PATCH|DELETE|APPLY)"`,
)

/** Writes so far, by anyone, to the kinds that the operator touches, as kube-apiserver counts them. */
export const writesTo = async (cluster: Cluster): Promise<number> =>
  sumOf(await metricsOf(cluster), counter, written)

/** The counters of those writes, with their labels. */
export async function writesByKind(cluster: Cluster): Promise<ReadonlyMap<string, number>> {
  const lines = (await metricsOf(cluster)).split('\n')
  const counters = lines.filter((line) => line.startsWith(`${counter}{`) && written.test(line))
  return new Map(
    counters.map((line) => [
      ['verb', 'resource', 'subresource', 'code'].map((label) => labelIn(line, label)).join(' '),
      Number(line.slice(line.lastIndexOf(' '))),
    ]),
  )
}

const labelIn = (line: string, label: string): string =>
  new RegExp(`[{,]${label}="([^"]*)"`).exec(line)?.[1] ?? ''

function metricsOf({ server, caPem, token }: Cluster): Promise<string> {
  const headers = { authorization: `Bearer ${token}` }
  return new Promise((resolve, reject) => {
    get(`${server}/metrics`, { ca: caPem, headers }, (response) => {
      text(response).then(resolve, reject)
    }).on('error', reject)
  })
}
