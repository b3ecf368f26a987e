import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'
import { anchorsOf, linksOf, pages, readPage, root } from './pages.ts'

/** What is wrong with a link of a page, where something is. Addresses of other sites are not asked for. */
function brokenLink(page: string, link: string): string | undefined {
  if (/^[a-z]+:/.test(link)) return undefined
  const [file = '', anchor] = link.split('#')
  const target = file === '' ? page : normalize(join(dirname(page), file))
  if (!existsSync(join(root, target))) return `${page} leads to ${target}, which is not there`
  if (anchor === undefined || anchorsOf(readPage(target)).includes(anchor)) return undefined
  return `${page} leads to #${anchor} of ${target}, which has no such heading`
}

/** The pages that a reader can come to from one page. */
function reachable(start: string): ReadonlySet<string> {
  const found = new Set([start])
  for (const page of found)
    for (const link of linksOf(readPage(page))) {
      const target = normalize(join(dirname(page), link.split('#')[0] ?? ''))
      if (pages.includes(target)) found.add(target)
    }
  return found
}

describe('the links of all pages', () => {
  test('lead to files and headings that are there', () => {
    const links = pages.flatMap((page) => linksOf(readPage(page)).map((link) => [page, link] as const))
    expect(links.length).toBeGreaterThan(50)
    expect(links.flatMap(([page, link]) => brokenLink(page, link) ?? [])).toEqual([])
  })

  test('lead from README.md to every page', () => {
    const found = reachable('README.md')
    expect(pages.filter((page) => !found.has(page))).toEqual([])
  })

  test('lead from docs/README.md to every page for users', () => {
    const found = new Set(linksOf(readPage('docs/README.md')).map((link) => normalize(join('docs', link))))
    const forUsers = pages.filter((page) => /^docs\/(?!README\.md|decisions\/)/.test(page))
    expect(forUsers.filter((page) => !found.has(page))).toEqual([])
  })
})

describe('a broken link is found', () => {
  test.each([
    ['docs/nowhere.md', 'a file that is not there'],
    ['docs/README.md#no-such-heading', 'a heading that is not there'],
    ['#no-such-heading', 'a heading of the same page'],
  ])('%s: %s', (link) => {
    expect(brokenLink('README.md', link)).toContain('README.md leads to ')
  })

  test.each([['https://example.org/x'], ['docs/README.md'], ['LICENSE']])('and %s is none', (link) => {
    expect(brokenLink('README.md', link)).toBeUndefined()
  })

  test('headings get the anchors of GitHub', () => {
    const text = '# What `a_b` is, and why\n## [A link](x.md)\n## Same\n## Same\n```\n# no heading\n```\n'
    expect(anchorsOf(text)).toEqual(['what-a_b-is-and-why', 'a-link', 'same', 'same-1'])
  })
})
