import { X509Certificate } from 'node:crypto'
import { connect } from 'node:tls'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createAuthority, issueLeaf } from '../../certs/authority.ts'
import { systemTurns } from '../../src/kube/clock.ts'
import { createLog } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { startMetrics, type MetricsOptions } from '../../src/operator/protected-metrics.ts'
import type { ServingCertificate } from '../../src/serving/metrics-server.ts'
import { freePort } from '../support/controlplane/daemon.ts'

const life = { now: new Date(), lifetimeDays: 1 }
const names = { dnsNames: ['webhook.example'], ipAddresses: [] }
const authority = await createAuthority(life)
const { certPem: cert, keyPem: key } = await issueLeaf(authority, { ...names, ...life })

/** A server without certificate files, on a clock that the test moves. */
async function start({
  withWebhook,
  selfSign,
}: Pick<MetricsOptions, 'selfSign'> & { readonly withWebhook: boolean }) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const port = await freePort()
  const logged: string[] = []
  const server = await startMetrics({
    config: {
      metrics: { address: { host: '127.0.0.1', port }, secure: true, certificate: undefined },
      webhook: { address: withWebhook ? { host: '127.0.0.1', port: 1 } : undefined },
    },
    client: { call: () => Promise.reject(new Error('nobody scrapes here')) },
    metrics: createMetrics(systemTurns),
    log: createLog({ level: 'warn', destination: { write: (line) => void logged.push(line) } }),
    ...(selfSign && { selfSign }),
  })
  onTestFinished(() => server.close())
  return { presentAsWebhook: server.presentAsWebhook, served: () => namesServedAt(port), logged }
}

/** The names in the certificate of a new connection; why there is none. */
function namesServedAt(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.subjectAltName)
      socket.destroy()
    }).on('error', () => resolve('no handshake'))
  })
}

const ours = new X509Certificate(cert).subjectAltName
const selfSigned = 'DNS:localhost, IP Address:127.0.0.1'

test('metrics are served with the certificate of the webhook once it has one', async () => {
  const { presentAsWebhook, served } = await start({ withWebhook: true })
  expect(await served()).toBe('no handshake')
  presentAsWebhook({ key, cert })
  expect(await served()).toBe(ours)
  expect(vi.getTimerCount()).toBe(0)
})

test('where the webhook has no certificate for long metrics get one of their own, until it has', async () => {
  const { presentAsWebhook, served } = await start({ withWebhook: true })
  vi.advanceTimersByTime(10_000)
  await vi.waitFor(async () => expect(await served()).toBe(selfSigned), { timeout: 30_000 })
  presentAsWebhook({ key, cert })
  expect(await served()).toBe(ours)
})

test('the certificate of the webhook stays where it comes while another one is being made', async () => {
  const standIn = Promise.withResolvers<ServingCertificate>()
  const { presentAsWebhook, served } = await start({ withWebhook: true, selfSign: () => standIn.promise })
  vi.advanceTimersByTime(10_000)
  presentAsWebhook({ key, cert })
  const leaf = await issueLeaf(authority, { dnsNames: ['localhost'], ipAddresses: [], ...life })
  standIn.resolve({ cert: leaf.certPem, key: leaf.keyPem })
  await new Promise(setImmediate)
  expect(await served()).toBe(ours)
})

test('a certificate that cannot be made is told, and that of the webhook is used all the same', async () => {
  const { presentAsWebhook, served, logged } = await start({
    withWebhook: true,
    selfSign: () => Promise.reject(new Error('no entropy')),
  })
  vi.advanceTimersByTime(10_000)
  await new Promise(setImmediate)
  expect(logged).toStrictEqual([expect.stringContaining('no entropy')])
  presentAsWebhook({ key, cert })
  expect(await served()).toBe(ours)
})

test('without a webhook metrics have a certificate of their own', async () => {
  const { served } = await start({ withWebhook: false })
  expect(await served()).toBe(selfSigned)
})
