import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { canonical } from '../../src/core/json.ts'
import { allResources, type Resource } from '../../src/core/resources.ts'
import { resourcePath } from '../../src/kube/path.ts'
import type { Client } from '../support/embedded/client.ts'
import { recordOf, textOf, type Json } from '../support/embedded/json.ts'
import { nameOf, type Action } from './kubectl.ts'

export type Applied = { readonly object: Json; readonly warnings: readonly string[] } & (
  | { readonly kind: 'done'; readonly action: Action }
  /** `status` is the metav1.Status of the answer. */
  | { readonly kind: 'refused'; readonly status: Json }
)

export const demoNamespace = 'default'

/** The objects of a file, or of the files of a folder by their names. */
export async function readManifests(path: string): Promise<readonly Json[]> {
  const isFolder = (await stat(path)).isDirectory()
  const files = isFolder ? (await readdir(path)).toSorted().map((name) => join(path, name)) : [path]
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')))
  return texts.flatMap((text) => parseAllDocuments(text).map((document) => recordOf(document.toJS())))
}

/**
 * Creates or patches one object, as kubectl apply would. Unlike with kubectl, a field that
 * left the manifest stays: no example drops one.
 */
export async function apply(client: Client, manifest: Json): Promise<Applied> {
  const object = withLastApplied(manifest)
  const collection = resourcePath(resourceOf(manifest), { namespace: demoNamespace })
  const path = `${collection}/${nameOf(manifest)}`
  const live = await client.get(path)
  const reply = live.code === 200 ? await client.patch(path, object) : await client.post(collection, object)
  const { code, body } = reply
  const warnings = reply.warnings.map(unquoted)
  switch (code) {
    case 201:
      return { kind: 'done', object, warnings, action: 'created' }
    case 200:
      return {
        kind: 'done',
        object,
        warnings,
        action: versionOf(body) === versionOf(live.body) ? 'unchanged' : 'configured',
      }
    default:
      return { kind: 'refused', object, warnings, status: body }
  }
}

/** The text of a Warning header comes as an HTTP quoted-string (RFC 9110, 5.6.4). */
const unquoted = (text: string): string => text.replaceAll(/\\(.)/g, '$1')

const versionOf = (object: Json): unknown => recordOf(object['metadata'])['resourceVersion']

/** With the last-applied annotation as kubectl spells it. kubectl warns of an object without, and rewrites another spelling. */
function withLastApplied(manifest: Json): Json {
  const metadata = recordOf(manifest['metadata'])
  const plain = { ...manifest, metadata: { annotations: {}, ...metadata, namespace: demoNamespace } }
  const annotations = {
    ...recordOf(metadata['annotations']),
    'kubectl.kubernetes.io/last-applied-configuration': `${canonical(plain)}\n`,
  }
  return { ...plain, metadata: { ...plain.metadata, annotations } }
}

export function resourceOf({ apiVersion, kind }: Json): Resource {
  const found = allResources.find((one) => `${one.group}/${one.version}` === apiVersion && one.kind === kind)
  if (!found) throw new Error(`the demo knows no ${textOf(apiVersion)} ${textOf(kind)}`)
  return found
}
