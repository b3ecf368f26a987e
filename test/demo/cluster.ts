import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseAllDocuments } from 'yaml'
import { controlPlaneTools } from '../support/controlplane/binaries.ts'
import { startControlPlane } from '../support/controlplane/start.ts'
import type { Client, Endpoint } from '../support/embedded/client.ts'
import { listOf, recordOf, textOf, type Json } from '../support/embedded/json.ts'
import { startEmbedded } from '../support/embedded/server.ts'
import { locateOrBuild } from '../support/go-tools/build.ts'

export type Cluster = Endpoint & {
  readonly kubeconfig: string
  /** A kubectl of the right version; undefined if there is none. */
  readonly kubectl: string | undefined
  readonly stop: () => Promise<void>
}

/** Throws when there is no real control plane and none can be built; the message says what to install. */
export async function startCluster(real: boolean, say: (line: string) => void): Promise<Cluster> {
  if (!real) return { ...(await startEmbedded()), kubectl: undefined }
  const outcome = await locateOrBuild(controlPlaneTools, process.env, say)
  if (outcome.kind === 'missing') throw new Error(outcome.remedy)
  const plane = await startControlPlane(outcome.binaries)
  return { ...plane, token: plane.adminToken }
}

const root = resolve(import.meta.dirname, '../..')
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

/** Installs the CRDs that others publish and our own; resolves to their names once all are served. */
export async function installDefinitions(client: Client): Promise<readonly string[]> {
  const crds = (await Promise.all(['test/crds', 'deploy/crd'].map(definitionsIn))).flat()
  return Promise.all(
    crds.map(async (crd) => {
      const name = textOf(recordOf(crd['metadata'])['name'])
      const { code, body } = await client.post(definitions, crd)
      if (code !== 201) throw new Error(`CustomResourceDefinition ${name}: ${textOf(body['message'])}`)
      // A definition is Established a moment before its kind is served.
      const isServed = await eventually(async () => (await client.get(listPath(crd))).code === 200)
      if (!isServed) throw new Error(`CustomResourceDefinition ${name} is there, but is not served`)
      return name
    }),
  )
}

async function definitionsIn(directory: string): Promise<readonly Json[]> {
  const names = (await readdir(join(root, directory))).filter((name) => name.endsWith('.yaml')).toSorted()
  const texts = await Promise.all(names.map((name) => readFile(join(root, directory, name), 'utf8')))
  return texts
    .flatMap((text) => parseAllDocuments(text).map((document) => recordOf(document.toJS())))
    .filter((object) => object['kind'] === 'CustomResourceDefinition')
}

function listPath({ spec }: Json): string {
  const { group, names, versions } = recordOf(spec)
  const served = listOf(versions)
    .map(recordOf)
    .find((version) => version['served'] === true)
  return `/apis/${textOf(group)}/${textOf(served?.['name'])}/${textOf(recordOf(names)['plural'])}`
}

const patienceMs = 60_000

/** Asks again and again; false when the answer stays no. */
export async function eventually(holds: () => Promise<boolean>): Promise<boolean> {
  const giveUpAt = performance.now() + patienceMs
  while (!(await holds())) {
    if (performance.now() > giveUpAt) return false
    await wait(20)
  }
  return true
}
