import { field, isObject, objectOr, type JsonObject } from '../core/json.ts'
import type { Resource } from '../core/resources.ts'
import { failureWords, type Answer, type Client } from '../kube/client.ts'
import { definitionsIn, type Definition } from '../schema/definition.ts'
import { readSchema } from '../schema/schema.ts'

/** The schemas by which a cluster judges a kind, or why they can't be read. */
export type SchemaSight =
  | { readonly kind: 'seen'; readonly definitions: readonly Definition[] }
  | { readonly kind: 'unseen'; readonly why: string }

type ReadPath = (path: string) => Promise<Answer>

/** Reads each path once: the OpenAPI of a group and version holds all of its kinds. */
export function readOnce(client: Client): ReadPath {
  const answers = new Map<string, Promise<Answer>>()
  return (path) => {
    const answer = answers.get(path) ?? client.call({ method: 'GET', path })
    answers.set(path, answer)
    return answer
  }
}

/**
 * The schemas of a kind that is served: those of its CustomResourceDefinition. For users who may not read it, the schema
 * is that of the API server's OpenAPI v3, which every authenticated user may read and which holds all of a structural
 * schema.
 */
export async function schemasOf(
  resource: Resource,
  definition: JsonObject | undefined,
  read: ReadPath,
): Promise<SchemaSight> {
  if (definition) return { kind: 'seen', definitions: definitionsIn(definition) }
  const { group, version, kind } = resource
  const answer = await read(`/openapi/v3/apis/${group}/${version}`)
  if (answer.kind !== 'ok')
    return { kind: 'unseen', why: `reading the OpenAPI of ${group}/${version}: ${failureWords(answer)}` }
  const published = publishedIn(objectOr(answer.body), resource)
  return published
    ? { kind: 'seen', definitions: [published] }
    : { kind: 'unseen', why: `the OpenAPI of ${group}/${version} has no ${kind}` }
}

function publishedIn(openApi: JsonObject, resource: Resource): Definition | undefined {
  const { group, version, kind, plural, namespaced } = resource
  const schemas = objectOr(field(objectOr(field(openApi, 'components')), 'schemas'))
  const published = Object.values(schemas).find((one) => isOf(one, resource))
  if (!isObject(published)) return undefined
  const { 'x-kubernetes-group-version-kind': _kinds, ...source } = published
  const properties = objectOr(field(published, 'properties'))
  const { schema, unread } = readSchema({
    ...source,
    // The published schema of the metadata is a reference to one that is the same for all kinds.
    properties: { ...properties, metadata: { type: 'object' } },
  })
  const paths = Object.keys(objectOr(field(openApi, 'paths')))
  const hasStatus = paths.some((path) => path.endsWith(`/${plural}/{name}/status`))
  return { group, version, kind, namespaced, schema, hasStatus, unread: [...unread] }
}

function isOf(schema: unknown, { group, version, kind }: Resource): boolean {
  const kinds = field(objectOr(schema), 'x-kubernetes-group-version-kind')
  return (Array.isArray(kinds) ? kinds.map(objectOr) : []).some(
    (one) => one['group'] === group && one['version'] === version && one['kind'] === kind,
  )
}
