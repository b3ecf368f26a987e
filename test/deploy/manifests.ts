import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { numberOr, objectOr, textOr, type JsonObject } from '../../src/core/json.ts'
import { kubectl } from '../support/kubectl.ts'

export type Manifests = {
  /** What `kubectl apply -f -` takes. */
  readonly text: string
  readonly objects: readonly JsonObject[]
  readonly all: (kind: string) => readonly JsonObject[]
  readonly named: (kind: string, name: string) => JsonObject
  /** The one object of its kind. */
  readonly only: (kind: string) => JsonObject
}

export const deploy = resolve(import.meta.dirname, '../../deploy')

/** Folders below `deploy`. */
type Parts = { readonly over?: string; readonly components?: readonly string[] }

/** A folder with a kustomization of somebody's own over `deploy`, or over a folder of it. */
export async function overlayOf(
  kustomization: JsonObject,
  { over = '.', components = [] }: Parts = {},
): Promise<AsyncDisposable & { readonly directory: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'overlay-'))
  const all = {
    ...kustomization,
    resources: [relative(directory, join(deploy, over))],
    components: components.map((name) => relative(directory, join(deploy, 'components', name))),
  }
  await writeFile(join(directory, 'kustomization.yaml'), JSON.stringify(all))
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) }
}

/** What `kubectl apply -k` would apply. */
export async function build(directory: string): Promise<Manifests> {
  const { code, stdout, stderr } = await kubectl(['kustomize', directory])
  if (code !== 0) throw new Error(stderr)
  return manifestsIn(stdout)
}

export function manifestsIn(text: string): Manifests {
  const objects = parseAllDocuments(text).map((document) => objectOr(document.toJS()))
  const all = (kind: string) => objects.filter((object) => object['kind'] === kind)
  return {
    text,
    objects,
    all,
    named: (kind, name) =>
      single(
        all(kind).filter((object) => nameOf(object) === name),
        `${kind} ${name}`,
      ),
    only: (kind) => single(all(kind), kind),
  }
}

/** What is at a path; undefined where the path leads nowhere. */
export const at = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce((inner, name) => objectOr(inner)[name], value)

export const listAt = (value: unknown, ...path: readonly string[]): readonly JsonObject[] => {
  const list = at(value, ...path)
  return Array.isArray(list) ? list.map(objectOr) : []
}

export const textAt = (value: unknown, ...path: readonly string[]): string => textOr(at(value, ...path), '')

export const numberAt = (value: unknown, ...path: readonly string[]): number =>
  numberOr(at(value, ...path), 0)

export const nameOf = (object: unknown): string => textAt(object, 'metadata', 'name')

function single<T>(found: readonly T[], what: string): T {
  const [one, ...more] = found
  if (one === undefined || more.length > 0) throw new Error(`${found.length} of ${what}`)
  return one
}

export const podTemplateOf = (manifests: Manifests): JsonObject =>
  objectOr(at(manifests.only('Deployment'), 'spec', 'template'))

/** The operator's container, as the kubelet would start it. */
export function containerOf(manifests: Manifests) {
  const container = single(listAt(podTemplateOf(manifests), 'spec', 'containers'), 'containers')
  const args = at(container, 'args')
  const env = Object.fromEntries(listAt(container, 'env').flatMap((variable) => valueOf(variable, manifests)))
  return {
    image: textAt(container, 'image'),
    args: Array.isArray(args) ? args.map((arg) => expanded(String(arg), env)) : [],
    env,
    ports: Object.fromEntries(
      listAt(container, 'ports').map((port) => [textAt(port, 'name'), at(port, 'containerPort')]),
    ),
    mounts: listAt(container, 'volumeMounts'),
  }
}

/** `$(NAME)` is the value of a variable of the container, where there is one. */
const expanded = (arg: string, env: Readonly<Record<string, string>>): string =>
  arg.replaceAll(/\$\((\w+)\)/g, (whole, name: string) => env[name] ?? whole)

/** As it is written, or from its ConfigMap. A variable that is optional and not in there is not set. */
function valueOf(variable: JsonObject, manifests: Manifests): readonly (readonly [string, string])[] {
  const literal = at(variable, 'value')
  if (typeof literal === 'string') return [[textAt(variable, 'name'), literal]]
  const reference = at(variable, 'valueFrom', 'configMapKeyRef')
  const { data } = manifests.named('ConfigMap', textAt(reference, 'name'))
  const value = at(data, textAt(reference, 'key'))
  return typeof value === 'string' ? [[textAt(variable, 'name'), value]] : []
}
