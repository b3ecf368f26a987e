import { generateKeyPairSync } from 'node:crypto'
import forge from 'node-forge'

export type Tls = { readonly caPem: string; readonly certPem: string; readonly keyPem: string }

const year = 365 * 24 * 3600 * 1000

type Issue = {
  readonly subject: string
  readonly issuer: string
  readonly publicKeyPem: string
  readonly signerKeyPem: string
  readonly extensions: readonly object[]
}

const issue = ({ subject, issuer, publicKeyPem, signerKeyPem, extensions }: Issue): string => {
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKeyPem)
  certificate.serialNumber = `01${forge.util.bytesToHex(forge.random.getBytesSync(8))}`
  certificate.validity.notBefore = new Date(Date.now() - 60_000)
  certificate.validity.notAfter = new Date(Date.now() + year)
  certificate.setSubject([{ name: 'commonName', value: subject }])
  certificate.setIssuer([{ name: 'commonName', value: issuer }])
  certificate.setExtensions([...extensions])
  certificate.sign(forge.pki.privateKeyFromPem(signerKeyPem), forge.md.sha256.create())
  return forge.pki.certificateToPem(certificate)
}

// node:crypto makes a 2048 bit key in a tenth of the time node-forge needs.
const rsa = (): { readonly publicKey: string; readonly privateKey: string } =>
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })

const make = (): Tls => {
  const ca = rsa()
  const leaf = rsa()
  const authority = 'loopback test authority'
  const caPem = issue({
    subject: authority,
    issuer: authority,
    publicKeyPem: ca.publicKey,
    signerKeyPem: ca.privateKey,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
  const certPem = issue({
    subject: 'localhost',
    issuer: authority,
    publicKeyPem: leaf.publicKey,
    signerKeyPem: ca.privateKey,
    extensions: [
      { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  })
  return { caPem, certPem, keyPem: leaf.privateKey }
}

let made: Tls | undefined

/** A CA and a leaf for 127.0.0.1, made once a process: thousands of servers start without making keys. */
export const loopbackTls = (): Tls => {
  made ??= make()
  return made
}
