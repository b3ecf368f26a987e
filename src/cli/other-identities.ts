import { decodeOutput, type Output } from '../core/clusterspiffeid.ts'
import { field, textOr, type JsonObject } from '../core/json.ts'
import { decodeLabelSelector, maySelect, selects, type LabelSelector } from '../core/label-selector.ts'
import { byBytes } from '../core/names.ts'
import type { Pod } from '../core/pods.ts'
import { clusterSpiffeIdResource } from '../core/resources.ts'
import type { Manifest } from './manifests.ts'

/** A ClusterSPIFFEID of somebody else that gives an identity to the pods. */
export type OtherIdentity = {
  readonly clusterSPIFFEID: string
  /** The ID as it is written: a template if the ClusterSPIFFEID is not the operator's. */
  readonly spiffeID: string
  readonly fallback: boolean
  /** False if the labels of the namespace could not be read and may exclude it. */
  readonly certain: boolean
  readonly pods: readonly string[]
}

type NamespaceLabels = {
  readonly namespace: string
  /** Undefined if they may not be read. */
  readonly namespaceLabels: JsonObject | undefined
}

/** The identities that ClusterSPIFFEIDs other than these give to pods. */
export function otherIdentities(
  pods: readonly Pod[],
  labels: NamespaceLabels,
  manifests: readonly Manifest[],
  own: ReadonlySet<string>,
): readonly OtherIdentity[] {
  return manifests
    .filter(({ resource, name }) => resource === clusterSpiffeIdResource && !own.has(name))
    .flatMap(({ object }) => otherOf(decodeOutput(object), pods, labels))
    .toSorted((a, b) => byBytes(a.clusterSPIFFEID, b.clusterSPIFFEID))
}

function otherOf(output: Output, pods: readonly Pod[], labels: NamespaceLabels): readonly OtherIdentity[] {
  const { name, spec, deleting } = output
  const wanted = decodeLabelSelector(field(spec, 'podSelector'))
  const namespaces = decodeLabelSelector(field(spec, 'namespaceSelector'))
  if (!wanted || !namespaces || deleting || !selectsNamespace(namespaces, labels)) return []
  const selected = pods.filter((pod) => selects(wanted, pod.labels) && mayAttest(pod, labels, spec))
  if (selected.length === 0) return []
  return [
    {
      clusterSPIFFEID: name,
      spiffeID: textOr(field(spec, 'spiffeIDTemplate'), ''),
      fallback: field(spec, 'fallback') === true,
      certain: labels.namespaceLabels !== undefined || namespaces.every(({ key }) => key === nameLabel),
      pods: selected.map((pod) => pod.name).toSorted(byBytes),
    },
  ]
}

const nameLabel = 'kubernetes.io/metadata.name'

const selectsNamespace = (
  namespaces: LabelSelector,
  { namespace, namespaceLabels }: NamespaceLabels,
): boolean =>
  namespaceLabels
    ? selects(namespaces, { ...namespaceLabels, [nameLabel]: namespace })
    : maySelect(namespaces, { [nameLabel]: namespace })

/**
 * Whether a process of the pod may match the workload selectors. Only selectors on parts that the Pod object shows
 * are compared.
 */
function mayAttest(pod: Pod, { namespace }: NamespaceLabels, spec: JsonObject): boolean {
  const selectors = field(spec, 'workloadSelectorTemplates')
  if (!Array.isArray(selectors)) return true
  const texts = selectors.filter((one) => typeof one === 'string' && !one.includes('{{'))
  const asks = (prefix: string): readonly string[] =>
    texts.flatMap((one: string) => (one.startsWith(prefix) ? [one.slice(prefix.length)] : []))
  return (
    asks('k8s:ns:').every((one) => one === namespace) &&
    asks('k8s:sa:').every((one) => one === pod.serviceAccountName) &&
    asks('k8s:container-name:').every((one) => pod.containers.includes(one))
  )
}

/** Describes other identities. A fallback gives nothing to a pod that another ClusterSPIFFEID selects. */
export const otherLines = (others: readonly OtherIdentity[]): readonly string[] =>
  others.map(({ clusterSPIFFEID, spiffeID, fallback, certain, pods }) =>
    [
      `${pods.slice(0, namedAtMost).join(', ')}${pods.length > namedAtMost ? ` and ${pods.length - namedAtMost} more` : ''}:`,
      `${certain ? '' : 'perhaps '}${spiffeID} of ClusterSPIFFEID ${clusterSPIFFEID}`,
      ...(fallback ? ['(a fallback: nothing for pods that this binding selects)'] : []),
    ].join(' '),
  )

const namedAtMost = 3
