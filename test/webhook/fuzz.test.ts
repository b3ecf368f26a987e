import { setTimeout as after } from 'node:timers/promises'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { admissionReview, call, serving, session } from './serving.ts'

/** A hundred thousand take half a minute. */
const bodies = Number(process.env['KLEYM_FUZZ_BODIES'] ?? 10_000)
const batch = 100

/** A body that takes longer than this hangs. */
const patienceMs = 10_000

const valid = admissionReview()

/** One value of the review, at any depth, replaced by any other or taken away. */
function mutated(value: unknown, path: readonly number[], other: unknown): unknown {
  const [turn, ...rest] = path
  if (turn === undefined || typeof value !== 'object' || value === null) return other
  const entries = Object.entries(value)
  const at = turn % Math.max(1, entries.length)
  return Object.fromEntries(
    entries.map(([key, inner], index) => [key, index === at ? mutated(inner, rest, other) : inner]),
  )
}

const json = fc.jsonValue({ depthSize: 'medium' })
const steps = fc.array(fc.nat(20), { minLength: 1, maxLength: 5 })
const mutatedReview = fc
  .tuple(steps, fc.option(json, { nil: undefined }))
  .map(([path, other]) => JSON.stringify(mutated(valid, path, other)))
const poisoned = fc
  .tuple(
    mutatedReview,
    fc.constantFrom('__proto__', 'constructor', 'toString', String.raw`\u005f_proto__`),
    fc.json(),
  )
  .map(([text, key, value]) => text.replace('{', `{"${key}":${value},`))
const truncated = fc
  .tuple(mutatedReview, fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([text, part]) => text.slice(0, Math.floor(text.length * part)))
const nested = fc
  .nat(2000)
  .map((depth) =>
    JSON.stringify(valid).replace('"spec":', `"x":${'['.repeat(depth)}1${']'.repeat(depth)},"spec":`),
  )

const body = fc.oneof(
  fc.json(),
  mutatedReview,
  poisoned,
  truncated,
  nested,
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.string({ unit: 'binary' }),
)

test(`${bodies} bodies of any kind bring no crash, no hang and no 5xx`, async () => {
  const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)
  await using server = await serving()
  await using client = await session(server.url)
  const answers = new Map<number, number>()
  for (const round of Array.from({ length: bodies / batch }, (_, index) => index)) {
    const sent = fc.sample(body, { seed: seed + round, numRuns: batch })
    const hung = after(patienceMs, 'hung', { ref: false })
    const calls = sent.map((text) => call(client, '/validate', { body: text }))
    const settled = await Promise.race([Promise.all(calls), hung])
    if (settled === 'hung') throw new Error(`a body of seed ${seed + round} got no answer`)
    for (const [index, { status }] of Object.entries(settled)) {
      expect(status, `FUZZ_SEED=${seed}: ${String(sent[Number(index)])}`).toBeOneOf([200, 400])
      answers.set(status, (answers.get(status) ?? 0) + 1)
    }
  }
  process.stdout.write(`fuzz: FUZZ_SEED=${seed}, answers ${JSON.stringify(Object.fromEntries(answers))}\n`)
  expect(answers.get(200)).toBeGreaterThan(bodies / 20)
  expect(answers.get(400)).toBeGreaterThan(bodies / 20)
  expect(server.lines.filter(({ level }) => level === 'error')).toEqual([])
  expect(await call(client, '/validate', { body: JSON.stringify(valid) })).toMatchObject({ status: 200 })
})
