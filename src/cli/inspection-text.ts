import { given } from '../core/binding.ts'
import { conditionsIn, readyIn } from '../core/conditions.ts'
import type { JsonObject } from '../core/json.ts'
import type { Lookup } from '../core/references.ts'
import { bindingResource, gvk } from '../core/resources.ts'
import { show } from '../core/show.ts'
import { firstLineOf } from './diagnosis.ts'
import { isGuessed, type IdentityConfig, type SettingSource } from './identity-config.ts'
import type { Inspection } from './inspection.ts'
import { block, sinceOf, spanOf } from './layout.ts'
import { operatorBrief } from './operator-state.ts'
import { otherLines } from './other-identities.ts'
import { outputLines, outputWords } from './output-state.ts'
import { podLines } from './pod-state.ts'
import { findingLines } from './print.ts'
import { reportLine, type ReportFinding } from './report-finding.ts'
import { rivalLines } from './rivals.ts'

/** The report for people: the verdict, then its grounds in the order from binding to pod. */
export function linesOf(
  inspection: Inspection,
  findings: readonly ReportFinding[],
  now: Date,
): readonly string[] {
  const { output, rendering, pods, others, rivals, operator, config } = inspection
  return [
    firstLineOf(findings),
    ...block(`${bindingResource.kind} ${inspection.binding.namespace}/${inspection.binding.name}`, [
      ...bindingLines(inspection),
    ]),
    ...block('Conditions', conditionLines(inspection.binding.status)),
    ...block('Identity', [
      ...(rendering
        ? [
            `SPIFFE ID: ${rendering.spiffeId}`,
            ...rendering.selectors.map((selector) => `selector: ${selector}`),
          ]
        : ['none']),
      configLine(config),
    ]),
    ...block('ClusterSPIFFEID', [
      ...outputLines(output, config.settings.className),
      ...(isGuessed(inspection.config) && output.name !== null
        ? ['its name follows from a trust domain that is assumed, so that another one may be meant']
        : []),
    ]),
    ...block('Matched pods', rendering && pods ? podLines(pods, rendering) : []),
    ...block('What else these pods get', otherLines(others)),
    ...block('Collision: all of these ask for one container of the same pods', rivalLines(rivals)),
    ...block('Operator', operatorBrief(operator, now)),
    ...block('What it would come to', outlook(inspection)),
    ...block('History', historyLines(inspection, now)),
    ...block('Findings', news(findings).map(reportLine)),
  ]
}

function bindingLines({ binding, judged }: Inspection): readonly string[] {
  const { generation, spec, deleting } = binding
  const mode = given(spec.mode)
  return [
    `generation ${generation}, mode ${typeof mode === 'string' ? mode : show(mode)}`,
    ...(judged
      ? [
          `pool: ${targetOf(judged.facts.pool)}`,
          ...(judged.facts.objective ? [`objective: ${targetOf(judged.facts.objective)}`] : []),
        ]
      : []),
    ...(deleting ? ['it is being deleted'] : []),
  ]
}

function targetOf(lookup: Lookup<unknown>): string {
  return lookup.kind === 'found' ? `${gvk(lookup.resource)} ${lookup.name}` : 'none'
}

/** The findings that add something to the verdict, which is the first error. */
function news(findings: readonly ReportFinding[]): readonly ReportFinding[] {
  const first = findings.find(({ severity }) => severity === 'error')
  return findings.filter(({ severity, reason }) => severity !== 'error' || reason !== first?.reason)
}

const conditionLines = (status: JsonObject): readonly string[] => {
  const ready = readyIn(status)
  return conditionsIn(status).map((condition) =>
    conditionLine(
      condition,
      condition['type'] !== 'Ready' && condition['message'] === ready?.message ? 'as Ready says' : undefined,
    ),
  )
}

function conditionLine(
  { type, status, reason, message, observedGeneration }: JsonObject,
  repeated: string | undefined,
): string {
  const of = typeof observedGeneration === 'number' ? `generation ${observedGeneration}` : 'no generation yet'
  return `${String(type)}: ${String(status)}, ${String(reason)} (${of}): ${repeated ?? String(message)}`
}

const sources: { readonly [source in SettingSource]: string } = {
  flag: 'of the flag',
  bindingStatus: 'of the status',
  operator: 'of the operator',
  default: 'assumed',
}

function configLine({ settings, trustDomainSource, classNameSource }: IdentityConfig): string {
  const { trustDomain, className } = settings
  const named = className === undefined ? 'no class' : `class ${className}`
  return `trust domain ${trustDomain} (${sources[trustDomainSource]}), ${named} (${sources[classNameSource]})`
}

function outlook(inspection: Inspection): readonly string[] {
  const { binding, judged, output } = inspection
  if (!judged || binding.deleting) return []
  const { assessment } = judged
  const expected = readyIn(assessment.status)
  const shown = readyIn(binding.status)
  const isShown = shown?.reason === expected?.reason && shown?.message === expected?.message
  const words = isShown ? 'as its status says' : `${expected?.reason ?? ''}: ${expected?.message ?? ''}`
  const guessed = isGuessed(inspection.config) ? ', by the trust domain that is assumed' : ''
  return [
    `reconciled now: ${output.waitsFor.length > 0 ? outputWords(output) : words}${guessed}`,
    `created now: ${assessment.verdict.verdict}`,
    ...findingLines(assessment),
  ]
}

/** How many Events are shown, the latest ones. The API server keeps Events for an hour. */
const toldAtMost = 10

function historyLines({ history }: Inspection, now: Date): readonly string[] {
  if (history.kind === 'unseen') return []
  return history.events.slice(-toldAtMost).map(({ at, type, reason, note, count }) => {
    const since = sinceOf(at, now)
    return `${since === undefined ? at : `${spanOf(since)} ago`}: ${type} ${reason}${count > 1 ? ` (${count} times)` : ''}: ${note}`
  })
}
