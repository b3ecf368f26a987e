import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { binding, objective, pool } from '../support/builders.ts'
import { folderWith, listOf } from './checking.ts'
import { kleym } from './program.ts'

const good = [pool(), objective(), binding()]
const trust = ['--trust-domain', 'example.org']

test('a word too many after version is named: 4', async () => {
  expect(await kleym(['version', 'x'])).toMatchObject({
    code: 4,
    stdout: '',
    stderr: expect.stringContaining('unexpected argument "x"'),
  })
})

test.each([
  ['help', 'check'],
  ['--help', 'inspect', 'binding'],
])('kleym %s of a command is the help of that: 0', async (...argv) => {
  const [, ...command] = argv
  expect(await kleym(argv)).toEqual(await kleym([...command, '--help']))
})

test('help of no command is a mistake: 4', async () => {
  expect(await kleym(['help', 'chek'])).toMatchObject({ code: 4, stdout: '' })
})

test.each(['version', '--version'])('kleym %s says which one it is: 0', async (word) => {
  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'))
  expect(await kleym([word])).toEqual({ code: 0, stdout: `kleym ${version}\n`, stderr: '' })
})

describe('kleym check, from the command line', () => {
  test('a file that is fine: 0, and the verdict on standard output', async () => {
    await using folder = await folderWith({ 'all.json': listOf(good) })
    const ended = await kleym(['check', '-f', folder.at('all.json'), ...trust])
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(ended.stdout).toContain('allow default/chat (PerObjective)\n')
  })

  test('standard input, and the trust domain from the environment', async () => {
    const ended = await kleym(['check', '-f', '-', '-o=json'], {
      stdin: listOf(good),
      env: { KLEYM_TRUST_DOMAIN: 'from.env' },
    })
    expect(ended.code).toBe(0)
    expect(JSON.parse(ended.stdout)).toMatchObject({ bindings: [{ status: { trustDomain: 'from.env' } }] })
  })

  test('something denied: 2', async () => {
    const ended = await kleym(['check', '-f', '-', ...trust], {
      stdin: listOf([...good, binding({ name: 'twin' })]),
    })
    expect(ended).toMatchObject({ code: 2, stderr: '' })
    expect(ended.stdout).toContain('deny  default/twin')
  })

  test('a warning: 0', async () => {
    const ended = await kleym(['check', '-f', '-', ...trust], { stdin: listOf([binding()]) })
    expect(ended.code).toBe(0)
    expect(ended.stdout).toContain('warn  default/chat')
  })

  test('mistakes of usage: 4, and each of them is named', async () => {
    const ended = await kleym(['check', '--fiel', 'x', 'stray', '-o', 'xml', '-n', 'A', '--served', 'a/b/C'])
    expect(ended).toMatchObject({ code: 4, stdout: '' })
    const lines = ended.stderr.trimEnd().split('\n')
    expect(lines.every((line) => line.startsWith('kleym: '))).toBe(true)
    for (const wanted of ['fiel', 'stray', 'trust domain', 'no manifests', '"xml"', '"A"', '"a/b/C"'])
      expect(lines.filter((line) => line.includes(wanted))).not.toStrictEqual([])
  })

  test('files that can not be used: 4, all of them named, and no verdict', async () => {
    await using folder = await folderWith({
      'bad.yaml': 'a: [\n',
      'worse.yaml': 'kind: x\n',
      'good.json': listOf(good),
    })
    const ended = await kleym(['check', '-f', folder.path, '-f', folder.at('gone'), ...trust])
    expect(ended).toMatchObject({ code: 4, stdout: '' })
    expect(ended.stderr).toMatch(
      /bad\.yaml:[12]: .*\n.*worse\.yaml:1: .*\n.*gone: there is no such file or folder\n$/,
    )
  })

  test('a trust domain that is none: 4', async () => {
    const ended = await kleym(['check', '-f', '-', '--trust-domain', 'spiffe://example.org'])
    expect(ended).toMatchObject({ code: 4, stdout: '' })
    expect(ended.stderr).toContain('scheme')
  })

  test('an operator whose kubeconfig leads nowhere: 4, and the file is named without a stack', async () => {
    await using folder = await folderWith({ empty: '' })
    for (const file of ['gone', 'empty']) {
      const ended = await kleym(['operator', ...trust, '--kubeconfig', folder.at(file)])
      expect(ended).toMatchObject({ code: 4, stdout: '' })
      expect(ended.stderr).toMatch(new RegExp(`^kleym: kubeconfig ${folder.at(file)}: .+$`, 'm'))
      expect(ended.stderr).not.toContain('    at ')
    }
  })

  test.for([['inspect', 'binding', 'chat'], ['status'], ['check', '--live'], ['report']])(
    '%s with a kubeconfig that leads nowhere: 4, and the file is named without a stack',
    async (command) => {
      await using folder = await folderWith({})
      const ended = await kleym([...command, '--kubeconfig', folder.at('gone')])
      expect(ended).toMatchObject({ code: 4, stdout: '' })
      expect(ended.stderr).toMatch(new RegExp(`^kleym: kubeconfig ${folder.at('gone')}: .+\n$`))
    },
  )

  test('an operator told of files that are not there: 4, with every flag that names one, or should', async () => {
    await using folder = await folderWith({ 'tls.crt': 'x', empty: '' })
    const flags = ['--metrics-bind-address=127.0.0.1:0', `--metrics-cert-path=${folder.path}`]
    const ended = await kleym(['operator', ...trust, ...flags, `--webhook-client-ca=${folder.at('empty')}`])
    expect(ended).toMatchObject({ code: 4, stdout: '' })
    expect(ended.stderr.trimEnd().split('\n')).toEqual([
      expect.stringContaining('name a file with --kubeconfig'),
      expect.stringContaining(`--metrics-cert-path: ${folder.at('tls.key')} can't be read (ENOENT`),
      `kleym: --webhook-client-ca: ${folder.at('empty')} is empty`,
    ])
  })

  test('output that nobody takes: 5', async () => {
    const ended = await kleym(['check', '-f', '-', ...trust], { stdin: listOf(good), reads: false })
    expect(ended).toMatchObject({ code: 5, stderr: '' })
  })

  test('help: 0, with every flag in it', async () => {
    const ended = await kleym(['check', '--help'])
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    for (const flag of [
      '-f',
      '--trust-domain',
      '--namespace',
      '--output',
      '--served',
      '--live',
      '--webhook-action',
    ])
      expect(ended.stdout).toContain(flag)
  })

  test('no command, and one that is none: 4', async () => {
    expect(await kleym([])).toMatchObject({ code: 4 })
    const ended = await kleym(['chek'])
    expect(ended.code).toBe(4)
    expect(ended.stderr).toContain('did you mean check?')
  })
})
