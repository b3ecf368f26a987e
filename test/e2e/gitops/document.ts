import { readFile, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { bindingResource, objectiveResources, poolResources } from '../../../src/core/resources.ts'
import { resourcePath } from '../../../src/kube/client.ts'
import type { Cluster } from '../support/cluster.ts'
import { startTenant, type Tenant } from './tenant.ts'

const file = new URL('../../../docs/gitops.md', import.meta.url)
const namespace = 'docs'

/** A command as it is typed, and below it what it prints. */
const block = /```console\n\$ (?<command>[^\n]*)\n(?<printed>.*?)```\n/gs

export function documentSuite(cluster: () => Cluster): void {
  test('holds what the tools print, line by line', { timeout: 300_000 }, async () => {
    const text = await readFile(file, 'utf8')
    const tenant = await startTenant(cluster(), namespace)
    const written: string[] = []
    for (const section of text.split(/^(?=## )/m)) written.push(await played(section, tenant, cluster()))
    if (process.env['KLEYM_UPDATE_DOCS'] !== undefined) await writeFile(file, written.join(''))
    expect([...text.matchAll(block)].length).toBeGreaterThan(8)
    expect(await readFile(file, 'utf8')).toBe(written.join(''))
  })
}

/** The section with what its commands print now, one after the other in an empty namespace. */
async function played(section: string, tenant: Tenant, cluster: Cluster): Promise<string> {
  const printed: string[] = []
  for (const { groups: { command = '' } = {} } of section.matchAll(block)) {
    printed.push(told(await tenant.shell(`{ ${command}; } 2>&1`)))
    await tenant.settled()
  }
  await empty(tenant, cluster)
  return section.replaceAll(
    block,
    (_, command: string) => `\`\`\`console\n$ ${command}\n${printed.shift() ?? ''}\`\`\`\n`,
  )
}

/** Without times, process ids and white space at the end of lines. */
const told = ({ stdout }: { readonly stdout: string }): string =>
  stdout
    .replaceAll(/^([IWE])\d{4} [\d:.]+ +\d+ /gm, '$1… ')
    .replaceAll(/^(LAST DEPLOYED: ).*$/gm, '$1…')
    .replaceAll(/[ \t]+$/gm, '')

/** As the next section finds it. */
async function empty({ shell, settled }: Tenant, { client }: Cluster): Promise<void> {
  await shell('helm uninstall chat --ignore-not-found')
  for (const resource of [bindingResource, ...poolResources, ...objectiveResources])
    await client.delete(resourcePath(resource, { namespace }))
  await settled()
}
