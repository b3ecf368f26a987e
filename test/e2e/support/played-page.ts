import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import {
  bindingResource,
  clusterSpiffeIdResource,
  objectiveResources,
  poolResources,
} from '../../../src/core/resources.ts'
import { resourcePath } from '../../../src/kube/client.ts'
import { readPage, root } from '../../docs/pages.ts'
import { program } from '../../support/program.ts'
import { runProgram } from '../../support/run-program.ts'
import { kubeconfigWithin } from '../gitops/tenant.ts'
import { collectAsIfLater } from './claims.ts'
import { createNamespace, metaOf, until, type Cluster } from './cluster.ts'

const namespace = 'docs'

/** A command as it is typed, and below it what it prints. */
export const consoleBlock = /```console\n\$ (?<command>[^\n]*)\n(?<printed>.*?)```\n/gs

/** A page in pieces, each of which begins with its heading. */
export const sectionsOf = (text: string): readonly string[] => text.split(/^(?=#{1,3} )/m)

export const headingOf = (section: string): string => /^#{1,3} (.*)$/m.exec(section)?.[1] ?? ''

/** Runs a command line in the root of the project, with kubectl and kleym on the PATH. */
type Shell = (command: string) => Promise<string>

/** How a page is played; each function is told the heading of the section. */
export type Play = {
  /** Prepares the cluster for the section's first command; the namespace is empty already. */
  readonly prepare?: (heading: string) => Promise<void>
  readonly tidy?: (heading: string) => Promise<void>
  /** Whether a command that only reads has printed what it prints in the end. It is run again until then. */
  readonly isFinal: (printed: string, heading: string) => boolean
}

/** The loop says after 10 s that something does not succeed; a busy machine needs some more. */
const patienceMs = 45_000

/** The page with what its commands print now, each section in an empty namespace. */
export async function playedPage(page: string, cluster: Cluster, play: Play): Promise<string> {
  const shell = await shellOf(cluster)
  const sections: string[] = []
  for (const section of sectionsOf(readPage(page))) sections.push(await played(section, cluster, shell, play))
  return sections.join('')
}

async function played(section: string, cluster: Cluster, shell: Shell, play: Play): Promise<string> {
  const heading = headingOf(section)
  const commands = [...section.matchAll(consoleBlock)].map(({ groups }) => groups?.['command'] ?? '')
  if (commands.length === 0) return section
  await play.prepare?.(heading)
  const printed: string[] = []
  for (const command of commands)
    printed.push(
      command.startsWith('kubectl apply')
        ? await shell(command)
        : await lookedAt(command, shell, (text) => play.isFinal(text, heading)),
    )
  await play.tidy?.(heading)
  await empty(cluster)
  return section.replaceAll(
    consoleBlock,
    (_, command: string) => `\`\`\`console\n$ ${command}\n${printed.shift() ?? ''}\`\`\`\n`,
  )
}

async function lookedAt(
  command: string,
  shell: Shell,
  isFinal: (printed: string) => boolean,
): Promise<string> {
  const giveUpAt = performance.now() + patienceMs
  for (;;) {
    const printed = await shell(command)
    if (isFinal(printed) || performance.now() > giveUpAt) return printed
    await wait(200)
  }
}

async function shellOf(cluster: Cluster): Promise<Shell> {
  await createNamespace(cluster, namespace)
  const { plane } = cluster
  const bin = join(plane.directory, 'bin')
  await mkdir(bin, { recursive: true })
  await writeFile(join(bin, 'kleym'), `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`)
  await chmod(join(bin, 'kleym'), 0o755)
  const kubeconfig = join(plane.directory, `kubeconfig-${namespace}`)
  await writeFile(kubeconfig, await kubeconfigWithin(namespace, plane.kubeconfig), { mode: 0o600 })
  const path = [bin, dirname(plane.kubectl), process.env['PATH']].join(':')
  const env = { PATH: path, KUBECONFIG: kubeconfig, HOME: join(plane.directory, 'home') }
  return async (command) => {
    const { stdout } = await runProgram('/bin/sh', ['-c', `{ ${command}; } 2>&1`], { env, cwd: root })
    return told(stdout)
  }
}

/** Without ages, and without white space at the end of lines. */
const told = (printed: string): string =>
  printed.replaceAll(/ (?:\d+[ms])+$/gm, ' …').replaceAll(/[ \t]+$/gm, '')

/** Leaves the namespace as the next section needs it: empty, and without claims. */
async function empty(cluster: Cluster): Promise<void> {
  const { client, list } = cluster
  const others = [...poolResources, ...objectiveResources, { group: '', version: 'v1', plural: 'pods' }]
  for (const resource of [bindingResource, ...others])
    await client.delete(resourcePath(resource, { namespace }))
  await until('the bindings are gone', async () => (await list(bindingResource, namespace)).length === 0)
  for (const output of await list(clusterSpiffeIdResource))
    await client.delete(resourcePath(clusterSpiffeIdResource, { name: String(metaOf(output)['name']) }))
  await collectAsIfLater(cluster)
}
