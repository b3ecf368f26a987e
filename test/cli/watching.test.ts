import { describe, expect, test } from 'vitest'
import { watching, type Size, type Watching } from '../../src/cli/watching.ts'
import { exitCodes, usage, type CommandResult } from '../../src/result.ts'

const report = (stdout: string): CommandResult => ({ code: exitCodes.findings, stdout, stderr: '' })
const lost = usage(['connect ECONNREFUSED'])

/** What these looks print, and how the command ends after the last one. */
async function watched(
  looks: readonly CommandResult[],
  { size, ...rest }: Partial<Omit<Watching, 'size'>> & { readonly size?: Size } = {},
): Promise<{ readonly printed: readonly string[]; readonly warned: string; readonly ended: CommandResult }> {
  const left = [...looks]
  const printed: string[] = []
  let warned = ''
  const ended = await watching({
    look: () => Promise.resolve(left.shift() ?? lost),
    print: (text) => (printed.push(text), Promise.resolve(true)),
    warn: (text) => ((warned += text), Promise.resolve(true)),
    wait: () => Promise.resolve(left.length > 0),
    size: () => size,
    inLines: true,
    now: () => new Date('2026-01-01T12:00:00.123Z'),
    ...rest,
  })
  return { printed, warned, ended }
}

describe('kleym status -w into a file or a pipe', () => {
  test('prints the report, then only lines that change; time that passes is no change', async () => {
    const { printed } = await watched(
      ['OK: 1\n\na  True, for 3 s\nb  True\n', 'OK: 1\n\na  True, for 2 min\nb  True\n']
        .concat('ERROR: 1\n\na    True, for 2 min\nlong  False, for 1 s\n')
        .map(report),
    )
    expect(printed).toEqual([
      'OK: 1\n\na  True, for 3 s\nb  True\n',
      '\n2026-01-01T12:00:00Z\n- OK: 1\n- b  True\n+ ERROR: 1\n+ long  False, for 1 s\n',
    ])
  })

  test('prints every changed report whole, if it is for programs', async () => {
    const texts = ['{"generatedAt": "x"\n"b": 1}\n', '{"generatedAt": "y"\n"b": 1}\n', '{"b": 2}\n']
    const { printed } = await watched(texts.map(report), { inLines: false })
    expect(printed).toEqual([texts[0], `\n${texts[2]}`])
  })

  test('prints nothing if only the order of lines is another', async () => {
    const { printed } = await watched(['a\nb\n', 'b\na\n'].map(report))
    expect(printed).toEqual(['a\nb\n'])
  })

  test('says once that the API server is away and once that it is back', async () => {
    const looks = [report('a\n'), lost, lost, report('a\n'), report('b\n')]
    const { printed, warned, ended } = await watched(looks)
    expect(printed).toEqual(['a\n', '\n2026-01-01T12:00:00Z\n- a\n+ b\n'])
    expect(warned).toBe(
      'kleym: connect ECONNREFUSED\nkleym: goes on trying\nkleym: the API server answers again\n',
    )
    expect(ended.code).toBe(2)
  })

  test('ends with 5 once nobody reads', async () => {
    const { ended } = await watched([report('a\n'), report('b\n')], { print: () => Promise.resolve(false) })
    expect(ended).toEqual({ code: 5, stdout: '', stderr: '' })
  })
})

test('a first look that fails ends the command as it ends kleym status', async () => {
  const { printed, ended } = await watched([lost, report('a\n')])
  expect([printed, ended]).toEqual([[], lost])
})

const size = { rows: 5, columns: 10 }
/** The rest of a line is cleared, except after a full one, whose last character that would take. */
const frame = (...lines: readonly string[]): string =>
  `\u001b[H${lines.map((line) => `${line}${line !== '' && line.length % 10 === 0 ? '' : '\u001b[K'}\n`).join('')}\u001b[J`

describe('kleym status -w on a terminal', () => {
  test('writes each report over the former one, also if only time has passed', async () => {
    const { printed } = await watched(['a, for 3 s\n', 'a, for 5 s\n'].map(report), { size })
    expect(printed).toEqual([`\u001b[2J${frame('a, for 3 s')}`, frame('a, for 5 s')])
  })

  test.each([
    ['1\n2\n3\n4\n', ['1', '2', '3', '4']],
    ['1\n2\n3\n4\n5\n', ['1', '2', '3', '… 2 more lines; kleym status prints all of them']],
    // Two rows of the terminal; colours take none.
    ['1\n2 345 789 1\n3\n4\n', ['1', '2 345 789 1', '… 2 more lines; kleym status prints all of them']],
    ['1\n\u001b[31m2 345 78\u001b[39m\n3\n4\n', ['1', '\u001b[31m2 345 78\u001b[39m', '3', '4']],
  ])('cuts a report where the terminal ends: %j', async (text, lines) => {
    const { printed } = await watched([report(text)], { size })
    expect(printed).toEqual([`\u001b[2J${frame(...lines)}`])
  })

  test('keeps the last report while the API server is away, and says how old it is', async () => {
    const { printed, warned } = await watched([report('a\n'), lost, report('b\n')], {
      size: { rows: 9, columns: 80 },
    })
    expect(printed.slice(1)).toEqual([
      frame(
        'kleym: connect ECONNREFUSED',
        'kleym: goes on trying; what follows is from 2026-01-01T12:00:00Z',
        '',
        'a',
      ),
      frame('b'),
    ])
    expect(warned).toBe('')
  })
})
