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

/** Whether the API server serves this version by this CRD, slim or not. */
export function serves(definition: KubeObject, version: string): boolean {
  const conditions = list(objectOr(definition['status'])['conditions'])
  const versions = list(objectOr(definition['spec'])['versions'])
  return (
    conditions.some(({ type, status }) => type === 'Established' && status === 'True') &&
    versions.some(({ name, served }) => asText(name) === version && served === true)
  )
}

const list = (value: unknown): readonly Readonly<Record<string, unknown>>[] =>
  Array.isArray(value) ? value.map(objectOr) : []
