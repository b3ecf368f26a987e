import type { Json } from './json.ts'
import { groupVersion, type Kind } from './kind.ts'

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

const resourceOf = (kind: Kind): readonly Json[] => [
  {
    name: kind.plural,
    singularName: kind.singular,
    namespaced: kind.namespaced,
    kind: kind.kind,
    verbs: kind.answer === undefined ? verbs : ['create'],
    ...(kind.shortNames.length === 0 ? {} : { shortNames: kind.shortNames }),
    ...(kind.categories.length === 0 ? {} : { categories: kind.categories }),
  },
  ...(kind.hasStatus
    ? [
        {
          name: `${kind.plural}/status`,
          singularName: '',
          namespaced: kind.namespaced,
          kind: kind.kind,
          verbs: ['get', 'patch', 'update'],
        },
      ]
    : []),
]

const groupOf = (group: string, kinds: readonly Kind[]): Json => {
  const versions = [...new Set(kinds.filter((kind) => kind.group === group).map((kind) => kind.version))].map(
    (version) => ({ groupVersion: `${group}/${version}`, version }),
  )
  return { name: group, versions, preferredVersion: versions[0] }
}

const resourceList = (kinds: readonly Kind[], wanted: string): Json | undefined => {
  const members = kinds.filter((kind) => groupVersion(kind) === wanted)
  if (members.length === 0) return undefined
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: wanted,
    resources: members.flatMap(resourceOf),
  }
}

const patchOperation = ({ group, version, kind }: Kind): Json => ({
  parameters: [{ name: 'fieldValidation', in: 'query', schema: { type: 'string' } }],
  requestBody: { content: { 'application/merge-patch+json': { schema: { type: 'object' } } } },
  responses: { 200: { description: 'OK' } },
  'x-kubernetes-group-version-kind': { group, version, kind },
})

/**
 * The least of OpenAPI v3 that makes kubectl leave the check of fields to the server: for each kind a PATCH with
 * the query parameter `fieldValidation`. No strategic merge patch is listed, so that kubectl makes patches from the
 * types it knows; no v2 document is served, so that it does not look there.
 */
const openApi = (kinds: readonly Kind[], wanted: string): Json | undefined => {
  const members = kinds.filter((kind) => groupVersion(kind) === wanted)
  if (members.length === 0) return undefined
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'unversioned' },
    paths: Object.fromEntries(
      members.map((kind) => [`/${prefix(kind)}/${kind.plural}/{name}`, { patch: patchOperation(kind) }]),
    ),
    components: { schemas: {} },
  }
}

const prefix = (kind: Kind): string =>
  kind.group === '' ? `api/${kind.version}` : `apis/${groupVersion(kind)}`

const openApiIndex = (kinds: readonly Kind[]): Json => ({
  paths: Object.fromEntries(
    [...new Set(kinds.map(prefix))].map((path) => [path, { serverRelativeURL: `/openapi/v3/${path}` }]),
  ),
})

const version: Json = {
  major: '1',
  minor: '37',
  gitVersion: 'v1.37.2',
  gitCommit: '',
  gitTreeState: '',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: '',
  platform: '',
}

/** Answers the paths that are about the API itself; undefined for all others. Legacy discovery, not aggregated. */
export const discover = (path: string, kinds: readonly Kind[]): Json | undefined => {
  const groups = [...new Set(kinds.map((kind) => kind.group))].filter((group) => group !== '')
  switch (path) {
    case '/version':
      return version
    case '/api':
      return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] }
    case '/apis':
      return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map((group) => groupOf(group, kinds)) }
    case '/openapi/v3':
      return openApiIndex(kinds)
    default: {
      const [, open, base, group] = /^(\/openapi\/v3)?\/(apis?)\/([^/]+(?:\/[^/]+)?)$/.exec(path) ?? []
      if (group === undefined || (base === 'api' && group !== 'v1')) return undefined
      if (open !== undefined) return openApi(kinds, group)
      if (groups.includes(group)) return { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(group, kinds) }
      return (base === 'api') === (group === 'v1') ? resourceList(kinds, group) : undefined
    }
  }
}
