import * as builders from '../../support/builders.ts'
import type { Manifest } from '../../support/vectors.ts'

/** Metadata that only the API server sets. */
const unstored = { uid: undefined, generation: undefined }

type Options = {
  readonly name: string
  readonly namespace: string
  readonly spec?: Readonly<Record<string, unknown>>
}

/** A PerObjective binding to the pool and objective `chat`, as a user writes it. */
export const binding = (options: Options): Manifest => builders.binding({ ...options, metadata: unstored })

export const poolOnly = (options: Options): Manifest => builders.poolOnly({ ...options, metadata: unstored })

/** Several objects for one apply. */
export const listOfManifests = (items: readonly Manifest[]): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
