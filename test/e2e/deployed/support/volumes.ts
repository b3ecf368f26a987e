import { mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createAuthority, issueLeaf } from '../../../../certs/authority.ts'
import { at, containerOf, listAt, podTemplateOf, textAt, type Manifests } from '../../../deploy/manifests.ts'
import { textsOf } from '../../../support/embedded/json.ts'

/**
 * Puts what cert-manager issues for the manifests into folders, as the kubelet mounts it. What is returned leads flags to
 * these folders instead of the paths in the container.
 */
export async function volumesOf(
  manifests: Manifests,
  scratch: string,
): Promise<(args: readonly string[]) => readonly string[]> {
  const folders = await Promise.all(
    containerOf(manifests).mounts.map(async (mount) => {
      const volume = listAt(podTemplateOf(manifests), 'spec', 'volumes').find(
        ({ name }) => name === mount['name'],
      )
      return [
        textAt(mount, 'mountPath'),
        await issued(manifests, textAt(volume, 'secret', 'secretName'), scratch),
      ] as const
    }),
  )
  return (args) =>
    args.map((arg) => folders.reduce((text, [path, folder]) => text.replace(`=${path}`, `=${folder}`), arg))
}

async function issued(manifests: Manifests, secretName: string, scratch: string): Promise<string> {
  const certificate = manifests
    .all('Certificate')
    .find((one) => textAt(one, 'spec', 'secretName') === secretName)
  if (!certificate) throw new Error(`nobody issues Secret ${secretName}`)
  const life = { now: new Date(), lifetimeDays: 90 }
  const authority = await createAuthority(life)
  const leaf = await issueLeaf(authority, {
    dnsNames: textsOf(at(certificate, 'spec', 'dnsNames')),
    ipAddresses: [],
    ...life,
  })
  const folder = await mkdtemp(join(scratch, 'mounted-'))
  await writeFile(join(folder, 'tls.crt'), leaf.certPem)
  await writeFile(join(folder, 'tls.key'), leaf.keyPem)
  await writeFile(join(folder, 'ca.crt'), authority.certPem)
  return folder
}
