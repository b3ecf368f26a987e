import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createAuthority, issueLeaf } from '../../../certs/authority.ts'
import type { Certified } from '../../../certs/inspect.ts'
import { systemTurns } from '../../../src/kube/clock.ts'
import { createLog } from '../../../src/log.ts'
import { createMetrics } from '../../../src/metrics/metrics.ts'
import { startMetrics } from '../../../src/operator/protected-metrics.ts'
import { freePort } from '../../support/controlplane/daemon.ts'

const life = { now: new Date(), lifetimeDays: 1 }
const authority = await createAuthority(life)
const names = { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] }
const [first, second] = await Promise.all([
  issueLeaf(authority, { ...names, ...life }),
  issueLeaf(authority, { ...names, ...life }),
])

/** The files of `--metrics-cert-path` and a server that reads them, on a clock that the test moves. */
async function served(certificate: Certified) {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const directory = await mkdtemp(join(tmpdir(), 'metrics-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const put = async ({ certPem, keyPem }: Certified): Promise<void> => {
    await writeFile(join(directory, 'tls.crt'), certPem)
    await writeFile(join(directory, 'tls.key'), keyPem)
  }
  await put(certificate)
  const lines: string[] = []
  const port = await freePort()
  const server = await startMetrics({
    config: {
      webhook: { address: undefined },
      metrics: {
        address: { host: '127.0.0.1', port },
        secure: true,
        certificate: { directory, cert: 'tls.crt', key: 'tls.key' },
      },
    },
    // A TLS handshake alone asks the API server nothing.
    client: { call: () => Promise.reject(new Error('nobody scrapes here')) },
    metrics: createMetrics(systemTurns),
    log: createLog({ level: 'warn', destination: { write: (line) => void lines.push(line) } }),
  })
  onTestFinished(() => server.close())
  return { put, lines, certificate: () => servedAt(port) }
}

/** The certificate of a new connection. */
function servedAt(port: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.fingerprint256)
      socket.destroy()
    }).on('error', reject)
  })
}

const fingerprint = ({ certPem }: Certified): string => new X509Certificate(certPem).fingerprint256

/** Has the server look at the files until the assertion holds. */
async function soon(assertion: () => Promise<void> | void): Promise<void> {
  const look = async (): Promise<void> => {
    vi.advanceTimersByTime(60_000)
    await assertion()
  }
  await vi.waitFor(look, { timeout: 10_000, interval: 20 })
}

test('the metrics are served with the files that are there now', async () => {
  const metrics = await served(first)
  expect(await metrics.certificate()).toBe(fingerprint(first))
  await metrics.put(second)
  await soon(async () => expect(await metrics.certificate()).toBe(fingerprint(second)))
})

test.each([
  ['a key of another certificate', { certPem: second.certPem, keyPem: first.keyPem }],
  ['garbage', { certPem: 'garbage', keyPem: 'garbage' }],
  ['nothing', { certPem: '', keyPem: '' }],
])('of files with %s it is said that they are bad, and the ones before them stay in use', async (_, bad) => {
  const metrics = await served(first)
  await metrics.put(bad)
  await soon(() => expect(metrics.lines).not.toEqual([]))
  expect(await metrics.certificate()).toBe(fingerprint(first))
  await metrics.put(second)
  await soon(async () => expect(await metrics.certificate()).toBe(fingerprint(second)))
})
