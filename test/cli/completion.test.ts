import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { completion } from '../../src/cli/completion/completion.ts'
import { commandsOf } from '../../src/cli/completion/tables.ts'
import { describeWith, onPath } from '../support/on-path.ts'
import { runProgram } from '../support/run-program.ts'
import { kleym } from './program.ts'

let folder: Awaited<ReturnType<typeof mkdtempDisposable>>

beforeAll(async () => {
  folder = await mkdtempDisposable(join(tmpdir(), 'kleym-completion-'))
  for (const shell of ['bash', 'zsh', 'fish'])
    await writeFile(join(folder.path, shell), completion([shell]).stdout)
  await writeFile(join(folder.path, 'a manifest.yaml'), '')
  await mkdir(join(folder.path, 'functions'))
  await writeFile(join(folder.path, 'functions', '_kleym'), completion(['zsh']).stdout)
})
afterAll(() => folder.remove())

/** What a shell prints by this text of it, in a folder with a file `a manifest.yaml`. */
async function printed(shell: string, text: string, ...flags: readonly string[]): Promise<string> {
  const env = { HOME: folder.path, TERM: 'dumb' }
  const ended = await runProgram(shell, [...flags, '-c', text], { env, cwd: folder.path })
  expect(ended).toMatchObject({ code: 0, stderr: '' })
  return ended.stdout
}

/** What is offered after these words, of which the last is not finished. */
async function offeredByBash(...line: readonly string[]): Promise<readonly string[]> {
  const words = line.map((word) => `'${word}'`).join(' ')
  const out = await printed(
    'bash',
    // compopt only works while bash completes, so a function that does nothing takes its place.
    `compopt() { :; }; source ./bash; COMP_WORDS=(kleym ${words}); COMP_CWORD=${line.length}; _kleym; printf '%s\\n' "\${COMPREPLY[@]}"; complete -p kleym >/dev/null`,
    '--norc',
  )
  return out.split('\n').filter((word) => word !== '')
}

describe('in bash', () => {
  test.each([
    [['ch'], ['check']],
    [[''], ['operator', 'check', 'status', 'inspect', 'report', 'completion', 'version']],
    [['check', '--tr'], ['--trust-domain']],
    [['status', '--a'], ['--all-namespaces']],
    [
      ['status', '-o', ''],
      ['text', 'json', 'yaml'],
    ],
    [['check', '--output', '=', 'sa'], ['sarif']],
    [
      ['check', '--output', '='],
      ['text', 'json', 'yaml', 'github', 'sarif', 'junit'],
    ],
    [['check', '-f', 'a '], ['a manifest.yaml']],
    [['check', '--trust-domain', ''], []],
    [['inspect', 'b'], ['binding']],
    [['completion', 'z'], ['zsh']],
    [['operator', '--zap'], []],
  ])('kleym %j: %j', async (line, wanted) => {
    expect(await offeredByBash(...line)).toEqual(wanted)
  })

  test('every flag of --help, and no other', async () => {
    for (const { name, options } of commandsOf()) {
      if (name === 'version' || name === 'completion') continue
      const { stdout } = await kleym([name, '--help'])
      const known = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, flag]) => flag)
      expect(options.map((option) => `--${option.name}`)).toEqual([...known, '--help'])
      expect(await offeredByBash(name, '--')).toEqual([...known, '--help'])
    }
  })
})

/** What fish offers after this line. */
const offeredByFish = async (line: string): Promise<readonly string[]> =>
  (await printed('fish', `source ./fish; complete -C '${line}'`, '--no-config'))
    .split('\n')
    .flatMap((one) => one.split('\t')[0] || [])

/** The specifications that zsh is given of a command's arguments. */
const specified = async (command: string): Promise<readonly string[]> =>
  (
    await printed(
      'zsh',
      `compdef() { :; }; _arguments() { print -rl -- "$@"; }; source ./zsh; words=(kleym ${command} ''); CURRENT=3; _kleym`,
      '-f',
    )
  ).split('\n')

/**
 * The lines that an interactive zsh makes of these, when the tabulator key is pressed at their end. It runs in a pseudo
 * terminal, because completion is a part of its line editor.
 */
async function completedByZsh(
  setUp: string,
  lines: readonly string[],
): Promise<readonly (string | undefined)[]> {
  const out = await printed(
    'zsh',
    `zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PS1=; autoload -Uz compinit; ${setUp}; tell() { print -r -- "<$BUFFER>" }; zle -N tell; bindkey "^X" tell; print REA""DY'
zpty -r shell seen '*READY*'
for line in ${lines.map((line) => `'${line}'`).join(' ')}; do
  zpty -w -n shell "$line"$'\t\x18'
  zpty -r shell seen '*<*>*'
  print -r -- "\${\${seen##*<}%%>*}"
  zpty -w -n shell $'\x15'
done
zpty -d shell`,
    '-f',
  )
  return out.split('\n').slice(0, -1)
}

const needs = (shell: string) => ({
  are: onPath(shell) !== undefined,
  remedy: `needs ${shell} on PATH (Debian: apt-get install ${shell})`,
})

describeWith('in fish', needs('fish'), () => {
  test.each([
    ['kleym ch', ['check']],
    ['kleym check --out', ['--output']],
    ['kleym check -o sa', ['sarif']],
    ['kleym status --all', ['--all-namespaces']],
    ['kleym check -f a', ['a manifest.yaml']],
    ['kleym inspect b', ['binding']],
  ])('%s: %j', async (line, wanted) => {
    expect(await offeredByFish(line)).toEqual(wanted)
  })
})

describeWith('in zsh', needs('zsh'), () => {
  test('each command has its flags and its words', async () => {
    for (const { name, options, words } of commandsOf()) {
      const specs = await specified(name)
      for (const option of options)
        expect(specs.some((one) => one.startsWith(`*--${option.name}`))).toBe(true)
      const first = words.length > 0 ? [`1:word:(${words.join(' ')})`] : []
      expect(specs.filter((one) => one.startsWith('1:'))).toEqual(first)
    }
    expect((await specified('check')).filter((one) => one.startsWith('*-f['))).toEqual([
      '*-f[Manifests to check\\: bindings, pools and objectives, YAML or JSON.]:value:_files',
    ])
  })

  test.each([
    ['sourced after compinit', 'compinit -u -D; source ./zsh'],
    ['found by compinit', 'fpath=($PWD/functions $fpath); compinit -u -D'],
  ])('%s, it completes lines', async (_how, setUp) => {
    const lines = [
      ['kleym ch', 'kleym check '],
      ['kleym check --out', 'kleym check --output='],
      ['kleym check -o sa', 'kleym check -o sarif '],
      ['kleym check --output=sa', 'kleym check --output=sarif '],
      ['kleym status --all', 'kleym status --all-namespaces '],
      ['kleym check -f a', 'kleym check -f a\\ manifest.yaml '],
      ['kleym inspect b', 'kleym inspect binding '],
      ['kleym completion z', 'kleym completion zsh '],
      ['kleym check --trust-domain ', 'kleym check --trust-domain '],
    ] as const
    const completed = await completedByZsh(
      setUp,
      lines.map(([line]) => line),
    )
    expect(completed).toEqual(lines.map(([, wanted]) => wanted))
  })

  test('the script has no mistake', async () => {
    await printed('zsh', 'zsh -n ./zsh', '-f')
  })
})

test.each([
  [[], 4, 'kleym: no shell is named; write one of bash, zsh, fish\n'],
  [['bahs'], 4, 'kleym: "bahs" is no shell; write one of bash, zsh, fish\n'],
  [['--help'], 0, ''],
])('kleym completion %j', (argv, code, stderr) => {
  expect(completion(argv)).toMatchObject({ code, stderr })
})
