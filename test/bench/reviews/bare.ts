import { createSecureServer } from 'node:http2'
import { createAuthority, issueLeaf } from '../../../certs/authority.ts'
import { webhookHost } from '../../support/webhook-host.ts'
import { answerAs, cpuSeconds } from '../worker.ts'

/** The floor: Node's own server, that parses the body and allows whatever it is, with its uid. */
const lifetime = { now: new Date(), lifetimeDays: 1 }
const authority = await createAuthority(lifetime)
const leaf = await issueLeaf(authority, {
  ...lifetime,
  dnsNames: [],
  ipAddresses: ['127.0.0.1', webhookHost],
})

const server = createSecureServer(
  { key: leaf.keyPem, cert: leaf.certPem, allowHTTP1: true },
  (request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (text: string) => (body += text))
    request.on('end', () => {
      const answer = JSON.stringify({
        apiVersion: 'admission.k8s.io/v1',
        kind: 'AdmissionReview',
        response: { uid: uidIn(JSON.parse(body)), allowed: true },
      })
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length })
      response.end(answer)
    })
  },
)

const uidIn = (review: { readonly request: { readonly uid: string } }): string => review.request.uid

const listening = Promise.withResolvers<number>()
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object' && address) listening.resolve(address.port)
})

answerAs(async () => ({
  port: await listening.promise,
  ca: authority.certPem,
  path: '/validate',
  cpu: cpuSeconds(),
}))
