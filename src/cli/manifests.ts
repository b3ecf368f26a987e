import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { LineCounter, parseAllDocuments } from 'yaml'
import { field, isObject, textOr, type JsonObject } from '../core/json.ts'
import { isDns1123Label, isDns1123Subdomain } from '../core/names.ts'
import { bindingResource, optionalResources, type Resource } from '../core/resources.ts'
import { messageOf, show } from '../core/show.ts'

/** One object of a kind that counts here, with its namespace filled in. */
export type Manifest = {
  readonly resource: Resource
  readonly object: JsonObject
  readonly namespace: string
  readonly name: string
}

export type Manifests = { readonly manifests: readonly Manifest[]; readonly problems: readonly string[] }

/**
 * Reads manifests in the order given: files, folders (their .yaml, .yml and .json, by name), `-` for standard
 * input. Other kinds are passed over. A problem names the file and, where there is one, the line.
 */
export async function readManifests(
  paths: readonly string[],
  namespace: string,
  readStdin: () => Promise<string>,
): Promise<Manifests> {
  const all: Manifests[] = []
  for (const path of paths) {
    try {
      for (const file of await filesIn(path))
        all.push(
          parseManifests(file === '-' ? await readStdin() : await readFile(file, 'utf8'), file, namespace),
        )
    } catch (error) {
      all.push({
        manifests: [],
        problems: [`-f ${path}: ${messageOf(error)}`],
      })
    }
  }
  return {
    manifests: all.flatMap(({ manifests }) => manifests),
    problems: all.flatMap(({ problems }) => problems),
  }
}

function absent(error: NodeJS.ErrnoException): never {
  throw error.code === 'ENOENT' ? new Error('there is no such file or folder') : error
}

async function filesIn(path: string): Promise<readonly string[]> {
  const found = path === '-' ? undefined : await stat(path).catch(absent)
  if (!found?.isDirectory()) return [path]
  const names = (await readdir(path)).filter((name) => /\.(?:ya?ml|json)$/.test(name)).toSorted()
  if (names.length === 0)
    throw new Error('the folder holds no .yaml, .yml or .json file, and its own folders are not searched')
  return names.map((name) => join(path, name))
}

/** Takes multi-document YAML, of which JSON is a part, apart. */
export function parseManifests(text: string, file: string, namespace: string): Manifests {
  const lines = new LineCounter()
  const manifests: Manifest[] = []
  const problems: string[] = []
  const source = file === '-' ? 'standard input' : file
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    logLevel: 'silent',
    prettyErrors: false,
    // As kubectl reads them.
    merge: true,
  })
  for (const document of documents) {
    const where = `${source}:${lines.linePos(document.range[0]).line}`
    const [error] = document.errors
    if (error) {
      problems.push(`${source}:${lines.linePos(error.pos[0]).line}: ${error.message}`)
      continue
    }
    const found = objectsIn(toJson(document), where)
    problems.push(...found.problems)
    for (const object of found.objects) {
      const manifest = manifestOf(object, where, namespace)
      if (typeof manifest === 'string') problems.push(manifest)
      else if (manifest) manifests.push(manifest)
    }
  }
  return { manifests, problems }
}

/** Throws on aliases that would unfold to more than anyone could have meant. */
function toJson(document: { toJS(options: { maxAliasCount: number }): unknown }): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    return error
  }
}

type Objects = { readonly objects: readonly JsonObject[]; readonly problems: readonly string[] }

/** The object itself, or the items of a list, however deep. */
function objectsIn(value: unknown, where: string): Objects {
  if (value === null || value === undefined) return { objects: [], problems: [] }
  if (value instanceof Error) return { objects: [], problems: [`${where}: ${value.message}`] }
  if (!isObject(value))
    return { objects: [], problems: [`${where}: ${show(value)} is not a Kubernetes object`] }
  const items = field(value, 'items')
  if (!Array.isArray(items) || !textOr(field(value, 'kind'), '').endsWith('List'))
    return { objects: [value], problems: [] }
  const inner = items.map((item: unknown) => objectsIn(item, where))
  return {
    objects: inner.flatMap(({ objects }) => objects),
    problems: inner.flatMap(({ problems }) => problems),
  }
}

function manifestOf(object: JsonObject, where: string, otherwise: string): Manifest | string | undefined {
  const { apiVersion, kind } = object
  if (typeof apiVersion !== 'string' || typeof kind !== 'string')
    return `${where}: apiVersion or kind is missing; write both, such as apiVersion: kleym.sonda.red/v1alpha1`
  const resource = [bindingResource, ...optionalResources].find(
    (known) => `${known.group}/${known.version}` === apiVersion && known.kind === kind,
  )
  if (!resource) return undefined
  const metadata = field(object, 'metadata')
  const name = isObject(metadata) ? field(metadata, 'name') : undefined
  const namespace = (isObject(metadata) ? field(metadata, 'namespace') : undefined) ?? otherwise
  if (typeof name !== 'string' || !isDns1123Subdomain(name))
    return `${where}: ${kind} metadata.name ${show(name)} is not a DNS-1123 subdomain; correct the name`
  if (typeof namespace !== 'string' || !isDns1123Label(namespace))
    return `${where}: ${kind} ${name} metadata.namespace ${show(namespace)} is not a DNS-1123 label; correct it`
  return {
    resource,
    namespace,
    name,
    object: { ...object, metadata: { ...(isObject(metadata) && metadata), name, namespace } },
  }
}
