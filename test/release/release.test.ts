import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
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

async function release(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'release-'))
  await releaseInto(directory)
  return directory
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
