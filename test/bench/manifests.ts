import { objectOr, type JsonObject } from '../../src/core/json.ts'
import { allResources, type Resource } from '../../src/core/resources.ts'
import { range } from './waiting.ts'

/** What one binding needs, by number: each has a pool and an objective of its own. */
export type Manifest = JsonObject & {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: JsonObject & { readonly namespace: string; readonly name: string }
}

/** Numbers of equal width give names, so bodies, of equal length. */
const padded = (index: number): string => String(index).padStart(6, '0')

export const poolName = (index: number): string => `pool-${padded(index)}`

export const pool = (
  namespace: string,
  name: string,
  labels: Readonly<Record<string, string>> = labelsOf(name),
): Manifest => ({
  apiVersion: 'inference.networking.k8s.io/v1',
  kind: 'InferencePool',
  metadata: { namespace, name },
  spec: {
    selector: { matchLabels: labels },
    targetPorts: [{ number: 8000 }],
    endpointPickerRef: { name: `${name}-epp`, port: { number: 9002 } },
  },
})

/** The shape and the group before Gateway API Inference Extension v1. */
export const oldPool = (namespace: string, name: string): Manifest => ({
  apiVersion: 'inference.networking.x-k8s.io/v1alpha2',
  kind: 'InferencePool',
  metadata: { namespace, name },
  spec: { selector: labelsOf(name), targetPortNumber: 8000, extensionRef: { name: `${name}-epp` } },
})

const labelsOf = (name: string) => ({
  'app.kubernetes.io/name': name,
  'app.kubernetes.io/part-of': 'chat',
  'llm-d.ai/role': 'decode',
})

/** An empty group matches the pool in whatever group it is found. Without it the CRD would fill in one group. */
export const objective = (namespace: string, index: number, poolRef: string = poolName(index)): Manifest => ({
  apiVersion: 'llm-d.ai/v1alpha2',
  kind: 'InferenceObjective',
  metadata: { namespace, name: objectiveName(index) },
  spec: { priority: 10, poolRef: { name: poolRef, group: '' } },
})

const objectiveName = (index: number): string => `objective-${padded(index)}`

export const binding = (
  namespace: string,
  index: number,
  poolRef: string = poolName(index),
  containerName: string = 'main',
): Manifest => ({
  apiVersion: 'kleym.sonda.red/v1alpha1',
  kind: 'InferenceIdentityBinding',
  metadata: { namespace, name: `binding-${padded(index)}` },
  spec: {
    mode: 'PerObjective',
    poolRef: { name: poolRef },
    objectiveRef: { name: objectiveName(index) },
    serviceAccountName: 'model-server',
    containerName,
  },
})

/** The same binding in mode PoolOnly, which has no collision key. */
export const poolOnly = ({ spec, ...rest }: ReturnType<typeof binding>): Manifest => {
  const { poolRef, serviceAccountName } = objectOr(spec)
  return { ...rest, spec: { mode: 'PoolOnly', poolRef, serviceAccountName } }
}

/** A pool and an objective for each of so many bindings. */
export const referencesOf = (namespace: string, size: number, from: number = 0): readonly Manifest[] =>
  range(size, from).flatMap((index) => [pool(namespace, poolName(index)), objective(namespace, index)])

export const bindingsOf = (namespace: string, size: number, from: number = 0): readonly Manifest[] =>
  range(size, from).map((index) => binding(namespace, index))

export function resourceOf({ apiVersion, kind }: Pick<Manifest, 'apiVersion' | 'kind'>): Resource {
  const found = allResources.find((one) => `${one.group}/${one.version}` === apiVersion && one.kind === kind)
  if (!found) throw new Error(`no resource for ${apiVersion} ${kind}`)
  return found
}
