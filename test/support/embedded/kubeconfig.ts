import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** JSON is YAML, so a kubeconfig needs no YAML writer. */
export const kubeconfigText = (server: string, caPem: string, token: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [
      {
        name: 'test',
        cluster: { server, 'certificate-authority-data': Buffer.from(caPem).toString('base64') },
      },
    ],
    users: [{ name: 'test', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
  })

export type ScratchFile = { readonly path: string; readonly remove: () => Promise<void> }

/** A kubeconfig in a directory of its own, only for its owner's eyes. */
export const writeKubeconfig = async (server: string, caPem: string, token: string): Promise<ScratchFile> => {
  const directory = await mkdtemp(join(tmpdir(), 'kubeconfig-'))
  const path = join(directory, 'kubeconfig')
  await writeFile(path, kubeconfigText(server, caPem, token), { mode: 0o600 })
  return { path, remove: () => rm(directory, { recursive: true, force: true }) }
}
