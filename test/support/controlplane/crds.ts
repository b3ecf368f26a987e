import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Kubectl, runKubectl } from './run-kubectl.ts'

const root = resolve(import.meta.dirname, '../../..')

/** Installs the CRDs that others publish and our own, and waits until all are Established. */
export async function installCrds(plane: Kubectl): Promise<void> {
  const files = [
    ...(await crdFiles(join(root, 'test/crds'))),
    ...(await crdFiles(join(root, 'deploy/crd'))),
  ].flatMap((file) => ['-f', file])
  // Server side: the last-applied annotation of a client's apply is too small for a large CRD.
  await must(plane, ['apply', '--server-side', ...files])
  await must(plane, ['wait', '--for=condition=Established', '--timeout=60s', ...files])
}

/** The files that hold CRDs: a kustomization may lie beside them. */
async function crdFiles(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory).catch(() => [])
  const paths = names.filter((name) => name.endsWith('.yaml')).map((name) => join(directory, name))
  const texts = await Promise.all(paths.map((path) => readFile(path, 'utf8')))
  return paths.filter((_, index) => /^kind: CustomResourceDefinition$/m.test(texts[index] ?? ''))
}

async function must(plane: Kubectl, args: readonly string[]): Promise<void> {
  const { code, stderr } = await runKubectl(plane, args)
  if (code !== 0) throw new Error(`kubectl ${args[0]} of the CRDs failed:\n${stderr}`)
}
