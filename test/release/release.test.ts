import { globSync } from 'node:fs'
import { mkdir, mkdtemp, mkdtempDisposable, readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { version } from '../../src/version.ts'
import { compared, helm } from '../deploy/chart.ts'
import {
  build,
  containerOf,
  deploy,
  listAt,
  manifestsIn,
  nameOf,
  type Manifests,
} from '../deploy/manifests.ts'
import { kubectl } from '../support/kubectl.ts'
import { describeGitOps } from '../support/real.ts'
import { runProgram } from '../support/run-program.ts'
import { releaseInto } from './made.ts'

const published = 'https://example.org/releases/v1'

async function release(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'release-'))
  await releaseInto(directory, published)
  return directory
}

/** As far as krew reads it. */
type KrewPlugin = {
  readonly spec: {
    readonly version: string
    readonly shortDescription: string
    readonly platforms: readonly {
      readonly selector: { readonly matchExpressions: readonly unknown[] }
      readonly uri: string
      readonly sha256: string
      readonly files: readonly { readonly from: string; readonly to: string }[]
      readonly bin: string
    }[]
  }
}

describeGitOps('the files of a release', () => {
  let directory: string
  let again: string
  beforeAll(async () => {
    directory = await release()
    again = await release()
  })
  afterAll(async () => {
    for (const one of [directory, again]) await rm(one, { recursive: true })
  })

  const text = (name: string): Promise<string> => readFile(join(directory, name), 'utf8')

  test('are these, with the sums of all others', async () => {
    const files = [
      'crds.yaml',
      'install.yaml',
      `kleym-operator-${version}.tgz`,
      `kleym-operator-chart-${version}.tgz`,
      'kleym.krew.yaml',
      'sbom.cdx.json',
    ]
    expect((await readdir(directory)).toSorted()).toEqual(['SHA256SUMS', ...files])
    const { code, stdout } = await runProgram('sha256sum', ['--check', 'SHA256SUMS'], {
      env: {},
      cwd: directory,
    })
    expect({ code, stdout }).toEqual({ code: 0, stdout: files.map((name) => `${name}: OK\n`).join('') })
  })

  test('have the same bytes when they are made again', async () => {
    expect(await readFile(join(again, 'SHA256SUMS'), 'utf8')).toBe(await text('SHA256SUMS'))
  })

  test('install what deploy has, and are taken by the API server', async () => {
    const installed = manifestsIn(await text('install.yaml'))
    expect(compared(installed)).toEqual(compared(await build(deploy)))
    // By which docs/install.md sets the trust domain.
    expect(nameOf(installed.only('ConfigMap'))).toBe('kleym-operator-config')
    // Where a dry run of what is in it has its namespace.
    await kubectl(['apply', '-f', join(deploy, 'base/namespace.yaml')])
    for (const name of ['install.yaml', 'crds.yaml']) {
      const flags = ['apply', '--server-side', '--force-conflicts', '--dry-run=server']
      const { code, stderr } = await kubectl([...flags, '-f', join(directory, name)])
      expect({ code, stderr }).toMatchObject({ code: 0 })
    }
  })

  test('have the chart as it is in the checkout', async () => {
    const packaged = await rendered(join(directory, `kleym-operator-chart-${version}.tgz`))
    expect(packaged.objects.length).toBeGreaterThan(20)
    expect(packaged.objects).toEqual((await rendered(join(deploy, 'chart'))).objects)
  })

  test('have a program that npm installs without asking for any package', async () => {
    const prefix = await mkdtemp(join(tmpdir(), 'prefix-'))
    const archive = join(directory, `kleym-operator-${version}.tgz`)
    const install = ['install', '--offline', '--global', '--prefix', prefix, archive]
    expect(await runProgram('npm', install, { env: { HOME: prefix } })).toMatchObject({ code: 0 })
    const installed = join(prefix, 'bin/kubectl-kleym')
    const { code, stdout } = await runProgram(process.execPath, [installed, 'version'], { env: {} })
    expect({ code, stdout }).toEqual({ code: 0, stdout: `kleym ${version}\n` })
    await rm(prefix, { recursive: true })
  })

  test('make a plugin of kubectl, installed as krew does it', async () => {
    const plugin: KrewPlugin = parse(await text('kleym.krew.yaml'))
    const { platforms, version: its, shortDescription } = plugin.spec
    expect(plugin).toMatchObject({
      apiVersion: 'krew.googlecontainertools.github.com/v1alpha2',
      kind: 'Plugin',
      metadata: { name: 'kleym' },
    })
    expect(its).toBe(`v${version}`)
    expect(shortDescription).toMatch(/^[^\n]{1,50}$/)
    const [platform] = platforms
    if (!platform) throw new Error('it is for no platform')
    expect(platform.selector.matchExpressions).toEqual([
      { key: 'os', operator: 'In', values: ['linux', 'darwin'] },
    ])
    const archive = `kleym-operator-${version}.tgz`
    expect(platform.uri).toBe(`${published}/${archive}`)
    expect(await text('SHA256SUMS')).toContain(`${platform.sha256}  ${archive}\n`)
    await using folder = await mkdtempDisposable(join(tmpdir(), 'krew-'))
    const at = (name: string): string => join(folder.path, name)
    for (const name of ['unpacked', 'store', 'bin']) await mkdir(at(name))
    await runProgram('tar', ['-xzf', join(directory, archive), '-C', at('unpacked')], { env: {} })
    for (const { from, to } of platform.files)
      for (const name of globSync(from, { cwd: at('unpacked') }))
        await rename(join(at('unpacked'), name), join(at('store'), to, basename(name)))
    // For its index krew takes no plugin without one.
    expect(await readdir(at('store'))).toContain('LICENSE')
    await symlink(join(at('store'), platform.bin), at('bin/kubectl-kleym'))
    const PATH = `${at('bin')}:${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`
    const { stdout } = await runProgram(at('bin/kubectl-kleym'), ['version'], { env: { PATH } })
    expect(stdout).toBe(`kleym ${version}\n`)
  })

  test('list each package that the program runs with, and none that only the tests need', async () => {
    const bill: unknown = JSON.parse(await text('sbom.cdx.json'))
    expect(bill).toMatchObject({
      bomFormat: 'CycloneDX',
      metadata: { component: { name: 'kleym-operator', version } },
    })
    const names = listAt(bill, 'components').map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['fastify', 'prom-client', 'undici']))
    expect(names).not.toContain('vitest')
  })

  test('name the image of this version', async () => {
    expect(containerOf(await build(deploy)).image).toBe(`kleym-operator:${version}`)
  })
})

/** What Helm makes of a chart, wherever that is. */
async function rendered(from: string): Promise<Manifests> {
  const args = ['template', 'x', from, '-n', 'kleym-system', '--set', 'trustDomain=example.org']
  return manifestsIn((await helm(args)).stdout)
}
