import { readFileSync, writeFileSync, globSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect } from 'vitest'

export const root = resolve(import.meta.dirname, '../..')

/** Markdown that the project writes: not what npm installs, nor what a build leaves behind. */
export const pages: readonly string[] = globSync('**/*.md', {
  cwd: root,
  exclude: (path) => /(?:^|\/)(?:node_modules|dist|\.git)$/.test(path),
}).toSorted()

export const readPage = (path: string): string => readFileSync(join(root, path), 'utf8')

/**
 * Holds a page that a test writes from the code to what the code says now. With KLEYM_UPDATE_DOCS set, the page is
 * written first, for a look at the difference before it is committed.
 */
export function holdPage(path: string, text: string): void {
  if (process.env['KLEYM_UPDATE_DOCS'] !== undefined) writeFileSync(join(root, path), text)
  expect(readPage(path), `${path} is not what the code says: run its test with KLEYM_UPDATE_DOCS=1`).toBe(
    text,
  )
}

/** The text of a page without its blocks of code, whose lines are no prose. */
const withoutBlocks = (text: string): string => text.replaceAll(/^(`{3,})[^\n]*\n.*?^\1$/gms, '')

/** The text of a page without anything that is code: blocks, indented lines, and what stands between backticks. */
export const proseOf = (text: string): string =>
  withoutBlocks(text)
    .replaceAll(/^ {4,}\S.*$/gm, '')
    .replaceAll(/`[^`\n]*`/g, '')

/** The anchors that GitHub gives to the headings of a page: one that repeats gets a number. */
export function anchorsOf(text: string): readonly string[] {
  const seen = new Map<string, number>()
  return [...withoutBlocks(text).matchAll(/^#{1,6} +(.+?) *$/gm)].map(([, heading = '']) => {
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const anchor = plain.replaceAll(/[^\p{L}\p{N}_ -]/gu, '').replaceAll(' ', '-')
    const times = seen.get(anchor) ?? 0
    seen.set(anchor, times + 1)
    return times === 0 ? anchor : `${anchor}-${times}`
  })
}

/** The targets of the links of a page. */
export const linksOf = (text: string): readonly string[] =>
  [...proseOf(text).matchAll(/\]\(([^()\s]+)\)/g)].map(([, target = '']) => target)
