import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { objectOr, textOr } from '../../src/core/json.ts'
import { describeInBrowser, startBrowser, type Browser } from '../support/chromium.ts'
import { hostile, manyBindings, pageOf, scene } from './drawn.ts'

const picture = new URL('../../docs/report.png', import.meta.url)

/** Width and height of a PNG, which stand at these places of its header. */
const sizeOf = (png: Buffer): readonly number[] => [png.readUInt32BE(16), png.readUInt32BE(20)]

describeInBrowser('the page of kleym report, in a browser', () => {
  let browser: Browser
  let folder: Awaited<ReturnType<typeof mkdtempDisposable>>

  const text = (selector: string): Promise<unknown> =>
    browser.ask(`document.querySelector(${JSON.stringify(selector)})?.innerText ?? null`)
  const count = (selector: string): Promise<unknown> =>
    browser.ask(`document.querySelectorAll(${JSON.stringify(selector)}).length`)
  const open = async (page: string): Promise<void> => {
    const file = join(folder.path, 'page.html')
    await writeFile(file, page)
    await browser.open(file)
  }

  beforeAll(async () => {
    folder = await mkdtempDisposable(join(tmpdir(), 'kleym-page-'))
    browser = await startBrowser()
    const size = { width: 1600, height: 900, deviceScaleFactor: 1, mobile: false }
    await browser.send('Emulation.setDeviceMetricsOverride', size)
  })
  afterAll(async () => {
    await browser[Symbol.asyncDispose]()
    await folder.remove()
  })
  beforeEach(async () => open(await pageOf(scene)))

  test('loads nothing but itself, and its policy refuses nothing of it', () => {
    expect(browser.said().every((one) => one.startsWith('file://'))).toBe(true)
  })

  test('draws the way of each identity, with what is wrong in red', async () => {
    expect(await text('.found')).toBe('5 of 5 bindings shown')
    expect(await text('.node.binding.error .title')).toBe('batch')
    expect(await count('.line.collision')).toBe(1)
    expect(await count('.line.overlap')).toBeGreaterThan(0)
    expect(await text('.node.pod.ok .title')).toBe('decode-0')
  })

  test('a click tells the cause and the fix, and Escape goes back to where it was', async () => {
    await browser.click('.node.binding.error')
    expect(await text('.details h2')).toBe('default/batch')
    expect(await text('.problem.error')).toContain('identity collision with bindings chat')
    expect(await text('.fix')).toBe(
      'Fix: give this binding, or the other one, another container, pool or service account',
    )
    expect(await text('.details dl')).toContain('Collides with\nchat')
    expect(await count('.line.lit')).toBeGreaterThan(1)
    await browser.press('Escape')
    expect(await browser.ask(`document.querySelector('.details').checkVisibility()`)).toBe(false)
    expect(await browser.ask('document.activeElement.innerText')).toContain('batch')
  })

  test('the keyboard is enough: arrows go along the graph, Enter opens', async () => {
    await browser.ask(`document.querySelector('.node').focus()`)
    const at = (): Promise<unknown> => browser.ask(`document.activeElement.getAttribute('aria-label')`)
    expect(await at()).toMatch(/^pool chat: /)
    await browser.press('ArrowRight')
    expect(await at()).toMatch(/^objective /)
    await browser.press('ArrowRight')
    expect(await at()).toMatch(/^binding batch: Conflict\/IdentityCollision, container main, wrong$/)
    await browser.press('ArrowDown')
    expect(await at()).toMatch(/^binding chat: /)
    await browser.press('Enter')
    expect(await text('.details h2')).toBe('default/chat')
    expect(await browser.ask(`document.activeElement.className`)).toBe('details')
  })

  test('a search leaves what has all of its words', async () => {
    await browser.click('#search')
    await browser.type('nowhere targetpool')
    expect(await text('.found')).toBe('1 of 5 bindings shown')
    expect(
      await browser.ask(`[...document.querySelectorAll('.group')].filter((one) => !one.hidden).length`),
    ).toBe(1)
  })

  test('so do the boxes of the form', async () => {
    await browser.click('input[name=error]')
    const isVisible = `[...document.querySelectorAll('.node.binding.error')].some((one) => one.checkVisibility())`
    expect(await browser.ask(isVisible)).toBe(false)
    expect(await text('.found')).toBe('2 of 5 bindings shown')
  })

  test('everything that can be chosen has a name for a screen reader', async () => {
    await browser.send('Accessibility.enable')
    const { nodes } = objectOr(await browser.send('Accessibility.getFullAXTree'))
    const named = (Array.isArray(nodes) ? nodes.map(objectOr) : [])
      .filter((node) =>
        ['button', 'checkbox', 'combobox', 'searchbox'].includes(String(objectOr(node['role'])['value'])),
      )
      .map((node) => textOr(objectOr(node['name'])['value'], ''))
    expect(named.length).toBeGreaterThan(10)
    expect(named.filter((name) => name.trim() === '')).toEqual([])
    expect(named).toContain('Search')
  })

  test('it is dark where that is wished', async () => {
    const colours = (): Promise<unknown> => browser.ask('getComputedStyle(document.body).backgroundColor')
    const light = await colours()
    await browser.send('Emulation.setEmulatedMedia', {
      features: [{ name: 'prefers-color-scheme', value: 'dark' }],
    })
    expect(await colours()).not.toBe(light)
    await browser.send('Emulation.setEmulatedMedia', { features: [] })
  })

  test('what a cluster says is text, whatever it is', async () => {
    await open(await pageOf(hostile))
    await browser.click('.node.binding.error')
    expect(await text('.problem.error')).toContain('<img src=x onerror="document.title=1"></script>')
    expect(await count('img, iframe, .details script')).toBe(0)
    expect(await browser.ask('document.title')).toBe('InferenceIdentityBindings')
    expect(browser.said().every((one) => one.startsWith('file://'))).toBe(true)
  })

  test('of two thousand bindings it draws what is looked at, and a search finds one of them', async () => {
    await open(await pageOf(manyBindings(2000)))
    expect(await text('.found')).toBe('2,000 of 2,000 bindings shown')
    expect(await count('.node')).toBeLessThan(1000)
    await browser.click('#search')
    await browser.type('binding-1777')
    expect(await text('.found')).toBe('1 of 2,000 bindings shown')
    const search = (): Promise<unknown> =>
      browser.ask(
        `(() => { const from = performance.now(); document.querySelector('form').dispatchEvent(new Event('input')); document.body.offsetHeight; return performance.now() - from })()`,
      )
    // A frame is 16 ms, and this machine may be busy.
    expect(Math.min(...[await search(), await search(), await search()].map(Number))).toBeLessThan(100)
  })

  test('docs/report.png is a picture of it', async () => {
    await browser.click('.node.binding.error')
    const now = await browser.picture()
    if (process.env['KLEYM_UPDATE_DOCS']) await writeFile(picture, now)
    const kept = await readFile(picture)
    expect(sizeOf(kept)).toEqual(sizeOf(now))
  })
})
