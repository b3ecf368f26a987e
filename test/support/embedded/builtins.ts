import { unknownConditions } from './hooks.ts'
import { isTextMap, listOf, recordOf, textOf, without, type Json } from './json.ts'
import { groupResource, type Kind } from './kind.ts'
import { kindsOf } from './kinds.ts'
import { nameOf, timestamp, withMeta, type KubeObject } from './object.ts'
import { badRequest, invalid } from './status.ts'

/** The finalizer under which the API server deletes the objects of a definition before the definition itself. */
export const cleanup = 'customresourcecleanup.apiextensions.k8s.io'

const namespace = (object: KubeObject): KubeObject => ({
  ...withMeta(object, {
    labels: { ...object.metadata.labels, 'kubernetes.io/metadata.name': nameOf(object) },
  }),
  spec: { finalizers: ['kubernetes'] },
  status: object['status'] ?? { phase: 'Active' },
})

const base64 = (text: string): string => Buffer.from(text).toString('base64')

const secret = (object: KubeObject): KubeObject => {
  const { apiVersion, kind, metadata, stringData, ...rest } = object
  const plain = isTextMap(stringData) ? stringData : {}
  const encoded = Object.fromEntries(Object.entries(plain).map(([key, text]) => [key, base64(text)]))
  const data = { ...recordOf(rest['data']), ...encoded }
  return {
    apiVersion,
    kind,
    metadata,
    ...rest,
    type: rest['type'] ?? 'Opaque',
    ...(Object.keys(data).length === 0 ? {} : { data }),
  }
}

const hookDefaults = (hook: Json, mutating: boolean): Json => ({
  failurePolicy: 'Fail',
  matchPolicy: 'Equivalent',
  namespaceSelector: {},
  objectSelector: {},
  timeoutSeconds: 10,
  ...(mutating ? { reinvocationPolicy: 'Never' } : {}),
  ...hook,
  rules: listOf(hook['rules']).map((rule) => ({ scope: '*', ...recordOf(rule) })),
})

const configuration = (object: KubeObject, kind: Kind): KubeObject => {
  const causes = unknownConditions(object)
  if (causes.length > 0) throw invalid(kind, nameOf(object), causes)
  const mutating = kind.kind === 'MutatingWebhookConfiguration'
  return {
    ...object,
    webhooks: listOf(object['webhooks']).map((hook) => hookDefaults(recordOf(hook), mutating)),
  }
}

const definition = (object: KubeObject, kind: Kind): KubeObject => {
  const spec = recordOf(object['spec'])
  const names = recordOf(spec['names'])
  if (nameOf(object) !== `${textOf(names['plural'])}.${textOf(spec['group'])}`) {
    const message = `Invalid value: "${nameOf(object)}": must be spec.names.plural+"."+spec.group`
    throw invalid(kind, nameOf(object), [{ reason: 'FieldValueInvalid', field: 'metadata.name', message }])
  }
  const complete: KubeObject = {
    ...object,
    spec: {
      conversion: { strategy: 'None' },
      ...spec,
      names: {
        singular: textOf(names['kind']).toLowerCase(),
        listKind: `${textOf(names['kind'])}List`,
        ...names,
      },
    },
    status: object['status'] ?? { conditions: [] },
  }
  try {
    kindsOf(complete)
  } catch (error) {
    throw badRequest(String(error))
  }
  return complete
}

const prepared: Readonly<Record<string, (object: KubeObject, kind: Kind) => KubeObject>> = {
  namespaces: namespace,
  secrets: secret,
  'validatingwebhookconfigurations.admissionregistration.k8s.io': configuration,
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': configuration,
  'customresourcedefinitions.apiextensions.k8s.io': definition,
}

/** Defaults and checks of the built-in kinds, as far as clients here notice them. Others are left as they are. */
export const prepareBuiltIn = (object: KubeObject, kind: Kind): KubeObject =>
  prepared[groupResource(kind)]?.(object, kind) ?? object

const condition = (type: string, status: string, reason: string, message: string): Json => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: timestamp(),
})

/** The status that the API server's own controllers give a definition. */
export const established = (crd: KubeObject): KubeObject => ({
  ...crd,
  status: {
    acceptedNames: recordOf(recordOf(crd['spec'])['names']),
    storedVersions: kindsOf(crd).map((kind) => kind.version),
    conditions: [
      condition('NamesAccepted', 'True', 'NoConflicts', 'no conflicts found'),
      condition('Established', 'True', 'InitialNamesAccepted', 'the initial names have been accepted'),
    ],
  },
})

/** What a deletion leaves of a kind that outlives its deletion until its contents are gone. */
export const markTerminating = (object: KubeObject, kind: Kind): KubeObject => {
  const status = recordOf(object['status'])
  switch (groupResource(kind)) {
    case 'namespaces':
      return { ...object, status: { ...status, phase: 'Terminating' } }
    case 'customresourcedefinitions.apiextensions.k8s.io': {
      const terminating = condition(
        'Terminating',
        'True',
        'InstanceDeletionPending',
        'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
      )
      const finalizers = [...new Set([...(object.metadata.finalizers ?? []), cleanup])]
      return {
        ...withMeta(object, { finalizers }),
        status: { ...without(status), conditions: [...listOf(status['conditions']), terminating] },
      }
    }
    default:
      return object
  }
}
