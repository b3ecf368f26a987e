const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ').trim()

/** A row of a Markdown table. */
export const row = (...cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |\n`

export const code = (text: string): string => `\`${text}\``

/** What stands at the top of a page that a test writes, for whoever opens it to edit it. */
export const writtenFrom = (source: string, test: string): string =>
  `<!-- Written from ${source} by ${test}: run it with KLEYM_UPDATE_DOCS=1 after a change there. -->\n`
