/** What the API server says of names and labels (k8s.io/apimachinery: pkg/util/validation, pkg/api/validate/content). */

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const subdomain = `${label}(\\.${label})*`
const qualified = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'

const is = (pattern: string, text: string): boolean => new RegExp(`^(?:${pattern})$`).test(text)

const regex = (must: string, pattern: string, ...examples: readonly string[]): string =>
  `${must} (e.g. ${examples.map((one) => `'${one}', `).join(' or ')}regex used for validation is '${pattern}')`

const mustBeSubdomain = regex(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  subdomain,
  'example.com',
)
const mustBeLabel = regex(
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  label,
  'my-name',
  '123-abc',
)
const mustBeQualified = regex(
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  qualified,
  'MyName',
  'my.name',
  '123-abc',
)
const mustBeLabelValue = regex(
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  `(${qualified})?`,
  'MyValue',
  'my_value',
  '12345',
)

const bytes = (text: string): number => Buffer.byteLength(text)

const when = (isSo: boolean, message: string): readonly string[] => (isSo ? [message] : [])

export const subdomainProblems = (text: string, unit = 'characters'): readonly string[] => [
  ...when(bytes(text) > 253, `must be no more than 253 ${unit}`),
  ...when(!is(subdomain, text), mustBeSubdomain),
]

/** What is wrong with the name of a namespace. */
export const labelProblems = (text: string): readonly string[] => [
  ...when(bytes(text) > 63, 'must be no more than 63 characters'),
  ...when(!is(label, text), is(subdomain, text) ? 'must not contain dots' : mustBeLabel),
]

/** What is wrong with the key of a label or an annotation, or with a finalizer. */
export function qualifiedNameProblems(text: string): readonly string[] {
  const parts = text.split('/')
  const name = parts.at(-1) ?? ''
  const prefix = parts.length === 2 ? (parts[0] ?? '') : undefined
  if (parts.length > 2)
    return [
      `a valid label key ${mustBeQualified} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ]
  return [
    ...when(prefix === '', 'prefix part must be non-empty'),
    ...(prefix ? subdomainProblems(prefix, 'bytes').map((problem) => `prefix part ${problem}`) : []),
    ...when(name === '', 'name part must be non-empty'),
    ...when(bytes(name) > 63, 'name part must be no more than 63 bytes'),
    ...when(!is(qualified, name), `name part ${mustBeQualified}`),
  ]
}

export const labelValueProblems = (text: string): readonly string[] => [
  ...when(bytes(text) > 63, 'must be no more than 63 bytes'),
  ...when(!is(`(${qualified})?`, text), mustBeLabelValue),
]
