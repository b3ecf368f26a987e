import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { version } from '../src/version.ts'
import { controlPlaneTools } from '../test/support/controlplane/binaries.ts'
import { helmTools } from '../test/support/gitops/binaries.ts'
import { locateOrBuild, type Located } from '../test/support/go-tools/build.ts'
import { chartPackage, definitions, manifests, programPackage, sums, type Workshop } from './artifacts.ts'
import { krewPlugin } from './krew.ts'
import { billOfMaterials } from './sbom.ts'

/**
 * Makes all files of a release, from this checkout alone: `npm run release -- DIRECTORY URL`, `release/out` by default. The URL
 * is where they will be published; without it there is no manifest for krew, which names it.
 */
async function release(directory: string, url: string | undefined): Promise<readonly string[]> {
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true })
  const scratch = await mkdtemp(join(tmpdir(), 'release-'))
  try {
    const { helm } = found(await locateOrBuild(helmTools, process.env, say))
    const { kubectl } = found(await locateOrBuild(controlPlaneTools, process.env, say))
    const shop: Workshop = { directory, scratch, version, helm, kubectl }
    await manifests(shop)
    await definitions(shop)
    await chartPackage(shop)
    await programPackage(shop)
    await billOfMaterials(shop)
    if (url !== undefined) await krewPlugin(shop, url)
    return await sums(shop)
  } finally {
    await rm(scratch, { recursive: true })
  }
}

function found<Paths>(outcome: Located<Paths>): Paths {
  if (outcome.kind === 'missing') throw new Error(outcome.remedy)
  return outcome.binaries
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

const names = await release(resolve(process.argv[2] ?? join(import.meta.dirname, 'out')), process.argv[3])
process.stdout.write(`${names.join('\n')}\n`)
