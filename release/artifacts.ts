import { createHash } from 'node:crypto'
import { chmod, copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { objectOr } from '../src/core/json.ts'
import { byBytes } from '../src/core/names.ts'
import { run } from './run.ts'

/** What a release is made with. */
export type Workshop = {
  /** Where the files go. */
  readonly directory: string
  readonly scratch: string
  readonly version: string
  /** The paths of the programs. */
  readonly helm: string
  readonly kubectl: string
}

export const root = resolve(import.meta.dirname, '..')

/** `install.yaml`: all of `deploy`, with a ConfigMap that can be named in a command. */
export async function manifests({ directory, scratch, kubectl }: Workshop): Promise<void> {
  const overlay = join(scratch, 'install')
  await mkdir(overlay)
  const config = { name: 'kleym-operator-config', namespace: 'kleym-system', behavior: 'merge' }
  const kustomization = {
    resources: [relative(overlay, join(root, 'deploy'))],
    configMapGenerator: [{ ...config, options: { disableNameSuffixHash: true } }],
  }
  await writeFile(join(overlay, 'kustomization.yaml'), JSON.stringify(kustomization))
  await writeFile(join(directory, 'install.yaml'), await run(kubectl, ['kustomize', overlay]))
}

/** `crds.yaml`: the CustomResourceDefinition alone. */
export const definitions = ({ directory }: Workshop): Promise<void> =>
  copyFile(join(root, 'deploy/crd/inferenceidentitybindings.yaml'), join(directory, 'crds.yaml'))

/** What Helm packages, in an archive that has the same bytes each time: Helm writes the time of day into its own. */
export async function chartPackage({ directory, scratch, version, helm }: Workshop): Promise<void> {
  await run(helm, ['package', join(root, 'deploy/chart'), '--destination', scratch])
  const unpacked = await unpack(join(scratch, `kleym-operator-${version}.tgz`), join(scratch, 'chart'))
  await archive(unpacked, join(directory, `kleym-operator-chart-${version}.tgz`))
}

/**
 * The program, as `npm run build` made it and npm packs it, but with a package.json that names no packages: the bundle holds
 * those it runs with, and who installs it would get them a second time. Nor are there scripts, which are for the checkout.
 */
export async function programPackage({ directory, scratch, version }: Workshop): Promise<void> {
  const name = `kleym-operator-${version}.tgz`
  const packed = join(scratch, 'packed')
  await mkdir(packed)
  await run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', packed], root)
  const unpacked = await unpack(join(packed, name), join(scratch, 'program'))
  const manifest = join(unpacked, 'package/package.json')
  const {
    dependencies: _bundled,
    devDependencies: _development,
    scripts: _scripts,
    allowScripts: _allowed,
    ...published
  } = objectOr(JSON.parse(await readFile(manifest, 'utf8')))
  await writeFile(manifest, `${JSON.stringify(published, undefined, 2)}\n`)
  // npm makes the program executable when it installs the package; krew only links to it.
  await chmod(join(unpacked, 'package/dist/main.js'), 0o755)
  await archive(unpacked, join(directory, name))
}

async function unpack(file: string, folder: string): Promise<string> {
  await mkdir(folder)
  await run('tar', ['-xzf', file, '-C', folder])
  return folder
}

/** All that is in a folder, as a .tgz that has the same bytes each time. */
async function archive(folder: string, target: string): Promise<void> {
  const same = [
    '--sort=name',
    '--mtime=@0',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '--mode=u=rwX,go=rX',
  ]
  const plain = `${folder}.tar`
  await run('tar', ['--format=ustar', ...same, '-C', folder, '-cf', plain, ...(await readdir(folder))])
  await run('gzip', ['-9', '-n', plain])
  await copyFile(`${plain}.gz`, target)
}

/** `SHA256SUMS`, for `sha256sum --check`. */
export async function sums({ directory }: Workshop): Promise<readonly string[]> {
  const names = (await readdir(directory)).toSorted(byBytes)
  const lines = await Promise.all(
    names.map(async (name) => {
      const digest = createHash('sha256').update(await readFile(join(directory, name)))
      return `${digest.digest('hex')}  ${name}\n`
    }),
  )
  await writeFile(join(directory, 'SHA256SUMS'), lines.join(''))
  return [...names, 'SHA256SUMS']
}
