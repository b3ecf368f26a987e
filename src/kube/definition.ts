import { objectOr } from '../core/json.ts'
import { asText, type KubeObject } from './object.ts'

export type Summarise = (definition: KubeObject) => Readonly<Record<string, unknown>>

/** A CustomResourceDefinition without its schemas; `summary` is what the caller picked before they went. */
export function slim(definition: KubeObject, summary: Readonly<Record<string, unknown>>): KubeObject {
  const { conditions } = objectOr(definition['status'])
  const versions = list(objectOr(definition['spec'])['versions'])
  return {
    metadata: definition.metadata,
    spec: { versions: versions.map(({ name, served }) => ({ name, served })) },
    status: { conditions },
    summary,
  }
}

/** The versions that the API server serves by this CRD, slim or not; undefined if it is not Established. */
export function servedVersions(definition: KubeObject): readonly string[] | undefined {
  const conditions = list(objectOr(definition['status'])['conditions'])
  if (!conditions.some(({ type, status }) => type === 'Established' && status === 'True')) return undefined
  const versions = list(objectOr(definition['spec'])['versions'])
  return versions.flatMap(({ name, served }) => (served === true ? (asText(name) ?? []) : []))
}

/** Whether the API server serves this version by this CRD. */
export const serves = (definition: KubeObject, version: string): boolean =>
  servedVersions(definition)?.includes(version) ?? false

/** The versions that the API server serves by this CRD instead of this one; undefined if it serves this one, or none. */
export const otherVersions = (definition: KubeObject, version: string): readonly string[] | undefined =>
  serves(definition, version) ? undefined : servedVersions(definition)

const list = (value: unknown): readonly Readonly<Record<string, unknown>>[] =>
  Array.isArray(value) ? value.map(objectOr) : []
