import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test as base } from 'vitest'
import { issueLeaf, createAuthority } from '../../certs/authority.ts'
import { blankView, type View } from '../../certs/certificates.ts'
import { fromFiles } from '../../certs/files.ts'
import type { Certified } from '../../certs/inspect.ts'
import { createLog } from '../../src/log.ts'

const names = { dnsNames: ['kleym-webhook.kleym-system.svc'], ipAddresses: [] }
const now = new Date()
const days = (count: number): Date => new Date(now.getTime() + count * 86_400_000)
const settleMs = 60_000

const authority = await createAuthority({ now, lifetimeDays: 100 })
const other = await createAuthority({ now, lifetimeDays: 100 })
const leafOf = (signer: Certified) => issueLeaf(signer, { ...names, now, lifetimeDays: 10 })
const [first, second, foreign] = [await leafOf(authority), await leafOf(authority), await leafOf(other)]

type Files = Readonly<Record<'tls.crt' | 'tls.key' | 'ca.crt', string>>

const filesOf = (leaf: Certified, signer: Certified): Files => ({
  'tls.crt': leaf.certPem,
  'tls.key': leaf.keyPem,
  'ca.crt': signer.certPem,
})
const old = filesOf(first, authority)

/** As the kubelet writes a volume: a new folder, and one link that is swapped. */
async function mount(directory: string, files: Partial<Files>): Promise<void> {
  const folder = await mkdtemp(join(directory, '..folder-'))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  await symlink(folder, join(directory, '..new'))
  await rename(join(directory, '..new'), join(directory, '..data'))
  for (const name of Object.keys(files)) {
    await symlink(join('..data', name), join(directory, name)).catch(() => undefined)
  }
}

const test = base.extend<{ directory: string; lines: string[] }>({
  // oxlint-disable-next-line no-empty-pattern
  directory: async ({}, use) => {
    const directory = await mkdtemp(join(tmpdir(), 'kleym-files-'))
    await use(directory)
    await rm(directory, { recursive: true })
  },
  // oxlint-disable-next-line no-empty-pattern
  lines: async ({}, use) => use([]),
})

const sourceOf = (directory: string, lines: string[], at: () => Date = () => now) =>
  fromFiles({
    directory,
    names,
    now: at,
    log: createLog({ level: 'info', destination: { write: (line) => void lines.push(line) } }),
    lives: { settleMs },
  })

/** The view of a replica whose API server has trusted this bundle for so many ms. */
const trusting = (live: string, standingMs: number): View => ({
  ...blankView,
  live: [live, live],
  standingMs: ({ caBundle }) => (caBundle === live ? standingMs : 0),
})

describe('mounted files', () => {
  test('are served, and their CA is published', async ({ directory, lines }) => {
    await mount(directory, old)
    const { pair, caBundle, expires } = await sourceOf(directory, lines)(blankView)
    expect(pair).toEqual({ cert: first.certPem, key: first.keyPem })
    expect(caBundle).toBe(authority.certPem)
    expect(Math.round((expires.webhook.getTime() - now.getTime()) / 86_400_000)).toBe(10)
    expect(Math.round((expires.authority.getTime() - now.getTime()) / 86_400_000)).toBe(100)
  })

  test('that are swapped are served at once, if of the same CA', async ({ directory, lines }) => {
    await mount(directory, old)
    const source = sourceOf(directory, lines)
    await source(blankView)
    await mount(directory, filesOf(second, authority))
    expect(await source(trusting(authority.certPem, 0))).toMatchObject({
      pair: { cert: second.certPem, key: second.keyPem },
      caBundle: authority.certPem,
    })
  })

  test('hold no key in what is published, even where ca.crt does', async ({ directory, lines }) => {
    await mount(directory, { ...old, 'ca.crt': authority.keyPem + authority.certPem })
    expect((await sourceOf(directory, lines)(blankView)).caBundle).toBe(authority.certPem)
  })

  test('need to be for no more than what the API server calls', async ({ directory, lines }) => {
    const leaf = await issueLeaf(authority, {
      dnsNames: ['example.com'],
      ipAddresses: [],
      now,
      lifetimeDays: 1,
    })
    await mount(directory, filesOf(leaf, authority))
    await expect(sourceOf(directory, lines)(blankView)).rejects.toThrow(/not for kleym-webhook/)
  })
})

const bad: readonly [string, Partial<Files>, RegExp][] = [
  ['half-written', { ...old, 'tls.crt': first.certPem.slice(0, 300) }, /not PEM of X.509/],
  ['with the key of another', { ...old, 'tls.key': second.keyPem }, /private key is not that/],
  ['not of their CA', { ...old, 'ca.crt': other.certPem }, /does not chain/],
  ['empty', { 'tls.crt': '', 'tls.key': '', 'ca.crt': '' }, /private key/],
  ['incomplete', { 'tls.crt': first.certPem }, /ENOENT/],
]

describe('files that are', () => {
  test.for(bad)('%s are refused at the start, with why', async ([, files, why], { directory, lines }) => {
    await mount(directory, files)
    const source = sourceOf(directory, lines)
    await expect(source(blankView)).rejects.toThrow(why)
    await expect(source(blankView)).rejects.toThrow(/--webhook-cert-dir/)
    await mount(directory, old)
    expect((await source(blankView)).pair.cert).toBe(first.certPem)
  })

  test.for(bad)(
    '%s are refused later, the old ones kept, and that is said once',
    async ([, files, why], { directory, lines }) => {
      await mount(directory, old)
      const source = sourceOf(directory, lines)
      await source(blankView)
      await mount(directory, files)
      const view = trusting(authority.certPem, 0)
      for (let looks = 0; looks < 3; looks += 1) {
        expect(await source(view)).toMatchObject({
          pair: { cert: first.certPem, key: first.keyPem },
          caBundle: authority.certPem,
        })
      }
      const refusals = lines.filter((line) => line.includes('refused'))
      expect(refusals).toHaveLength(1)
      expect(refusals[0]).toMatch(why)
      await mount(directory, filesOf(second, authority))
      expect((await source(view)).pair.cert).toBe(second.certPem)
      const logged = lines.join('')
      const secrets = [first, second].flatMap(({ keyPem }) => keyPem.split('\n').slice(1, -2))
      expect(secrets.filter((line) => logged.includes(line))).toEqual([])
    },
  )

  test('expired are refused', async ({ directory, lines }) => {
    await mount(directory, old)
    const source = sourceOf(directory, lines, () => days(11))
    await expect(source(blankView)).rejects.toThrow(/expired/)
  })

  test('gone are no reason to stop serving', async ({ directory, lines }) => {
    const inner = join(directory, 'certs')
    await mkdir(inner)
    await mount(inner, old)
    const source = sourceOf(inner, lines)
    await source(blankView)
    await rm(inner, { recursive: true })
    expect((await source(blankView)).pair.cert).toBe(first.certPem)
  })
})

describe('files with a new CA', () => {
  const both = authority.certPem + other.certPem

  test('are served only once it has stood beside the old one for the settle time', async ({
    directory,
    lines,
  }) => {
    await mount(directory, old)
    const source = sourceOf(directory, lines)
    await source(blankView)
    await mount(directory, filesOf(foreign, other))
    const kept = { pair: { cert: first.certPem }, caBundle: both }
    expect(await source(trusting(authority.certPem, settleMs))).toMatchObject(kept)
    expect(await source(trusting(both, settleMs - 1))).toMatchObject(kept)
    expect(await source(trusting(both, settleMs))).toMatchObject({
      pair: { cert: foreign.certPem },
      caBundle: both,
    })
  })

  test('leave what other replicas still need published for long', async ({ directory, lines }) => {
    await mount(directory, old)
    const source = sourceOf(directory, lines)
    expect((await source(trusting(both, settleMs * 9))).caBundle).toBe(both)
    expect((await source(trusting(both, settleMs * 10))).caBundle).toBe(authority.certPem)
  })

  test('are served at once when the old ones have expired', async ({ directory, lines }) => {
    const brief = await issueLeaf(authority, { ...names, now, lifetimeDays: 1 })
    await mount(directory, filesOf(brief, authority))
    let at = now
    const source = sourceOf(directory, lines, () => at)
    await source(blankView)
    await mount(directory, filesOf(foreign, other))
    at = days(2)
    expect((await source(trusting(authority.certPem, 0))).pair.cert).toBe(foreign.certPem)
  })
})
