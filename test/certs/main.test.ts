import { chmod, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test as base } from 'vitest'
import { inspectPair } from '../../certs/inspect.ts'
import { run } from '../../certs/main.ts'

const now = new Date()

const test = base.extend<{ dir: string }>({
  // oxlint-disable-next-line no-empty-pattern
  dir: async ({}, use) => {
    const dir = await mkdtemp(join(tmpdir(), 'kleym-certs-'))
    await use(dir)
    await rm(dir, { recursive: true })
  },
})

const files = async (dir: string) => ({
  keyPem: await readFile(join(dir, 'tls.key'), 'utf8'),
  certPem: await readFile(join(dir, 'tls.crt'), 'utf8'),
  caPem: await readFile(join(dir, 'ca.crt'), 'utf8'),
})

test('writes a pair for this machine, and its CA', async ({ dir }) => {
  const target = join(dir, 'new', 'folder')
  expect(await run(['--dir', target], now)).toMatchObject({
    exitCode: 0,
    message: expect.stringContaining(target),
  })
  const names = { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] }
  expect(inspectPair({ ...(await files(target)), now, names })).toMatchObject({ kind: 'usable' })
  expect((await readdir(target)).toSorted()).toEqual(['ca.crt', 'tls.crt', 'tls.key'])
})

test('writes it for the hosts that are named', async ({ dir }) => {
  expect(await run([`--dir=${dir}`, '--host', 'a.example.com, ::1'], now)).toMatchObject({ exitCode: 0 })
  const names = { dnsNames: ['a.example.com'], ipAddresses: ['::1'] }
  expect(inspectPair({ ...(await files(dir)), now, names })).toMatchObject({ kind: 'usable' })
})

test('the key is for its owner alone, also over one that was not', async ({ dir }) => {
  await writeFile(join(dir, 'tls.key'), 'old')
  await chmod(join(dir, 'tls.key'), 0o644)
  await run(['--dir', dir], now)
  expect((await stat(join(dir, 'tls.key'))).mode & 0o777).toBe(0o600)
})

test('a folder that can not be written is named, with what to do', async ({ dir }) => {
  const target = join(dir, 'file')
  await writeFile(target, '')
  const { exitCode, message } = await run(['--dir', target], now)
  expect(exitCode).toBe(5)
  expect(message).toContain(target)
  expect(message).toContain('--dir')
})

test.each([
  [['--dri', 'x'], '--dri'],
  [['--host', 'a,,b'], '--host'],
  [['--host', 'a b'], '"a b"'],
  [['--host', 'https://a'], '"https://a"'],
  [['x'], 'x'],
])('%j is refused, with the usage', async (args, word) => {
  const { exitCode, message } = await run(args, now)
  expect(exitCode).toBe(4)
  expect(message).toContain(word)
  expect(message).toContain('usage: npm run certs')
})

test.each(['--help', '-h'])('%s is answered, and nothing is written', async (flag) => {
  expect(await run([flag, '--dir', '/nowhere'], now)).toMatchObject({
    exitCode: 0,
    message: expect.stringContaining('usage: npm run certs'),
  })
})
