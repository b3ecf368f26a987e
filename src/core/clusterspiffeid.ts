import { bindingKey, modes, type BindingKey } from './binding.ts'
import type { Identity, Settings } from './identity.ts'
import { field, numberOr, objectOr, sameJson, textOr, type JsonObject } from './json.ts'
import { isNonEmptyLabelValue } from './names.ts'
import { isNameFor, labelValue, outputName, type Named } from './output-name.ts'
import { decodeStats, type OutputStats } from './output-stats.ts'
import { clusterSpiffeIdResource } from './resources.ts'
import { collisionKey, decodePodSelector, hasLabels, podSelectorOf, type Labels } from './selectors.ts'

/**
 * The annotation that, together with a name of our making, makes a ClusterSPIFFEID ours. Its value is the
 * `namespace/name` of the binding.
 */
export const ownerAnnotation = 'kleym.sonda.red/binding'

/** SPIRE Controller Manager lists by this label if it is configured with `filterByClassName`. */
export const classNameLabel = 'spire.spiffe.io/class-name'

/** A ClusterSPIFFEID, `spire.spiffe.io/v1alpha1`, as it is created for a binding. */
export type ClusterSpiffeId = {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels: Labels; readonly annotations: Labels }
  readonly spec: JsonObject
}

/** The parts of an existing ClusterSPIFFEID that the operator uses. */
export type Output = {
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  readonly generation: number
  readonly deleting: boolean
  readonly labels: JsonObject
  readonly spec: JsonObject
  /** The binding that it belongs to, by its annotation or because the former operator wrote it for that binding. */
  readonly owner: BindingKey | undefined
  /**
   * Set if it bears the annotation of a binding under a name that is not of our making: somebody copied an output.
   * The copy belongs to no binding.
   */
  readonly copyOf: BindingKey | undefined
  /** False if the former operator wrote it and this one has not adopted it yet. */
  readonly annotated: boolean
  /** Undefined while SPIRE Controller Manager has not processed it. */
  readonly stats: OutputStats | undefined
}

/**
 * Whether two states of one object are equal but for the statistics of SPIRE Controller Manager, to which the
 * operator does not react.
 */
export const isSameButForStats = (a: Output, b: Output): boolean =>
  sameJson({ ...a, stats: undefined, resourceVersion: '' }, { ...b, stats: undefined, resourceVersion: '' })

export function render(binding: Named, identity: Identity, settings: Settings): ClusterSpiffeId {
  return {
    apiVersion: `${clusterSpiffeIdResource.group}/${clusterSpiffeIdResource.version}`,
    kind: clusterSpiffeIdResource.kind,
    metadata: {
      name: outputName(binding, identity),
      labels: { ...ownerLabels(binding), ...classLabels(settings) },
      annotations: { [ownerAnnotation]: bindingKey(binding.namespace, binding.name) },
    },
    spec: {
      spiffeIDTemplate: identity.spiffeId,
      podSelector: podSelectorOf(identity.pods.labels),
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': binding.namespace } },
      workloadSelectorTemplates: identity.selectors,
      fallback: false,
      hint: bindingKey(binding.namespace, binding.name),
      ...(settings.className === undefined ? {} : { className: settings.className }),
    },
  }
}

const ownerLabels = ({ namespace, name }: Named): Labels => ({
  'kleym.sonda.red/managed-by': 'kleym',
  'kleym.sonda.red/binding-name': labelValue(name),
  'kleym.sonda.red/binding-namespace': namespace,
})

const classLabels = ({ className }: Settings): Labels =>
  className !== undefined && isNonEmptyLabelValue(className) ? { [classNameLabel]: className } : {}

export function decodeOutput(object: unknown): Output {
  const { metadata, spec, status } = objectOr(object)
  const meta = objectOr(metadata)
  const annotation = field(objectOr(field(meta, 'annotations')), ownerAnnotation)
  const output = {
    name: textOr(field(meta, 'name'), ''),
    uid: textOr(field(meta, 'uid'), ''),
    resourceVersion: textOr(field(meta, 'resourceVersion'), ''),
    generation: numberOr(field(meta, 'generation'), 1),
    deleting: field(meta, 'deletionTimestamp') !== undefined,
    labels: objectOr(field(meta, 'labels')),
    spec: objectOr(spec),
    stats: decodeStats(status),
  }
  if (typeof annotation !== 'string')
    return { ...output, annotated: false, owner: writtenByFormerFor(output), copyOf: undefined }
  const named = namedIn(annotation)
  const key = bindingKey(named.namespace, named.name)
  return isNameFor(named, output.name)
    ? { ...output, annotated: true, owner: key, copyOf: undefined }
    : { ...output, annotated: true, owner: undefined, copyOf: key }
}

/**
 * Splits an annotation into namespace and name. A text that names no binding yields parts that no binding has, so its
 * output counts as an orphan.
 */
function namedIn(text: string): Named {
  const slash = text.indexOf('/')
  return { namespace: text.slice(0, Math.max(slash, 0)), name: text.slice(slash + 1) }
}

/**
 * Whether an output of ours has the name that follows from its own ID. If so, the ID was rendered and nobody has
 * edited it.
 */
export function isNamedByItsId({ name, owner, spec }: Pick<Output, 'name' | 'owner' | 'spec'>): boolean {
  if (owner === undefined) return false
  const spiffeId = textOr(field(spec, 'spiffeIDTemplate'), '')
  return modes.some((mode) => outputName(namedIn(owner), { mode, spiffeId }) === name)
}

/**
 * The binding for which the former operator wrote an object. That operator sets no annotation; its labels, hint and name
 * together tell the binding.
 */
function writtenByFormerFor({
  name,
  labels,
  spec,
}: Pick<Output, 'name' | 'labels' | 'spec'>): BindingKey | undefined {
  const [namespace, binding, ...rest] = textOr(field(spec, 'hint'), '').split('/')
  if (!namespace || !binding || rest.length > 0) return undefined
  const named = { namespace, name: binding }
  if (!hasLabels(labels, ownerLabels(named))) return undefined
  return isNameFor(named, name) ? bindingKey(namespace, binding) : undefined
}

/** SCM takes an empty class for none. */
export const classNameIn = ({ spec }: Pick<Output, 'spec'>): string | undefined =>
  textOr(field(spec, 'className'), '') || undefined

/** Whether an object gives the wanted identity, under any name: an identity is the ID and the selectors. */
export const givesSameIdentity = (output: Pick<Output, 'spec'>, wanted: ClusterSpiffeId): boolean =>
  ['spiffeIDTemplate', 'workloadSelectorTemplates'].every((part) =>
    sameJson(output.spec[part], wanted.spec[part]),
  )

/**
 * The collision key whose workloads an object serves; undefined for a PoolOnly output and for an object that is not
 * ours.
 */
export function collisionKeyIn({ owner, spec }: Pick<Output, 'owner' | 'spec'>): string | undefined {
  const podSelector = decodePodSelector(field(spec, 'podSelector'))
  const selectors = field(spec, 'workloadSelectorTemplates')
  if (owner === undefined || podSelector.kind !== 'labels' || !Array.isArray(selectors)) return undefined
  const texts = selectors.filter((selector) => typeof selector === 'string')
  const [namespace, container] = ['k8s:ns:', 'k8s:container-name:'].map((prefix) =>
    texts.find((selector) => selector.startsWith(prefix))?.slice(prefix.length),
  )
  if (namespace === undefined || container === undefined) return undefined
  return collisionKey(namespace, podSelector.pods, texts, container)
}

/**
 * The paths of the fields in which an output differs from the wanted one. Its spec may also equal `stored`, the spec
 * that the API server made of an earlier write of the same wanted object: an older CRD prunes fields that it does not
 * know.
 */
export function differencesIn(
  output: Output,
  wanted: ClusterSpiffeId,
  stored?: JsonObject,
): readonly string[] {
  return [
    ...(stored !== undefined && sameJson(output.spec, stored)
      ? []
      : differingKeys(output.spec, wanted.spec).map((name) => `spec.${name}`)),
    ...differingLabels(output.labels, wanted.metadata.labels).map((name) => `metadata.labels[${name}]`),
    ...(output.annotated ? [] : [`metadata.annotations[${ownerAnnotation}]`]),
  ]
}

const differingKeys = (a: JsonObject, b: JsonObject): readonly string[] =>
  [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((name) => !sameJson(a[name], b[name]))

/** Labels that we do not set do not count, except a label with another class, which must go. */
const differingLabels = (labels: JsonObject, wanted: Labels): readonly string[] =>
  [...new Set([...Object.keys(wanted), classNameLabel])].filter((name) => labels[name] !== wanted[name])
