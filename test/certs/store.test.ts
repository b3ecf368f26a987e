import { X509Certificate } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createAuthority, issueLeaf } from '../../certs/authority.ts'
import { blankView } from '../../certs/certificates.ts'
import { inspectPair } from '../../certs/inspect.ts'
import type { SecretData } from '../../certs/rotation.ts'
import { ensureCertificates, type SecretAccess } from '../../certs/store.ts'
import { createLog } from '../../src/log.ts'

const names = { dnsNames: ['kleym-webhook.kleym-system.svc'], ipAddresses: ['127.0.0.1'] }
const start = new Date()
const days = (count: number): Date => new Date(start.getTime() + count * 86_400_000)

/** A Secret as the API server keeps it: one at a time, by resourceVersion. */
class Cluster implements SecretAccess {
  stored: { data: SecretData; resourceVersion: string } | undefined
  writes = 0
  reads = 0

  async read(): Promise<{ data: SecretData; resourceVersion: string } | undefined> {
    this.reads += 1
    return this.stored
  }

  async create(data: SecretData): Promise<'written' | 'conflict'> {
    return this.stored ? 'conflict' : this.put(data)
  }

  async replace(data: SecretData, resourceVersion: string): Promise<'written' | 'conflict'> {
    return this.stored?.resourceVersion === resourceVersion ? this.put(data) : 'conflict'
  }

  put(data: SecretData): 'written' {
    this.writes += 1
    this.stored = { data, resourceVersion: String(this.writes) }
    return 'written'
  }
}

const lines: string[] = []
const log = createLog({ level: 'debug', destination: { write: (line) => void lines.push(line) } })

const ensure = (secret: SecretAccess, now = start, wanted = names) =>
  ensureCertificates({ secret, names: wanted, now: () => now, log })

const usable = (certificates: Awaited<ReturnType<typeof ensure>>, now = start, wanted = names): boolean => {
  const { pair, caBundle } = certificates
  const asked = { keyPem: pair.key, certPem: pair.cert, caPem: caBundle, now, names: wanted }
  return inspectPair(asked).kind === 'usable'
}

const first = new Cluster()
const served = await ensure(first)
const good = first.stored?.data ?? {}
const stranger = await createAuthority({ now: start, lifetimeDays: 3650 })
const strangersLeaf = await issueLeaf(stranger, { ...names, now: start, lifetimeDays: 365 })

/** A cluster whose Secret somebody has been at. */
function holding(data: SecretData): Cluster {
  const cluster = new Cluster()
  cluster.put(data)
  return cluster
}

describe('the Secret', () => {
  test('is written where there is none, and then only read', async () => {
    expect(Object.keys(good).toSorted()).toEqual(['ca.crt', 'ca.key', 'tls.crt', 'tls.key'])
    expect(usable(served)).toBe(true)
    const again = holding(good)
    expect(await ensure(again)).toEqual(served)
    expect([again.reads, again.writes]).toEqual([1, 1])
  })

  test('the first of several replicas to write it wins, and all serve the same', async () => {
    const cluster = new Cluster()
    const all = await Promise.all([ensure(cluster), ensure(cluster), ensure(cluster), ensure(cluster)])
    expect(new Set(all.map(({ pair }) => pair.cert)).size).toBe(1)
    expect(new Set(all.map(({ caBundle }) => caBundle)).size).toBe(1)
    expect(cluster.writes).toBe(1)
  })

  test('the first of several replicas to repair it wins too', async () => {
    const cluster = holding({})
    const all = await Promise.all([ensure(cluster), ensure(cluster), ensure(cluster)])
    expect(new Set(all.map(({ pair }) => pair.cert)).size).toBe(1)
    expect(cluster.writes).toBe(2)
  })

  test('one that is deleted between read and replace is made again', async () => {
    const cluster = holding({})
    const replace: SecretAccess['replace'] = async () => {
      cluster.stored = undefined
      return 'conflict'
    }
    const secret = { read: () => cluster.read(), create: (data: SecretData) => cluster.create(data), replace }
    expect(usable(await ensure(secret))).toBe(true)
  })

  test('one that is fought over is an error that says why', async () => {
    const fought: SecretAccess = {
      read: async () => ({ data: { ...good, 'tls.crt': '' }, resourceVersion: '1' }),
      create: async () => 'conflict',
      replace: async () => 'conflict',
    }
    await expect(ensure(fought)).rejects.toThrow(/unusable after 10 attempts.*not PEM of X.509/)
  })

  test('a lost connection is thrown on', async () => {
    const lost = new Cluster()
    lost.read = () => Promise.reject(new Error('connection lost'))
    await expect(ensure(lost)).rejects.toThrow('connection lost')
  })
})

const cut = (text = '', length = 400): string => text.slice(0, length)
const brokenCa = stranger.certPem.replace(/\n(.{8})/, '\nAAAAAAAA')

describe('a Secret that is unusable is replaced:', () => {
  test.each<[string, SecretData, 'same CA' | 'new CA']>([
    ['empty', {}, 'new CA'],
    ['without the CA key', { ...good, 'ca.key': '' }, 'new CA'],
    ['without the CA', { 'tls.crt': good['tls.crt'] ?? '', 'tls.key': good['tls.key'] ?? '' }, 'new CA'],
    ['with a cut CA key', { ...good, 'ca.key': cut(good['ca.key']) }, 'new CA'],
    ['with the CA key of another', { ...good, 'ca.key': stranger.keyPem }, 'new CA'],
    ['with a broken CA in the bundle', { ...good, 'ca.crt': `${good['ca.crt']}${brokenCa}` }, 'new CA'],
    [
      'with a leaf for a CA',
      { ...good, 'ca.crt': good['tls.crt'] ?? '', 'ca.key': good['tls.key'] ?? '' },
      'new CA',
    ],
    ['of binary garbage', { ...good, 'ca.crt': '\u0000\uFFFD', 'tls.crt': '\uFFFD' }, 'new CA'],
    ['without the leaf', { 'ca.crt': good['ca.crt'] ?? '', 'ca.key': good['ca.key'] ?? '' }, 'same CA'],
    ['with a cut leaf', { ...good, 'tls.crt': cut(good['tls.crt']) }, 'same CA'],
    ['with a cut leaf key', { ...good, 'tls.key': cut(good['tls.key']) }, 'same CA'],
    ['with the key of another leaf', { ...good, 'tls.key': strangersLeaf.keyPem }, 'same CA'],
    [
      'with the leaf of another CA',
      { ...good, 'tls.crt': strangersLeaf.certPem, 'tls.key': strangersLeaf.keyPem },
      'same CA',
    ],
  ])('%s', async (_what, data, kept) => {
    const cluster = holding(data)
    const certificates = await ensure(cluster)
    expect(usable(certificates)).toBe(true)
    expect(certificates.caBundle === good['ca.crt']).toBe(kept === 'same CA')
    expect(cluster.writes).toBe(2)
    expect(await ensure(cluster)).toEqual(certificates)
  })

  test.each([
    ['a CA in its last month', 3630],
    ['an expired CA', 4000],
  ])('with %s', async (_what, age) => {
    const cluster = holding(good)
    const certificates = await ensure(cluster, days(age))
    expect(usable(certificates, days(age))).toBe(true)
    expect(certificates.caBundle).not.toBe(good['ca.crt'])
  })
})

/** What is told while a replica looks. */
const replacing = async (cluster: Cluster, view = blankView): Promise<readonly string[]> => {
  const told: string[] = []
  const replaced = (why: string): void => void told.push(why)
  await ensureCertificates({ secret: cluster, names, now: () => start, log, view, replaced })
  return told
}

describe('that it had to be replaced', () => {
  test('is told once, with why, by the replica that did', async () => {
    const cluster = holding({ ...good, 'ca.key': '' })
    const told = await Promise.all([replacing(cluster), replacing(cluster), replacing(cluster)])
    expect(told.flat()).toEqual(['the CA key is not a PEM RSA private key'])
  })

  test('is told of one that goes while it is served, and of none that is the first', async () => {
    expect(await replacing(new Cluster())).toEqual([])
    const view = { ...blankView, served, live: [served.caBundle] }
    expect(await replacing(new Cluster(), view)).toEqual(['there is no Secret'])
  })
})

test('a renewal that can not be written leaves what is there to be served', async () => {
  const cluster = holding(good)
  cluster.replace = () => Promise.reject(new Error('forbidden'))
  expect(await ensure(cluster, days(244))).toMatchObject({ pair: served.pair, caBundle: served.caBundle })
  cluster.replace = () => Promise.resolve('conflict')
  expect(await ensure(cluster, days(244))).toMatchObject({ pair: served.pair, caBundle: served.caBundle })
})

describe('the leaf', () => {
  test('is kept until two thirds of its life, then issued again by the same CA', async () => {
    const cluster = holding(good)
    expect(Math.round((served.renewAt.getTime() - start.getTime()) / 86_400_000)).toBe(243)
    expect(await ensure(cluster, days(243))).toEqual(served)
    const renewed = await ensure(cluster, days(244))
    expect(renewed.caBundle).toBe(served.caBundle)
    expect(renewed.pair).not.toEqual(served.pair)
    expect(renewed.renewAt.getTime()).toBeGreaterThan(days(480).getTime())
  })

  test('is issued again by the same CA for other names', async () => {
    const wanted = { dnsNames: ['webhook.example.com'], ipAddresses: [] }
    const renewed = await ensure(holding(good), start, wanted)
    expect(usable(renewed, start, wanted)).toBe(true)
    expect(renewed.caBundle).toBe(served.caBundle)
  })
})

test('a bundle of several CAs is kept, wherever the one with the key stands', async () => {
  for (const bundle of [`${stranger.certPem}${good['ca.crt']}`, `${good['ca.crt']}${stranger.certPem}`]) {
    const kept = await ensure(holding({ ...good, 'ca.crt': bundle }))
    expect([kept.caBundle, kept.pair]).toEqual([bundle, served.pair])
    const renewed = await ensure(holding({ ...good, 'ca.crt': bundle, 'tls.crt': '' }))
    expect(renewed.caBundle).toBe(bundle)
    expect(
      new X509Certificate(renewed.pair.cert).checkIssued(new X509Certificate(good['ca.crt'] ?? '')),
    ).toBe(true)
  }
})

test('the bundle holds no key, even where ca.crt does', async () => {
  const { caBundle } = await ensure(holding({ ...good, 'ca.crt': `${good['ca.key']}${good['ca.crt']}` }))
  expect(caBundle).toBe(good['ca.crt'])
})

test('property: no log line holds a key', async () => {
  await ensure(holding({ ...good, 'tls.crt': good['ca.key'] ?? '', 'ca.crt': good['ca.key'] ?? '' }))
  const keys = [good['ca.key'], good['tls.key'], stranger.keyPem].flatMap((pem) =>
    (pem ?? '').split('\n').slice(1, -2),
  )
  const logged = lines.join('')
  expect(lines.length).toBeGreaterThan(0)
  expect(keys.length).toBeGreaterThan(60)
  expect(keys.filter((line) => logged.includes(line))).toEqual([])
  expect(logged).not.toContain('PRIVATE KEY')
})
