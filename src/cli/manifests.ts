import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { field, isObject, textOr, type JsonObject } from '../core/json.ts'
import { isDns1123Label, isDns1123Subdomain } from '../core/names.ts'
import { bindingResource, optionalResources, type Resource } from '../core/resources.ts'
import { messageOf, show } from '../core/show.ts'
import { documentsIn } from './documents.ts'

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
  const named = (await readdir(path)).filter((name) => /\.(?:ya?ml|json)$/.test(name)).toSorted()
  const paths = named.map((name) => join(path, name))
  const kinds = await Promise.all(paths.map((one) => stat(one)))
  const files = paths.filter((_, index) => kinds[index]?.isFile())
  if (files.length === 0)
    throw new Error('the folder holds no .yaml, .yml or .json file, and its own folders are not searched')
  return files
}

/** Takes the documents of a text apart: YAML, or JSON one after the other. */
export function parseManifests(text: string, file: string, namespace: string): Manifests {
  const source = file === '-' ? 'standard input' : file
  const parts = documentsIn(text).flatMap(({ where, value }) => {
    const at = `${source}:${where}`
    const found = objectsIn(value, at)
    const manifests = found.objects.map((object) => manifestOf(object, at, namespace))
    return [...found.problems, ...manifests]
  })
  return {
    manifests: parts.filter((part) => typeof part === 'object'),
    problems: parts.filter((part) => typeof part === 'string'),
  }
}

type Objects = { readonly objects: readonly JsonObject[]; readonly problems: readonly string[] }

/** The object itself, or the items of a list, lists among them too. */
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
  const given = isObject(metadata) ? field(metadata, 'namespace') : undefined
  const namespace = given === undefined || given === '' ? otherwise : given
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
