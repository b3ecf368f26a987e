import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { operatorConfig } from '../../../src/config.ts'
import { configurableReasons } from '../../../src/core/findings.ts'
import { build, containerOf } from '../../deploy/manifests.ts'
import { releaseInto } from '../../release/made.ts'
import { describeGitOps, gitOpsBinaries } from '../../support/real.ts'
import { runProgram } from '../../support/run-program.ts'
import { actAsControllers, type Controllers } from './support/controllers.ts'
import { openSite, type Site } from './support/site.ts'

const file = resolve(import.meta.dirname, '../../../docs/install.md')

/** npm installs a package too, which takes its time. */
const patience = { timeout: 300_000 }

/** Commands are indented; what the last of them prints may follow between fences. */
type Step = { readonly script: string; readonly printed: string | undefined }

/** A file that is shown, not typed. */
const shown = /^```yaml\n(?<text>[\s\S]*?)^```$/mu

function stepsOf(text: string): readonly Step[] {
  const blocks = text
    .replace(shown, '')
    .matchAll(/(?<script>(?:^ {4}.*\n)+)(?:\n```\n(?<printed>[\s\S]*?)```)?/gmu)
  return [...blocks].map(({ groups }) => ({
    script: (groups?.['script'] ?? '').replaceAll(/^ {4}/gmu, ''),
    printed: groups?.['printed'],
  }))
}

/** The commands of a script, each in one line, without heredocs and continued lines. */
const commandsIn = (script: string): readonly string[] =>
  script
    .replaceAll(/\\\n/gu, ' ')
    .replaceAll(/<<'EOF'\n[\s\S]*?^EOF$/gmu, '')
    .split('\n')
    .filter((line) => line !== '')

describeGitOps('docs/install.md', () => {
  let release: string
  let sections: ReadonlyMap<string, string>

  beforeAll(async () => {
    release = await mkdtemp(join(tmpdir(), 'files-'))
    await releaseInto(release)
    const text = await readFile(file, 'utf8')
    sections = new Map(text.split(/^(?=#{1,2} )/mu).map((one) => [one.split('\n')[0] ?? '', one]))
  })
  afterAll(() => rm(release, { recursive: true }))

  const stepsBy = (way: string): readonly Step[] =>
    ['# Install from the files of a release', `## With ${way}`, '## See that it works'].flatMap((title) =>
      stepsOf(sections.get(title) ?? ''),
    )

  test('the patch that is shown adds a flag that the operator knows', async () => {
    const patch = shown.exec(sections.get('## With kubectl') ?? '')?.groups?.['text'] ?? ''
    const flag = /--[\w-]+=\S+/u.exec(patch)?.[0] ?? ''
    const directory = await mkdtemp(join(tmpdir(), 'patched-'))
    await copyFile(join(release, 'install.yaml'), join(directory, 'install.yaml'))
    await writeFile(join(directory, 'kustomization.yaml'), `resources: [install.yaml]\n${patch}`)
    const { args } = containerOf(await build(directory))
    await rm(directory, { recursive: true })
    expect(args).toContain(flag)
    const config = operatorConfig(args, { KLEYM_TRUST_DOMAIN: 'example.org' }, { configurableReasons })
    expect(config).toMatchObject({
      config: { webhook: { actions: { overrides: { LongIdentity: 'ignore' } } } },
    })
  })

  describe.each(['Helm', 'kubectl'])('with %s', (way) => {
    let site: Site
    let controllers: Controllers
    let prefix: string

    beforeAll(async () => {
      prefix = await mkdtemp(join(tmpdir(), 'prefix-'))
      site = await openSite()
      controllers = actAsControllers(site)
    })
    afterAll(async () => {
      await rm(prefix, { recursive: true })
      await using undo = new AsyncDisposableStack()
      undo.defer(() => site.close())
      await controllers.stop()
    })

    const shell = async (script: string): Promise<string> => {
      const { plane } = site.cluster
      const programs = [join(prefix, 'bin'), process.execPath, plane.kubectl, gitOpsBinaries().helm]
      const { code, stdout, stderr } = await runProgram('bash', ['-euc', `{ ${script}\n} 2>&1`], {
        cwd: release,
        env: {
          PATH: [programs[0], ...programs.slice(1).map(dirname), process.env['PATH']].join(delimiter),
          HOME: prefix,
          KUBECONFIG: plane.kubeconfig,
          npm_config_prefix: prefix,
          npm_config_offline: 'true',
        },
      })
      if (code !== 0) throw new Error(`${script}${stdout}${stderr}\n${controllers.running().pod.log()}`)
      return stdout
    }

    test('takes fewer than ten commands', () => {
      const commands = stepsBy(way).flatMap(({ script }) => commandsIn(script))
      expect(commands[0]).toBe('sha256sum --check SHA256SUMS')
      expect(commands.length).toBeGreaterThan(4)
      expect(commands.length).toBeLessThan(10)
    })

    test(
      'ends with an operator of the trust domain and the image that were said, which judges',
      patience,
      async () => {
        for (const { script, printed } of stepsBy(way)) {
          const said = await shell(script)
          expect(said).toBe(printed ?? said)
        }
        const { pod, image } = controllers.running()
        expect(pod.log()).toContain('"clusterspiffeid-class-name":"spire-mgmt-spire"')
        expect(image).toMatch(/^registry\.example\.com\/kleym-operator:/u)
        expect(pod.log()).toContain('"trust-domain":"prod.example.com"')
      },
    )

    test('and an upgrade by the same commands restarts nothing that is the same', patience, async () => {
      const { pod } = controllers.running()
      for (const { script } of stepsOf(sections.get(`## With ${way}`) ?? '')) await shell(script)
      expect(controllers.running().pod).toBe(pod)
      const config = ['configmap', 'kleym-operator-config', '-n', 'kleym-system', '-o', 'jsonpath={.data}']
      expect(await site.kubectl('get', ...config)).toContain('"KLEYM_TRUST_DOMAIN":"prod.example.com"')
    })
  })
})
