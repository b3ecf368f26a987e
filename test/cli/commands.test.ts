import { readFile, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { clusterSpiffeIdResource, optionalResources } from '../../src/core/resources.ts'
import type { CommandResult } from '../../src/result.ts'
import { binding, objective, pool, poolOnly } from '../support/builders.ts'
import type { Manifest } from '../support/vectors.ts'
import {
  ago,
  clusterWith,
  deployment,
  look,
  operator,
  settled,
  statusOf,
  withOutput,
  type Looked,
} from './looking.ts'

const file = new URL('../../docs/commands.md', import.meta.url)

const selector = { matchLabels: { app: 'vllm', role: 'decode' } }
const labels = selector.matchLabels

/** The cluster of the document. */
const chat = (spec = {}, flags: readonly string[] = []) =>
  settled(binding({ spec }), [pool({ selector }), objective()], { flags })

const rivals = (): Promise<readonly Manifest[]> =>
  settled(binding(), [
    pool({ selector }),
    objective(),
    objective({ name: 'batch' }),
    binding({ name: 'batch', spec: { objectiveRef: { name: 'batch' } } }),
  ])

const since = (objects: readonly Manifest[], seconds: number): readonly Manifest[] =>
  JSON.parse(
    JSON.stringify(objects).replaceAll(
      /"lastTransitionTime":"[^"]*"/g,
      `"lastTransitionTime":"${ago(seconds)}"`,
    ),
  )

const pods: Looked['pods'] = [
  { name: 'decode-0', labels },
  { name: 'decode-1', labels, account: 'default' },
  { name: 'decode-2', labels, containers: ['vllm'] },
  { name: 'prefill-0', labels: { ...labels, role: 'prefill' } },
]

const events: Looked['around'] = {
  readEvents: () =>
    Promise.resolve({
      kind: 'seen',
      events: [
        {
          at: ago(600),
          type: 'Warning',
          reason: 'IdentityCollision',
          note: 'identity collision with bindings batch: …',
          count: 1,
        },
        {
          at: ago(60),
          type: 'Normal',
          reason: 'IdentityCollisionResolved',
          note: 'no longer in collision',
          count: 1,
        },
      ],
    }),
}

const whole = async () =>
  clusterWith([
    ...since(await chat(), 86_400 * 3),
    ...since(await settled(poolOnly({ name: 'embed', spec: { poolRef: { name: 'embeddings' } } }), []), 5400),
    ...since(
      await settled(binding({ name: 'late', spec: { objectiveRef: { name: 'soon' } } }), [
        pool({ selector }),
      ]),
      45,
    ),
    binding({ name: 'old', metadata: { deletionTimestamp: ago(600), finalizers: ['example.org/keep'] } }),
  ])

const dead = operator({ heartbeat: ago(7200) }, { deployment: { ...deployment, ready: 0 } })

/** For each command line of the document, a function for each place where it stands, which runs it on what it is about there. */
const scenes: { readonly [command: string]: readonly (() => Promise<CommandResult>)[] } = {
  'kleym status': [
    async () => statusOf(await whole(), {}, { width: 80 }),
    async () => statusOf(clusterWith(await chat()), {}, { width: 80, sight: dead }),
  ],
  'kleym status | cat': [async () => statusOf(await whole())],
  'kleym inspect binding chat': [
    async () => look(await chat(), { pods, around: { ...events, width: 80 } }),
    async () => look(await rivals(), { pods, around: { width: 80 } }),
    async () =>
      look(
        withOutput(await chat(), (one) => ({ ...one, status: {} })),
        {
          pods,
          around: {
            width: 80,
            spire: { kind: 'seen', leases: [{ place: 'spire/98c9c988.spiffe.io', renewedAt: ago(900) }] },
          },
        },
      ),
    async () =>
      look(await chat(), {
        unseen: [clusterSpiffeIdResource, ...optionalResources.slice(0, 1)],
        pods: 'forbidden',
        around: { width: 80 },
      }),
  ],
  'kleym inspect binding chat | head -1': [
    async () => look(await chat(), { pods: [{ name: 'decode-0', labels, account: 'default' }] }),
    async () => look(await settled(binding(), [pool({ selector }), objective({ name: 'chats' })])),
    async () => look([binding(), pool({ selector }), objective()], { around: { sight: dead } }),
  ],
  'kleym inspect binding chet': [() => look([binding()], { name: 'chet' })],
}

const block = /```console\n\$ (?<command>[^\n]*)\n(?<printed>.*?)```\n/gs

test('docs/commands.md holds what the commands print, line by line', async () => {
  const text = await readFile(file, 'utf8')
  const rest = new Map(Object.entries(scenes).map(([command, printing]) => [command, [...printing]]))
  const wanted: string[] = []
  for (const { groups } of text.matchAll(block)) {
    const command = groups?.['command'] ?? ''
    const scene = rest.get(command)?.shift()
    if (!scene) throw new Error(`no scene prints ${command} once more`)
    const { stdout, stderr } = await scene()
    const [first = ''] = stdout.split('\n', 1)
    wanted.push(command.endsWith('head -1') ? `${first}\n` : stdout + stderr)
  }
  if (process.env['KLEYM_UPDATE_DOCS'] !== undefined) await rewrite(text, wanted)
  const printed = [...(await readFile(file, 'utf8')).matchAll(block)].map(({ groups }) => groups?.['printed'])
  expect([...rest.values()].flat()).toEqual([])
  expect(printed).toEqual(wanted)
})

test('on a terminal of 80 columns no line that can be broken is longer', async () => {
  for (const scene of [...(scenes['kleym status'] ?? []), ...(scenes['kleym inspect binding chat'] ?? [])]) {
    const { stdout } = await scene()
    const long = stdout.split('\n').filter((line) => line.length > 80)
    expect(long.filter((line) => /\S \S/.test(line))).toEqual([])
  }
})

async function rewrite(text: string, wanted: readonly string[]): Promise<void> {
  const rest = [...wanted]
  await writeFile(
    file,
    text.replaceAll(
      block,
      (_whole, command: string) => `\`\`\`console\n$ ${command}\n${rest.shift() ?? ''}\`\`\`\n`,
    ),
  )
}
