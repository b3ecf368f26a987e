/** The grammars of Kubernetes names and labels, as k8s.io/apimachinery/pkg/util/validation has them. */

const label = '[a-z0-9](?:[-a-z0-9]*[a-z0-9])?'
const dns1123Label = new RegExp(`^${label}$`)
const dns1123Subdomain = new RegExp(`^${label}(?:\\.${label})*$`)
const labelPart = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/

export const isDns1123Label = (text: string): boolean => text.length <= 63 && dns1123Label.test(text)

export const isDns1123Subdomain = (text: string): boolean => text.length <= 253 && dns1123Subdomain.test(text)

/** An optional DNS-1123 subdomain and `/`, then up to 63 characters. */
export function isLabelKey(text: string): boolean {
  const slash = text.indexOf('/')
  const name = text.slice(slash + 1)
  return (
    (slash === -1 || isDns1123Subdomain(text.slice(0, slash))) && name.length <= 63 && labelPart.test(name)
  )
}

/** Kubernetes also allows the empty value; here it would match pods by the mere presence of a label. */
export const isNonEmptyLabelValue = (text: string): boolean => text.length <= 63 && labelPart.test(text)

/**
 * Cuts white space as Go's strings.TrimSpace and CEL's trim() see it, so that the CRD, the webhook and the
 * former operator call the same names blank: JavaScript's trim() takes U+FEFF too and leaves U+0085.
 */
export function trimSpace(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isSpace(text.charAt(start))) start++
  while (start < end && isSpace(text.charAt(end - 1))) end--
  return text.slice(start, end)
}

const isSpace = (character: string): boolean => /^[[\s\u0085]--[\ufeff]]$/v.test(character)

/**
 * Compares as Go and etcd do, by the bytes of UTF-8. JavaScript compares UTF-16, which differs where there are
 * surrogates.
 */
export function byBytes(a: string, b: string): number {
  if (surrogate.test(a) || surrogate.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b))
  return a < b ? -1 : a > b ? 1 : 0
}

const surrogate = /[\ud800-\udfff]/
