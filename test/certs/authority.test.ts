import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer } from 'node:tls'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createAuthority, issueLeaf } from '../../certs/authority.ts'
import { inspectAuthority, inspectPair, splitPem } from '../../certs/inspect.ts'

const now = new Date()
const later = (days: number): Date => new Date(now.getTime() + days * 86_400_000)
const names = {
  dnsNames: ['kleym-webhook.kleym-system.svc', 'kleym-webhook.kleym-system.svc.cluster.local'],
  ipAddresses: ['127.0.0.1', '::1'],
}

const authority = await createAuthority({ now, lifetimeDays: 10 })
const other = await createAuthority({ now, lifetimeDays: 10 })
const leaf = await issueLeaf(authority, { ...names, now, lifetimeDays: 5 })
const caPem = authority.certPem
const pair = { ...leaf, caPem, now, names }

describe('an authority', () => {
  const certificate = new X509Certificate(authority.certPem)

  test('is a self-signed CA of which node:crypto finds nothing wrong', () => {
    expect(certificate.ca).toBe(true)
    expect(certificate.checkIssued(certificate)).toBe(true)
    expect(certificate.verify(certificate.publicKey)).toBe(true)
    expect(certificate.publicKey.asymmetricKeyDetails?.modulusLength).toBe(2048)
  })

  test('has a name of its own, so that two can stand in one bundle', () => {
    expect(certificate.subject).not.toBe(new X509Certificate(other.certPem).subject)
  })
})

describe('a leaf', () => {
  const certificate = new X509Certificate(leaf.certPem)

  test('is for servers, for its names, and issued by its authority', () => {
    expect(certificate.ca).toBe(false)
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
    expect(certificate.checkIssued(new X509Certificate(authority.certPem))).toBe(true)
    expect(certificate.verify(new X509Certificate(authority.certPem).publicKey)).toBe(true)
    for (const name of names.dnsNames) expect(certificate.checkHost(name, { subject: 'never' })).toBe(name)
    for (const ip of names.ipAddresses) expect(certificate.checkIP(ip)).toBe(ip)
  })

  test('is valid for a clock that is an hour behind', () => {
    expect(certificate.validFromDate.getTime()).toBeLessThanOrEqual(now.getTime() - 3_599_000)
  })

  test('has a serial number of 16 bytes that is positive and its own', async () => {
    const serials = [certificate.serialNumber, new X509Certificate(authority.certPem).serialNumber]
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/)
    expect(serials[0]).not.toBe(serials[1])
  })

  test('does not outlive its authority', async () => {
    const long = await issueLeaf(authority, { ...names, now, lifetimeDays: 100 })
    const end = new X509Certificate(authority.certPem).validToDate
    expect(new X509Certificate(long.certPem).validToDate).toEqual(end)
  })

  test('serves TLS to a client that trusts the authority, alone or among others, and to no other', async () => {
    const server = createServer({ key: leaf.keyPem, cert: leaf.certPem }, (socket) => socket.end('hello'))
    server.on('tlsClientError', () => {})
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const dial = async (ca: string): Promise<string> => {
      const socket = connect({ port, host: '127.0.0.1', servername: names.dnsNames[0] ?? '', ca })
      await once(socket, 'secureConnect')
      return String((await once(socket, 'data'))[0])
    }
    expect(await dial(caPem)).toBe('hello')
    expect(await dial(other.certPem + caPem)).toBe('hello')
    await expect(dial(other.certPem)).rejects.toThrow(/certificate/)
    await once(server.close(), 'close')
  })
})

describe('inspecting a pair', () => {
  test('a pair that a client will accept is usable, until its end', () => {
    const certificate = new X509Certificate(leaf.certPem)
    expect(inspectPair(pair)).toEqual({
      kind: 'usable',
      notBefore: certificate.validFromDate,
      notAfter: certificate.validToDate,
    })
    expect(inspectPair({ ...pair, caPem: other.certPem + caPem })).toMatchObject({ kind: 'usable' })
  })

  const broken = leaf.certPem.replace(/\n(.{8})/, '\nAAAAAAAA')
  test.each([
    ['another key', { keyPem: authority.keyPem }, 'key'],
    ['no key', { keyPem: '' }, 'garbage'],
    ['a cut key', { keyPem: leaf.keyPem.slice(0, 500) }, 'garbage'],
    ['a certificate for a key', { keyPem: leaf.certPem }, 'garbage'],
    ['no certificate', { certPem: '' }, 'garbage'],
    ['a broken certificate', { certPem: broken }, 'garbage'],
    ['a key for a certificate', { certPem: leaf.keyPem }, 'garbage'],
    ['no CA', { caPem: '' }, 'garbage'],
    ['a broken CA', { caPem: caPem + broken }, 'garbage'],
    ['another CA', { caPem: other.certPem }, 'chain'],
    ['a time past its end', { now: later(6) }, 'expired'],
    ['a time before its start', { now: later(-1) }, 'early'],
    ['another DNS name', { names: { ...names, dnsNames: ['example.com'] } }, 'names'],
    ['another address', { names: { ...names, ipAddresses: ['10.0.0.1'] } }, 'names'],
    [
      'a CA for a leaf',
      {
        certPem: authority.certPem,
        keyPem: authority.keyPem,
        names: { dnsNames: [], ipAddresses: ['1.1.1.1'] },
      },
      'names',
    ],
  ])('%s makes it unusable', (_what, change, fault) => {
    expect(inspectPair({ ...pair, ...change })).toMatchObject({ kind: 'unusable', fault })
  })

  test('a CA that is no longer valid carries no leaf', async () => {
    const short = await createAuthority({ now, lifetimeDays: 1 })
    expect(inspectAuthority({ ...short, now })).toMatchObject({ kind: 'usable' })
    expect(inspectAuthority({ ...short, now: later(2) })).toMatchObject({
      kind: 'unusable',
      fault: 'expired',
    })
    const heir = await issueLeaf(short, { ...names, now, lifetimeDays: 5 })
    const late = { ...heir, caPem: short.certPem, now: later(2), names }
    expect(inspectPair(late)).toMatchObject({ kind: 'unusable', fault: 'expired' })
  })

  test('a leaf is no authority', () => {
    expect(inspectAuthority({ ...leaf, now })).toMatchObject({ kind: 'unusable', fault: 'purpose' })
  })

  test('what goes public is certificates alone, whatever stood beside them', () => {
    const mixed = `text\n${leaf.keyPem}${caPem}${leaf.keyPem}\n${other.certPem}trailing`
    expect(splitPem(mixed).join('')).toBe(caPem + other.certPem)
  })

  test('property: no message holds any of a key, however broken the PEM', () => {
    const secrets = [leaf.keyPem, authority.keyPem].flatMap((pem) => pem.split('\n').slice(1, -2))
    const pems = [leaf.keyPem, leaf.certPem, authority.keyPem, caPem, other.certPem]
    const pem = fc
      .tuple(fc.constantFrom(...pems), fc.nat(2000), fc.nat(40), fc.constantFrom('', 'A', '\n', '-----'))
      .map(([text, at, length, instead]) => text.slice(0, at) + instead + text.slice(at + length))
    fc.assert(
      fc.property(pem, pem, pem, (keyPem, certPem, bundle) => {
        const inspections = [
          inspectPair({ keyPem, certPem, caPem: bundle, now, names }),
          inspectAuthority({ keyPem, certPem, now }),
        ]
        const said = JSON.stringify(inspections)
        expect(secrets.filter((line) => said.includes(line))).toEqual([])
        expect(said).not.toContain('PRIVATE')
      }),
      { numRuns: 500 },
    )
  })
})
