import type { RuleName } from '../../src/core/findings.ts'

/** A spec, and the rules that the core finds broken in it. */
export type Case = readonly [title: string, spec: object, ...rules: readonly RuleName[]]

export const poolOnly = { mode: 'PoolOnly', poolRef: { name: 'chat' }, serviceAccountName: 'vllm' }
export const perObjective = {
  mode: 'PerObjective',
  poolRef: { name: 'chat' },
  objectiveRef: { name: 'chat' },
  serviceAccountName: 'vllm',
  containerName: 'main',
}

const each = (
  title: string,
  values: readonly unknown[],
  specOf: (value: unknown) => object,
  ...rules: readonly RuleName[]
): readonly Case[] => values.map((value) => [`${title} ${JSON.stringify(value)}`, specOf(value), ...rules])

const withPoolGroup = (group: unknown) => ({ ...poolOnly, poolRef: { name: 'chat', group } })
const withObjectiveGroup = (group: unknown) => ({ ...perObjective, objectiveRef: { name: 'chat', group } })
const withServiceAccount = (serviceAccountName: unknown) => ({ ...poolOnly, serviceAccountName })
const withContainer = (containerName: unknown) => ({ ...perObjective, containerName })

const blanks = ['', ' ', '\t\n']
const exoticBlanks = [...blanks, '\u0085\u00a0\u3000']
/** 253 characters, the most that a subdomain may have. */
const longest = [63, 63, 63, 61].map((size) => 'a'.repeat(size)).join('.')
/** What a message must escape. */
const hostile = ['say "hi" \\', 'a\nb\r\tc']

export const accepted: readonly Case[] = [
  ['PoolOnly', poolOnly],
  ['PoolOnly with an objective', { ...poolOnly, objectiveRef: { name: 'chat' } }],
  ['PoolOnly with nulls', { ...poolOnly, objectiveRef: null, containerName: null }],
  ['PerObjective', perObjective],
  ...each('mode', [undefined, '', null], (mode) => ({ ...perObjective, mode })),
  // White space around these names is trimmed, and other names of no object are merely not found.
  ...each('pool name', [' chat\n', 'Chat', '../chat', 'a'.repeat(254)], (name) => ({
    ...poolOnly,
    poolRef: { name },
  })),
  ...each('objective name', ['\tchat ', 'Chat', '../chat', 'a'.repeat(254)], (name) => ({
    ...perObjective,
    objectiveRef: { name },
  })),
  ...each(
    'pool group',
    [
      null,
      ...exoticBlanks,
      'inference.networking.k8s.io',
      'inference.networking.x-k8s.io',
      ' inference.networking.k8s.io\n',
    ],
    withPoolGroup,
  ),
  ...each(
    'objective group',
    [
      null,
      ...exoticBlanks,
      'llm-d.ai',
      'inference.networking.x-k8s.io',
      'inference.networking.k8s.io',
      '\tllm-d.ai',
    ],
    withObjectiveGroup,
  ),
  ...each('service account', ['a', '0', 'a-b', 'a.b-c.0', 'a'.repeat(253), longest], withServiceAccount),
  ...each('container', ['a', '0', 'a-b', '0-0', 'a'.repeat(63)], withContainer),
]

export const refused: readonly Case[] = [
  ...each('pool name', exoticBlanks, (name) => ({ ...poolOnly, poolRef: { name } }), 'invalidPoolRef'),
  ...each(
    'pool group',
    ['x', 'llm-d.ai', ' Inference.networking.k8s.io', 'a'.repeat(254), 'a'.repeat(1024), ...hostile],
    withPoolGroup,
    'invalidPoolRef',
  ),
  [
    'a pool with two faults',
    { ...poolOnly, poolRef: { name: '', group: 'x' } },
    'invalidPoolRef',
    'invalidPoolRef',
  ],
  ...each(
    'objectiveRef',
    [{}, { name: null }, { name: '' }, { name: ' ' }, { group: 'llm-d.ai' }],
    (objectiveRef) => ({ ...perObjective, objectiveRef }),
    'invalidObjectiveRef',
  ),
  ['a nameless objective of PoolOnly', { ...poolOnly, objectiveRef: { name: ' ' } }, 'invalidObjectiveRef'],
  ...each('objective group', ['x', 'LLM-D.ai', ...hostile], withObjectiveGroup, 'invalidObjectiveRef'),
  ...each(
    'PerObjective with objectiveRef',
    [undefined, null],
    (objectiveRef) => ({ ...perObjective, objectiveRef }),
    'missingObjectiveRef',
  ),
  ...each(
    'no objective and mode',
    [undefined, null, ''],
    (mode) => ({ ...perObjective, mode, objectiveRef: undefined }),
    'missingObjectiveRef',
  ),
  ...each(
    'mode',
    ['poolonly', 'PoolOnly ', ' ', 'Both', 'a'.repeat(254), ...hostile],
    (mode) => ({ ...perObjective, mode }),
    'unsupportedMode',
  ),
  ['an unsupported mode, which asks for nothing', { ...poolOnly, mode: 'Both' }, 'unsupportedMode'],
  ...each(
    'service account',
    [
      ...blanks,
      ' vllm',
      'vllm\n',
      'Vllm',
      'a_b',
      'ä',
      'a/b',
      'a:b',
      'a'.repeat(254),
      `${longest}a`,
      ...hostile,
    ],
    withServiceAccount,
    'invalidServiceAccountName',
  ),
  ...each(
    'service account',
    ['-a', 'a-', '.a', 'a.', 'a..b', 'a.-b', 'a-.b', '.'],
    withServiceAccount,
    'invalidServiceAccountName',
  ),
  ...each(
    'PerObjective with container',
    [
      undefined,
      null,
      ...exoticBlanks,
      ' main',
      'main\n',
      'Main',
      'a.b',
      'a_b',
      '-a',
      'a-',
      'ä',
      'a'.repeat(64),
      ...hostile,
    ],
    withContainer,
    'invalidContainerName',
  ),
  ...each(
    'PoolOnly with container',
    [...blanks, 'main', 'a.b', 'A', ...hostile],
    (containerName) => ({ ...poolOnly, containerName }),
    'unexpectedContainerName',
  ),
  [
    'everything at once',
    { poolRef: { name: '', group: 'x' }, objectiveRef: { group: 'x' }, serviceAccountName: 'X' },
    ...(['invalidPoolRef', 'invalidPoolRef', 'invalidObjectiveRef', 'invalidObjectiveRef'] as const),
    ...(['invalidServiceAccountName', 'invalidContainerName'] as const),
  ],
]
