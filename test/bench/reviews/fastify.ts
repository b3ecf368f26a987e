import Fastify from 'fastify'
import { createAuthority, issueLeaf } from '../../../certs/authority.ts'
import { webhookHost } from '../../support/webhook-host.ts'
import { answerAs, cpuSeconds } from '../worker.ts'

/** What the framework takes of the floor: fastify, that parses the body and allows whatever it is, with its uid. */
const lifetime = { now: new Date(), lifetimeDays: 1 }
const authority = await createAuthority(lifetime)
const leaf = await issueLeaf(authority, { ...lifetime, dnsNames: [], ipAddresses: [webhookHost] })

const app = Fastify({ http2: true, https: { key: leaf.keyPem, cert: leaf.certPem, allowHTTP1: true } })
app.removeAllContentTypeParsers()
app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (_request, text, done) =>
  done(null, JSON.parse(text)),
)
app.post<{ Body: { readonly request: { readonly uid: string } } }>('/validate', (request, reply) => {
  const response = { uid: request.body.request.uid, allowed: true }
  const answer = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response })
  return reply.type('application/json').send(answer)
})
await app.listen({ host: '127.0.0.1', port: 0 })
answerAs(() => ({
  port: app.listeningOrigin.split(':').map(Number).at(-1),
  ca: authority.certPem,
  path: '/validate',
  cpu: cpuSeconds(),
}))
