import type { Checked } from '../assess.ts'
import { fullTextOf, objectName, placeOf, messagesOf, type CheckMessage } from '../check-messages.ts'

/** The report as JUnit XML: a suite for each file, a case for each object. With `strict`, a warning fails its case. */
export function junitOf(all: readonly Checked[], strict: boolean): string {
  const files = Map.groupBy(all, (checked) => placeOf(checked)?.file ?? 'the cluster')
  const suites = [...files].map(([file, checked]) => suiteOf(file, checked, strict))
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="kleym check">\n${suites.join('')}</testsuites>\n`
}

function suiteOf(file: string, all: readonly Checked[], strict: boolean): string {
  const failed = all.filter((checked) => messagesOf(checked).some((one) => isFailure(one, strict))).length
  const cases = all.map((one) => caseOf(one, file, strict)).join('')
  return `  <testsuite name="${escaped(file)}" tests="${all.length}" failures="${failed}">\n${cases}  </testsuite>\n`
}

const isFailure = ({ action }: CheckMessage, strict: boolean): boolean =>
  action === 'deny' || (strict && action === 'warn')

function caseOf(checked: Checked, file: string, strict: boolean): string {
  const kind = checked.item?.kind ?? 'InferenceIdentityBinding'
  const line = placeOf(checked)?.line
  const messages = messagesOf(checked)
  const failures = messages.filter((one) => isFailure(one, strict))
  const others = messages.filter((one) => !isFailure(one, strict))
  const where = line === undefined ? '' : ` file="${escaped(file)}" line="${line}"`
  const opening = `    <testcase classname="${escaped(kind)}" name="${escaped(objectName(checked))}"${where}`
  if (messages.length === 0) return `${opening}/>\n`
  const [first] = failures
  const texts = (some: readonly CheckMessage[]): string => escaped(some.map(fullTextOf).join('\n'))
  const failure = first
    ? `      <failure type="${escaped(first.reason)}" message="${escaped(fullTextOf(first))}">${texts(failures)}</failure>\n`
    : ''
  const output = others.length > 0 ? `      <system-out>${texts(others)}</system-out>\n` : ''
  return `${opening}>\n${failure}${output}    </testcase>\n`
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
