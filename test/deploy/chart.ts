import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { objectOr, type JsonObject } from '../../src/core/json.ts'
import { byBytes } from '../../src/core/names.ts'
import { gitOpsBinaries } from '../support/real.ts'
import { runProgram, type ProgramResult } from '../support/run-program.ts'
import { at, deploy, manifestsIn, nameOf, textAt, type Manifests } from './manifests.ts'

export const chart = join(deploy, 'chart')

/** Helm, away from whatever configuration somebody has. */
export const helm = (args: readonly string[], input = ''): Promise<ProgramResult> =>
  runProgram(gitOpsBinaries().helm, args, { env: { HOME: join(tmpdir(), 'no-home') }, input })

/** What `helm install` would send, in the namespace that the manifests of `deploy` are for. */
export async function render(values: JsonObject): Promise<Manifests> {
  const { code, stdout, stderr } = await template(values)
  if (code !== 0) throw new Error(stderr)
  return manifestsIn(stdout)
}

export const template = (values: JsonObject): Promise<ProgramResult> =>
  helm(
    ['template', 'kleym-operator', chart, '--namespace', 'kleym-system', '-f', '-'],
    JSON.stringify(values),
  )

/** Labels and annotations that only the chart has, or only the kustomization. */
const ofTheTool = new Set([
  'helm.sh/chart',
  'helm.sh/resource-policy',
  'app.kubernetes.io/managed-by',
  'app.kubernetes.io/instance',
  'app.kubernetes.io/version',
  'checksum/config',
])

/**
 * The objects by kind and name, without what marks whose they are: labels and annotations of the chart, the hash in the
 * name of the ConfigMap, and the namespace, which Helm has from its command line.
 */
export function compared({ objects }: Manifests): Readonly<Record<string, JsonObject>> {
  const entries = objects
    .filter(({ kind }) => kind !== 'Namespace')
    .map((object): [string, JsonObject] => {
      const plain = objectOr(JSON.parse(JSON.stringify(object, unmarked)))
      return [`${textAt(plain, 'kind')} ${nameOf(plain)}`, plain]
    })
  return Object.fromEntries(entries.toSorted(([one], [other]) => byBytes(one, other)))
}

function unmarked(key: string, value: unknown): unknown {
  if (key === 'name' && typeof value === 'string')
    return value.replace(/^(kleym-operator-config)-[a-z0-9]{10}$/, '$1')
  if (key !== 'labels' && key !== 'annotations') return value
  const rest = Object.entries(objectOr(value)).filter(([name]) => !ofTheTool.has(name))
  return rest.length === 0 ? undefined : Object.fromEntries(rest)
}

/** Of each object, and of the pods, what metadata it has there. */
export const metadataOf = (manifests: Manifests, field: 'labels' | 'annotations'): readonly unknown[] => [
  ...manifests.objects.map((object) => at(object, 'metadata', field)),
  at(manifests.only('Deployment'), 'spec', 'template', 'metadata', field),
]
