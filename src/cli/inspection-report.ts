import { given } from '../core/binding.ts'
import type { ClusterSpiffeId } from '../core/clusterspiffeid.ts'
import { conditionsIn } from '../core/conditions.ts'
import { objectOr, type JsonObject } from '../core/json.ts'
import type { Lookup } from '../core/references.ts'
import { objectiveResources, poolResources, type Resource } from '../core/resources.ts'
import { podSelectorOf } from '../core/selectors.ts'
import { firstLineOf } from './diagnosis.ts'
import type { SettingSource } from './identity-config.ts'
import type { Inspection } from './inspection.ts'
import { operatorJson } from './operator-state.ts'
import { parted } from './pod-state.ts'
import { jsonOf } from './print.ts'
import { headOf, refTo, type ObjectRef, type ReportFinding } from './report-finding.ts'

const kind = 'BindingInspectionReport'

/** The report on a binding that does not exist. */
export const emptyReport = (
  at: { readonly namespace: string; readonly name: string },
  findings: readonly ReportFinding[],
  now: Date,
) => ({
  ...headOf(kind, now),
  identityConfig: {},
  bindingRef: { namespace: at.namespace, name: at.name },
  resolvedInput: {},
  renderedIdentity: {},
  renderedClusterSPIFFEID: {},
  matchedPods: [],
  findings,
  verdict: firstLineOf(findings),
})

/** The report: first the fields that the former operator's command has, then ours. */
export function reportOn(inspection: Inspection, findings: readonly ReportFinding[], now: Date) {
  const { judged, output, pods, others, rivals, operator, history, missed } = inspection
  const assessment = judged && jsonOf(judged.assessment)
  return {
    ...headOf(kind, now),
    identityConfig: identityConfig(inspection),
    bindingRef: bindingRefOf(inspection),
    resolvedInput: resolvedInput(inspection),
    renderedIdentity: renderedIdentity(inspection),
    renderedClusterSPIFFEID: renderedOutput(judged?.assessment.clusterSpiffeId),
    matchedPods: matchedPods(inspection),
    findings,
    verdict: firstLineOf(findings),
    admission: assessment && { verdict: assessment['verdict'], findings: assessment['findings'] },
    expectedStatus: assessment?.['status'] ?? null,
    output,
    pods: pods ?? null,
    otherIdentities: others,
    collision: rivals,
    operator: operatorJson(operator),
    history: history.kind === 'seen' ? history.events : null,
    unseen: missed,
  }
}

function identityConfig({ config }: Inspection): JsonObject {
  const { settings, trustDomainSource, classNameSource } = config
  return {
    trustDomain: settings.trustDomain,
    trustDomainSource: formerSource(trustDomainSource),
    ...(settings.className !== undefined && { clusterSPIFFEIDClassName: settings.className }),
    clusterSPIFFEIDClassNameSource: formerSource(classNameSource),
  }
}

/** The report knows no source but those of the former operator, which publishes no settings. */
const formerSource = (source: SettingSource): SettingSource => (source === 'operator' ? 'default' : source)

function bindingRefOf({ binding, judged }: Inspection): JsonObject {
  const { namespace, name, generation, spec, status } = binding
  const mode = given(spec.mode)
  const conditions = conditionsIn(status)
  const pool = targetOf(judged?.facts.pool, spec.poolRef, poolResources, namespace)
  const objective =
    spec.objectiveRef && targetOf(judged?.facts.objective, spec.objectiveRef, objectiveResources, namespace)
  return {
    namespace,
    name,
    generation,
    ...(typeof mode === 'string' && { mode }),
    poolRef: pool,
    ...(objective && { objectiveRef: objective }),
    ...(conditions.length > 0 && { conditions }),
  }
}

/** The object that a reference leads to or, if that is missing or can't be read, the reference itself. */
function targetOf(
  lookup: Lookup<unknown> | undefined,
  { name, group }: { readonly name: unknown; readonly group: unknown },
  [first]: readonly Resource[],
  namespace: string,
): ObjectRef {
  if (lookup?.kind === 'found') return refTo(lookup.resource, { namespace, name: lookup.name })
  return {
    ...(typeof name === 'string' && name !== '' && { name }),
    namespace,
    ...(typeof group === 'string' && { group }),
    ...(first && { kind: first.kind }),
  }
}

function resolvedInput({ binding, judged, rendering }: Inspection): JsonObject {
  if (!judged) return {}
  const { pool, objective, identity } = judged.facts
  const { namespace } = binding
  const found = [pool, objective].flatMap((one) => (one?.kind === 'found' ? [one] : []))
  const selector = pool.kind === 'found' ? pool.object.selector : undefined
  const container = rendering?.wanted.container
  return {
    ...(pool.kind === 'found' && { poolRef: refTo(pool.resource, { namespace, name: pool.name }) }),
    ...(objective?.kind === 'found' && {
      objectiveRef: refTo(objective.resource, { namespace, name: objective.name }),
    }),
    ...(found.length > 0 && {
      servedGVKs: found.map(({ resource: { group, version, kind: of } }) => ({ group, version, kind: of })),
    }),
    ...(selector?.kind === 'labels' && { poolSelector: podSelectorOf(selector.pods.labels) }),
    ...(container !== undefined && { containerName: container }),
    ...(identity && { selectorProvenance: provenanceOf(identity.selectors) }),
  }
}

/** The field that each selector comes from. */
function provenanceOf(selectors: readonly string[]): JsonObject {
  const of = (...prefixes: readonly string[]): readonly string[] =>
    selectors.filter((one) => prefixes.some((prefix) => one.startsWith(prefix)))
  const derived = of('k8s:pod-label:')
  const [container] = of('k8s:container-name:')
  return {
    ...(derived.length > 0 && { poolDerivedSelectors: derived }),
    ...(container !== undefined && { containerSelector: container }),
    safetySelectors: of('k8s:ns:', 'k8s:sa:'),
  }
}

function renderedIdentity({ rendering }: Inspection): JsonObject {
  if (!rendering) return {}
  const labels = Object.fromEntries(rendering.pairs.map((pair) => pair.split('=', 2)))
  return {
    spiffeID: rendering.spiffeId,
    podSelector: { matchLabels: labels },
    workloadSelectors: rendering.selectors,
    selectorProvenance: provenanceOf(rendering.selectors),
  }
}

function renderedOutput(output: ClusterSpiffeId | undefined): JsonObject {
  if (!output) return {}
  const { spec } = output
  const className = spec['className']
  return {
    name: output.metadata.name,
    spiffeID: spec['spiffeIDTemplate'],
    podSelector: objectOr(spec['podSelector']),
    workloadSelectors: spec['workloadSelectorTemplates'],
    hint: spec['hint'],
    ...(typeof className === 'string' && { className }),
    fallback: spec['fallback'] === true,
  }
}

function matchedPods({ binding, pods, rendering }: Inspection): readonly JsonObject[] {
  if (!pods?.seen) return []
  const container = rendering?.wanted.container
  return parted(pods).served.map(({ name }) => ({
    namespace: binding.namespace,
    pod: name,
    ...(container !== undefined && { container }),
  }))
}
