import { generateKeyPair, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import forge from 'node-forge'
import type { Certified, Names } from './inspect.ts'

type KeyPair = { readonly publicPem: string; readonly privatePem: string }

type Dated = {
  readonly now: Date
  readonly lifetimeDays: number
  /**
   * Makes key pairs, both halves PEM. RSA of 2048 bits if not given: node-forge signs with RSA alone, and 2048 bits is
   * what API servers accept everywhere.
   */
  readonly keys?: (() => Promise<KeyPair>) | undefined
}

type LeafOptions = Names & Dated

const generateKeys = promisify(generateKeyPair)

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/**
 * A self-signed CA. Each CA has a random part in its name, so that an old and a new one can stand in one bundle and be
 * told apart.
 */
export async function createAuthority(options: Dated): Promise<Certified> {
  const keys = await (options.keys ?? newKeys)()
  const certificate = blank(keys.publicPem, validity(options.now, options.lifetimeDays))
  const name = commonName(`kleym webhook CA ${randomBytes(4).toString('hex')}`)
  certificate.setSubject(name)
  certificate.setIssuer(name)
  certificate.setExtensions([
    { name: 'basicConstraints', critical: true, cA: true, pathLenConstraint: 0 },
    { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true },
    { name: 'subjectKeyIdentifier' },
  ])
  return signed(certificate, keys.privatePem, keys.privatePem)
}

/** A server certificate for the names. The certificate never outlives its CA: a client would refuse it from then on. */
export async function issueLeaf(authority: Certified, options: LeafOptions): Promise<Certified> {
  const keys = await (options.keys ?? newKeys)()
  const issuer = forge.pki.certificateFromPem(authority.certPem)
  const { notBefore, notAfter } = validity(options.now, options.lifetimeDays)
  const end = new Date(Math.min(notAfter.getTime(), issuer.validity.notAfter.getTime()))
  const certificate = blank(keys.publicPem, { notBefore, notAfter: end })
  certificate.setSubject(commonName('kleym webhook'))
  certificate.setIssuer(issuer.subject.attributes)
  certificate.setExtensions([
    { name: 'basicConstraints', critical: true, cA: false },
    { name: 'keyUsage', critical: true, digitalSignature: true, keyEncipherment: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'subjectAltName', altNames: altNames(options) },
    { name: 'subjectKeyIdentifier' },
    { name: 'authorityKeyIdentifier', keyIdentifier: keyIdentifier(issuer) },
  ])
  return signed(certificate, keys.privatePem, authority.keyPem)
}

/** Made natively and off the event loop: in node-forge's JavaScript this takes seconds. */
async function newKeys(): Promise<KeyPair> {
  const { publicKey, privateKey } = await generateKeys('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  return { publicPem: publicKey, privatePem: privateKey }
}

type Validity = forge.pki.Certificate['validity']

/**
 * From an hour back, for API servers and replicas whose clock is behind ours; of a short life no more than a
 * tenth, so that two thirds of it are not over at once.
 */
function validity(now: Date, lifetimeDays: number): Validity {
  const lifetimeMs = lifetimeDays * dayMs
  return {
    notBefore: new Date(now.getTime() - Math.min(hourMs, lifetimeMs / 10)),
    notAfter: new Date(now.getTime() + lifetimeMs),
  }
}

function blank(publicPem: string, period: Validity): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = forge.pki.publicKeyFromPem(publicPem)
  certificate.serialNumber = serialNumber()
  certificate.validity = period
  return certificate
}

/** RFC 5280, 4.1.2.2: positive. A first byte of 0x40 to 0x7f is that, and DER's shortest form of 16 bytes. */
function serialNumber(): string {
  const [first = 0, ...rest] = randomBytes(16)
  return Buffer.from([(first & 0x3f) | 0x40, ...rest]).toString('hex')
}

function signed(certificate: forge.pki.Certificate, keyPem: string, signingKeyPem: string): Certified {
  certificate.sign(forge.pki.privateKeyFromPem(signingKeyPem), forge.md.sha256.create())
  return { certPem: forge.pki.certificateToPem(certificate).replaceAll('\r\n', '\n'), keyPem }
}

const commonName = (value: string): forge.pki.CertificateField[] => [{ name: 'commonName', value }]

// node-forge's numbers for GeneralName (RFC 5280, 4.2.1.6): 2 is dNSName, 7 iPAddress.
function altNames({ dnsNames, ipAddresses }: Names): readonly object[] {
  return [...dnsNames.map((value) => ({ type: 2, value })), ...ipAddresses.map((ip) => ({ type: 7, ip }))]
}

/** The issuer's own subjectKeyIdentifier where it has one: a CA that others made may count it differently. */
function keyIdentifier(issuer: forge.pki.Certificate): string {
  const extension = issuer.getExtension('subjectKeyIdentifier')
  if (
    extension &&
    'subjectKeyIdentifier' in extension &&
    typeof extension.subjectKeyIdentifier === 'string'
  ) {
    return forge.util.hexToBytes(extension.subjectKeyIdentifier)
  }
  return issuer.generateSubjectKeyIdentifier().getBytes()
}
