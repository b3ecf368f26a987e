import { once } from 'node:events'
import { get as httpsGet } from 'node:https'
import { text } from 'node:stream/consumers'
import { connect } from 'node:tls'
import forge from 'node-forge'
import { afterEach, describe, expect, test } from 'vitest'
import { systemTurns } from '../../src/kube/clock.ts'
import { createLog } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import type { Authorization } from '../../src/serving/authorizations.ts'
import {
  startMetricsServer,
  type MetricsServer,
  type ServingCertificate,
} from '../../src/serving/metrics-server.ts'

let lines: string[] = []
const log = createLog({ level: 'info', destination: { write: (line) => lines.push(line) } })
const metrics = createMetrics(systemTurns)
let server: MetricsServer | undefined

afterEach(async () => {
  lines = []
  await server?.close()
  server = undefined
})

type Options = Partial<Parameters<typeof startMetricsServer>[0]>

async function start(options: Options = {}): Promise<MetricsServer> {
  server = await startMetricsServer({ host: '127.0.0.1', port: 0, metrics, log, ...options })
  return server
}

const read = ({ port }: MetricsServer, authorization?: string, path = '/metrics'): Promise<Response> =>
  fetch(`http://127.0.0.1:${port}${path}`, { headers: authorization === undefined ? {} : { authorization } })

test('without a check everybody reads, and there is nothing else to read', async () => {
  const started = await start()
  const response = await read(started)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe(metrics.contentType)
  expect(await response.text()).toContain('kleym_leader 0')
  expect((await read(started, undefined, '/')).status).toBe(404)
})

describe('with a check', () => {
  const answers: Readonly<Record<string, Authorization>> = { good: 'allowed', other: 'forbidden' }
  const authorize = (token: string): Promise<Authorization> =>
    Promise.resolve(answers[token] ?? 'unauthenticated')

  test.each([
    ['Bearer good', 200],
    ['bearer good', 200],
    ['Bearer other', 403],
    ['Bearer unknown', 401],
    ['Basic good', 401],
    ['Bearer', 401],
    ['Bearer good good', 401],
    ['good', 401],
    [undefined, 401],
  ])('%j is answered %i', async (authorization, code) => {
    const response = await read(await start({ authorize }), authorization)
    expect(response.status).toBe(code)
    expect((await response.text()).includes('kleym_')).toBe(code === 200)
    expect(response.headers.get('www-authenticate')).toBe(code === 401 ? 'Bearer' : null)
  })

  test('an API server that does not answer lets nobody in and is logged without the token', async () => {
    const response = await read(
      await start({ authorize: () => Promise.reject(new Error('connection refused')) }),
      'Bearer good',
    )
    expect(response.status).toBe(503)
    expect(lines.join('')).toContain('connection refused')
    expect(lines.join('')).not.toContain('good')
  })
})

function selfSigned(name: string): ServingCertificate {
  const keys = forge.pki.rsa.generateKeyPair(2048)
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = keys.publicKey
  certificate.validity.notAfter = new Date(Date.now() + 3_600_000)
  certificate.setSubject([{ name: 'commonName', value: name }])
  certificate.setIssuer([{ name: 'commonName', value: name }])
  certificate.sign(keys.privateKey, forge.md.sha256.create())
  return { key: forge.pki.privateKeyToPem(keys.privateKey), cert: forge.pki.certificateToPem(certificate) }
}

async function servedName(port: number): Promise<unknown> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const name = socket.getPeerCertificate().subject.CN
  socket.destroy()
  return name
}

describe('over HTTPS', () => {
  test('metrics are served with the certificate of the moment', async () => {
    const started = await start({ tls: selfSigned('first') })
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    httpsGet(
      { host: '127.0.0.1', port: started.port, path: '/metrics', rejectUnauthorized: false },
      (response) => {
        text(response).then(resolve, reject)
      },
    ).on('error', reject)
    expect(await promise).toContain('kleym_leader 0')
    expect(await servedName(started.port)).toBe('first')
    started.useCertificate(selfSigned('second'))
    expect(await servedName(started.port)).toBe('second')
    await expect(read(started)).rejects.toThrow('fetch failed')
  })
})
