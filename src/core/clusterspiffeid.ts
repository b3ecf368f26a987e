import { createHash } from 'node:crypto'
import { bindingKey, modes, type Binding, type BindingKey, type Mode } from './binding.ts'
import type { Identity, Settings } from './identity.ts'
import { field, numberOr, objectOr, sameJson, textOr, type JsonObject } from './json.ts'
import { isNonEmptyLabelValue } from './names.ts'
import { decodeStats, type OutputStats } from './output-stats.ts'
import { clusterSpiffeIdResource } from './resources.ts'
import { collisionKey, decodePodSelector, hasLabels, podSelectorOf, type Labels } from './selectors.ts'

/** Makes a ClusterSPIFFEID ours, under a name of our making; its value is the `namespace/name` of the binding. */
export const ownerAnnotation = 'kleym.sonda.red/binding'

/** By this label SPIRE Controller Manager lists, where it is configured with `filterByClassName`. */
export const classNameLabel = 'spire.spiffe.io/class-name'

/** A ClusterSPIFFEID, `spire.spiffe.io/v1alpha1`, as it is created for a binding. */
export type ClusterSpiffeId = {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels: Labels; readonly annotations: Labels }
  readonly spec: JsonObject
}

/** What of a ClusterSPIFFEID in the cluster counts. */
export type Output = {
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  readonly generation: number
  readonly deleting: boolean
  readonly labels: JsonObject
  readonly spec: JsonObject
  /** Whose it is: by annotation, or because the former operator wrote it for that binding. */
  readonly owner: BindingKey | undefined
  /** The binding whose annotation it bears under a name that is not of our making: somebody's copy, which is nobody's. */
  readonly copyOf: BindingKey | undefined
  /** False for what the former operator wrote and nobody has adopted yet. */
  readonly annotated: boolean
  /** Undefined while SPIRE Controller Manager has not looked at it. */
  readonly stats: OutputStats | undefined
}

/** Whether two states of one object differ in nothing that the operator reacts to: what SCM says of it is for people. */
export const isSameButForStats = (a: Output, b: Output): boolean =>
  sameJson({ ...a, stats: undefined, resourceVersion: '' }, { ...b, stats: undefined, resourceVersion: '' })

type Named = Pick<Binding, 'namespace' | 'name'>

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

/** A binding's name may have 253 characters, a label's value 63. */
const labelValue = (name: string): string => (name.length <= 63 ? name : `${name.slice(0, 54)}-${hash(name)}`)

const hash = (text: string): string => createHash('sha1').update(text).digest('hex').slice(0, 8)

const suffixes = { PoolOnly: '-pool-', PerObjective: '-objective-' } as const satisfies Record<Mode, string>

export function outputName(binding: Named, { mode, spiffeId }: Pick<Identity, 'mode' | 'spiffeId'>): string {
  const suffix = suffixes[mode]
  const { base, exact } = nameBase(binding, suffix)
  return base + suffix + hash(exact ? spiffeId : `${spiffeId}\n${binding.namespace}/${binding.name}`)
}

/** A readable DNS-1123 label. When it is not `exact`, two bindings could share it, so the hash must tell them apart. */
function nameBase(
  { namespace, name }: Named,
  suffix: string,
): { readonly base: string; readonly exact: boolean } {
  const plain = `kleym-${namespace}-${name}`
  const base = plain
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, 63 - suffix.length - 8)
    .replaceAll(/^-|-$/g, '')
  return { base, exact: base === plain }
}

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
    return { ...output, annotated: false, owner: writtenByReferenceFor(output), copyOf: undefined }
  const named = namedIn(annotation)
  const key = bindingKey(named.namespace, named.name)
  return isNameFor(named, output.name)
    ? { ...output, annotated: true, owner: key, copyOf: undefined }
    : { ...output, annotated: true, owner: undefined, copyOf: key }
}

/** An annotation that names no binding leaves an orphan of a binding that can't exist. */
function namedIn(text: string): Named {
  const slash = text.indexOf('/')
  return { namespace: text.slice(0, Math.max(slash, 0)), name: text.slice(slash + 1) }
}

/** Whether the naming rule can make this name for the binding: its base, the suffix of a mode and 8 hex. */
const isNameFor = (named: Named, name: string): boolean =>
  Object.values(suffixes).some((suffix) => {
    const { base } = nameBase(named, suffix)
    return name.startsWith(base + suffix) && /^[0-9a-f]{8}$/.test(name.slice(base.length + suffix.length))
  })

/** Whether an output of ours has the name that its own ID leads to: then it was rendered so, and not edited since. */
export function isNamedByItsId({ name, owner, spec }: Pick<Output, 'name' | 'owner' | 'spec'>): boolean {
  if (owner === undefined) return false
  const spiffeId = textOr(field(spec, 'spiffeIDTemplate'), '')
  return modes.some((mode) => outputName(namedIn(owner), { mode, spiffeId }) === name)
}

/** The former operator sets no annotation; its labels, hint and name together say which binding it meant. */
function writtenByReferenceFor({
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

/** Whether an object stands for the same identity, under whatever name: the ID and the selectors make it. */
export const givesSameIdentity = (output: Pick<Output, 'spec'>, wanted: ClusterSpiffeId): boolean =>
  ['spiffeIDTemplate', 'workloadSelectorTemplates'].every((part) =>
    sameJson(output.spec[part], wanted.spec[part]),
  )

/** The collision key that an object holds for its workloads: none for a PoolOnly one or one of foreign make. */
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
 * The fields in which an object of ours differs from what it should be, as paths. An older CRD prunes fields that it does
 * not know, so its spec may also be `stored`: what the API server made of the last write of the same wish.
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

/** Labels of others don't count, but a class that is not ours must not be shown either. */
const differingLabels = (labels: JsonObject, wanted: Labels): readonly string[] =>
  [...new Set([...Object.keys(wanted), classNameLabel])].filter((name) => labels[name] !== wanted[name])
