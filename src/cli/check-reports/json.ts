import { summaryIn } from '../../core/conditions.ts'
import type { JsonObject } from '../../core/json.ts'
import type { Checked, Expected } from '../assess.ts'
import { countsOf, outcomeOf, placeOf, messagesOf } from '../check-messages.ts'
import { findingOf, jsonOf } from '../print.ts'
import { hasNews } from './text.ts'

/** The report as JSON. `objects` are refused objects of other kinds. */
export function jsonReport(all: readonly Checked[], operator: JsonObject | undefined): string {
  const news = all.filter(hasNews)
  const report = {
    bindings: all.flatMap((one) => (one.kind === 'binding' ? [bindingJson(one)] : [])),
    references: news.flatMap((one) => (one.kind === 'target' ? [referenceJson(one)] : [])),
    objects: news.flatMap((one) => (one.kind === 'other' ? [objectJson(one)] : [])),
    summary: countsOf(all),
    ...(operator && { operator }),
  }
  return `${JSON.stringify(report, undefined, 2)}\n`
}

const placeJson = (checked: Checked): JsonObject => {
  const place = placeOf(checked)
  return place ? { file: place.file, line: place.line } : {}
}

const bindingJson = (checked: Extract<Checked, { kind: 'binding' }>): JsonObject => ({
  ...jsonOf(checked.assessment),
  verdict: outcomeOf(checked),
  findings: messagesOf(checked).map(({ json }) => json),
  ...(checked.answered.length > 0 && { answered: checked.answered.map(findingOf) }),
  ...placeJson(checked),
  ...(checked.willBe && { willBe: expectedJson(checked.willBe) }),
})

/** The state of a binding if all refused objects are absent. */
const expectedJson = ({ status, clusterSpiffeId }: Expected): JsonObject => ({
  ready: clusterSpiffeId !== undefined,
  reason: summaryIn(status)?.reason ?? null,
  clusterSPIFFEID: clusterSpiffeId?.metadata.name ?? null,
})

type NotBinding = Exclude<Checked, { kind: 'binding' }>

const objectJson = (checked: NotBinding): JsonObject => {
  const { group, version, kind, namespace, name } = checked.item
  const findings = messagesOf(checked).flatMap(({ json }) => ('binding' in json ? [] : [json]))
  return {
    group,
    version,
    kind,
    namespace,
    name,
    verdict: outcomeOf(checked),
    findings,
    ...placeJson(checked),
  }
}

const referenceJson = (checked: NotBinding): JsonObject => ({
  ...objectJson(checked),
  consequences: messagesOf(checked).flatMap(({ json }) => ('binding' in json ? [json] : [])),
})
