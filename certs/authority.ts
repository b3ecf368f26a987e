import { generateKeyPair, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import forge from 'node-forge'
import type { Certified, Names } from './inspect.ts'

type LeafOptions = Names & { readonly now: Date; readonly lifetimeDays: number }

const generateKeys = promisify(generateKeyPair)

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** A self-signed CA. Each has a name of its own, so that old and new can stand in one bundle side by side. */
export async function createAuthority(options: {
  readonly now: Date
  readonly lifetimeDays: number
}): Promise<Certified> {
  const keys = await newKeys()
  const certificate = blank(keys.publicKey, validity(options.now, options.lifetimeDays))
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

/** A server certificate for the names. It ends with its CA at the latest. */
export async function issueLeaf(authority: Certified, options: LeafOptions): Promise<Certified> {
  const keys = await newKeys()
  const issuer = forge.pki.certificateFromPem(authority.certPem)
  const { notBefore, notAfter } = validity(options.now, options.lifetimeDays)
  const end = new Date(Math.min(notAfter.getTime(), issuer.validity.notAfter.getTime()))
  const certificate = blank(keys.publicKey, { notBefore, notAfter: end })
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
async function newKeys(): Promise<{ readonly publicKey: forge.pki.PublicKey; readonly privatePem: string }> {
  const { publicKey, privateKey } = await generateKeys('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  return { publicKey: forge.pki.publicKeyFromPem(publicKey), privatePem: privateKey }
}

type Validity = forge.pki.Certificate['validity']

/** From an hour back, for API servers whose clock is behind ours. */
function validity(now: Date, lifetimeDays: number): Validity {
  return {
    notBefore: new Date(now.getTime() - hourMs),
    notAfter: new Date(now.getTime() + lifetimeDays * dayMs),
  }
}

function blank(publicKey: forge.pki.PublicKey, period: Validity): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = publicKey
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
