import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'

/** A certificate and its private key, both PEM. */
export type Certified = { readonly certPem: string; readonly keyPem: string }

/** The names and addresses that clients call a server by. */
export type Names = { readonly dnsNames: readonly string[]; readonly ipAddresses: readonly string[] }

export type Fault = 'garbage' | 'key' | 'expired' | 'early' | 'purpose' | 'chain' | 'names'

/**
 * What is found out about a certificate. No message holds a key, nor what a library said about one, since messages are
 * logged.
 */
type Inspection =
  | { readonly kind: 'usable'; readonly notBefore: Date; readonly notAfter: Date }
  | { readonly kind: 'unusable'; readonly fault: Fault; readonly message: string }

type PairOptions = {
  readonly keyPem: string
  /** The leaf, then intermediates if there are any. */
  readonly certPem: string
  /** One CA or several. */
  readonly caPem: string
  readonly now: Date
  readonly names: Names
}

/** Whether a client that trusts `caPem` and calls one of `names` will accept the pair. */
export function inspectPair({ keyPem, certPem, caPem, now, names }: PairOptions): Inspection {
  const key = readKey(keyPem)
  if (!key) return unusable('garbage', 'the private key is not an unencrypted PEM private key')
  return orGarbage('the certificate', () => {
    const [leaf, ...intermediates] = readCertificates(certPem)
    const anchors = readCertificates(caPem)
    if (!leaf) return unusable('garbage', 'the certificate is not PEM of X.509 certificates')
    if (anchors.length === 0) return unusable('garbage', 'the CA is not PEM of X.509 certificates')
    if (!leaf.checkPrivateKey(key)) return unusable('key', 'the private key is not that of the certificate')
    const untimely = outsideOf(leaf, now)
    if (untimely) return untimely
    if (!servesTls(leaf.keyUsage))
      return unusable('purpose', 'the certificate is not for servers (serverAuth)')
    const alive = (certificate: X509Certificate): boolean => !outsideOf(certificate, now)
    if (!chains(leaf, intermediates.filter(alive), anchors.filter(alive))) {
      return unusable(
        'chain',
        `the certificate does not chain to a valid CA of ${anchors.map(nameOf).join(', ')}`,
      )
    }
    const missing = missingNames(leaf, names)
    if (missing.length > 0) return unusable('names', `the certificate is not for ${missing.join(', ')}`)
    return usable(leaf)
  })
}

/** Whether a leaf can be issued with this CA. */
export function inspectAuthority({ keyPem, certPem, now }: Certified & { readonly now: Date }): Inspection {
  const key = readKey(keyPem)
  // node-forge, which signs, knows RSA alone.
  if (key?.asymmetricKeyType !== 'rsa') return unusable('garbage', 'the CA key is not a PEM RSA private key')
  return orGarbage('the CA', () => {
    const [authority] = readCertificates(certPem)
    if (!authority) return unusable('garbage', 'the CA is not PEM of X.509 certificates')
    if (!authority.checkPrivateKey(key))
      return unusable('key', 'the CA key is not that of the CA certificate')
    if (!authority.ca) return unusable('purpose', 'the CA certificate is not one of a CA')
    return outsideOf(authority, now) ?? usable(authority)
  })
}

/** Whether each certificate of a bundle can be read: an API server refuses a caBundle for a single bad one. */
export function isBundle(pem: string): boolean {
  return (
    orGarbage('the bundle', () => {
      const [first] = readCertificates(pem)
      return first ? usable(first) : unusable('garbage', 'the bundle is empty')
    }).kind === 'usable'
  )
}

/** Each certificate of several bundles once, but for those that are not valid now, and bundles that are broken. */
export function unionOf(bundles: readonly string[], now: Date): string {
  const valid = bundles
    .filter(isBundle)
    .flatMap(splitPem)
    .filter((text) => !outsideOf(new X509Certificate(text), now))
  return [...new Set(valid)].join('')
}

/** When the last certificate of a bundle ends, and so whatever chains to it. */
export const endOf = (pem: string): Date =>
  new Date(Math.max(...readCertificates(pem).map(({ validToDate }) => validToDate.getTime())))

/** An X509Certificate throws at what it can't read, for some of its parts only once they are asked for. */
function orGarbage(what: string, inspect: () => Inspection): Inspection {
  try {
    return inspect()
  } catch {
    return unusable('garbage', `${what} is broken X.509`)
  }
}

const block = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/**
 * Each certificate of a PEM text, as PEM and without anything that stood between them. What goes into a public
 * caBundle passes here, so that a key in the wrong file stays private.
 */
export function splitPem(pem: string): readonly string[] {
  return (pem.match(block) ?? []).map((text) => `${text}\n`)
}

const readCertificates = (pem: string): readonly X509Certificate[] =>
  splitPem(pem).map((text) => new X509Certificate(text))

function readKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem)
  } catch {
    return undefined
  }
}

const usable = (certificate: X509Certificate): Inspection => ({
  kind: 'usable',
  notBefore: certificate.validFromDate,
  notAfter: certificate.validToDate,
})

const unusable = (fault: Fault, message: string): Inspection => ({ kind: 'unusable', fault, message })

function outsideOf(certificate: X509Certificate, now: Date): Inspection | undefined {
  const { validFromDate, validToDate } = certificate
  if (now < validFromDate) {
    return unusable('early', `${nameOf(certificate)} is not valid before ${validFromDate.toISOString()}`)
  }
  if (now > validToDate) {
    return unusable('expired', `${nameOf(certificate)} expired at ${validToDate.toISOString()}`)
  }
  return undefined
}

const serverAuth = '1.3.6.1.5.5.7.3.1'

// Without the extension any purpose is allowed (RFC 5280, 4.2.1.12); Node then has no list, whatever its types say.
const servesTls = (purposes: readonly string[] | undefined): boolean => purposes?.includes(serverAuth) ?? true

/** A leaf that is itself trusted needs no issuer, as with Go's x509.Verify. */
function chains(
  leaf: X509Certificate,
  intermediates: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
): boolean {
  const unused = new Set(intermediates)
  for (let current: X509Certificate | undefined = leaf; current;) {
    const child: X509Certificate = current
    if (anchors.some((anchor) => anchor.fingerprint256 === child.fingerprint256 || issued(anchor, child))) {
      return true
    }
    current = [...unused].find((candidate) => issued(candidate, child))
    if (current) unused.delete(current)
  }
  return false
}

const issued = (issuer: X509Certificate, child: X509Certificate): boolean =>
  issuer.ca && child.checkIssued(issuer) && child.verify(issuer.publicKey)

/** The common name does not count: Go, and so the API server, has not looked at it since 1.15. */
function missingNames(leaf: X509Certificate, { dnsNames, ipAddresses }: Names): readonly string[] {
  return [
    ...dnsNames.filter((name) => leaf.checkHost(name, { subject: 'never' }) === undefined),
    ...ipAddresses.filter((ip) => leaf.checkIP(ip) === undefined),
  ]
}

const nameOf = (certificate: X509Certificate): string => `"${certificate.subject}"`
