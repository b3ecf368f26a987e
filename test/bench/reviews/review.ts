import type { JsonObject } from '../../../src/core/json.ts'
import { binding } from '../manifests.ts'

const kind = { group: 'kleym.sonda.red', version: 'v1alpha1', kind: 'InferenceIdentityBinding' }
const resource = { group: kind.group, version: kind.version, resource: 'inferenceidentitybindings' }

/**
 * A CREATE of a PerObjective binding as kube-apiserver sends it after the mutating webhooks. A dry run: the
 * same decision, without the Lease that goes with it.
 */
export function admissionReview(namespace: string, index: number): JsonObject {
  const { metadata, ...manifest } = binding(namespace, index)
  const applied = JSON.stringify({ ...manifest, metadata: { ...metadata, annotations: {} } })
  return {
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid: crypto.randomUUID(),
      kind,
      resource,
      requestKind: kind,
      requestResource: resource,
      name: metadata.name,
      namespace,
      operation: 'CREATE',
      userInfo: {
        username: 'system:serviceaccount:argocd:argocd-application-controller',
        uid: crypto.randomUUID(),
        groups: ['system:serviceaccounts', 'system:serviceaccounts:argocd', 'system:authenticated'],
        extra: { 'authentication.kubernetes.io/credential-id': [`JTI=${crypto.randomUUID()}`] },
      },
      object: {
        ...manifest,
        metadata: {
          ...metadata,
          uid: crypto.randomUUID(),
          creationTimestamp: '2026-01-01T00:00:00Z',
          generation: 1,
          finalizers: ['kleym.sonda.red/inferenceidentitybinding-finalizer'],
          annotations: { 'kubectl.kubernetes.io/last-applied-configuration': applied },
          managedFields: [
            {
              manager: 'kubectl-client-side-apply',
              operation: 'Update',
              apiVersion: manifest.apiVersion,
              time: '2026-01-01T00:00:00Z',
              fieldsType: 'FieldsV1',
              fieldsV1: fieldsOf(manifest['spec']),
            },
          ],
        },
      },
      oldObject: null,
      dryRun: true,
      options: {
        kind: 'CreateOptions',
        apiVersion: 'meta.k8s.io/v1',
        fieldManager: 'kubectl',
        dryRun: ['All'],
      },
    },
  }
}

/** As the API server notes who set which field. */
const fieldsOf = (value: unknown): JsonObject =>
  typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [`f:${name}`, fieldsOf(inner)]))
    : {}
