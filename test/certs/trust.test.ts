import { X509Certificate } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { handshakeProblem, type Lives } from '../../certs/certificates.ts'
import { splitPem } from '../../certs/inspect.ts'
import { isToken } from '../../certs/registration.ts'
import type { SecretData } from '../../certs/rotation.ts'
import { Fleet, names } from './fleet.ts'

const lives: Lives = { authorityMs: 120_000, leafMs: 60_000, settleMs: 5000 }
const replicas = ['a', 'b', 'c']

/** Random numbers from fast-check, so that a failure can be run again and gets smaller. */
const randomly = (numbers: fc.Stream<number>) => (limit: number) =>
  Math.floor(((numbers.next().value ?? 0) / 1000) * limit)

/** Used instead of random numbers where only the order of events matters. */
const halfway = (limit: number): number => Math.floor(limit / 2)

const issuerOf = (cert = ''): string => new X509Certificate(cert).issuer

const numbers = fc.infiniteStream(fc.nat(999), { noHistory: true })

/** A request takes up to 50 ms each way, a watch up to 300 ms, and the API servers' caches are a second behind. */
async function started(random: (limit: number) => number, skewMs = 0): Promise<Fleet> {
  const fleet = new Fleet({ lives, random, requestMs: 50, watchMs: 300, lagMs: 1000 })
  for (const name of replicas) fleet.start(name, random(2 * skewMs + 1) - skewMs)
  await fleet.run(5000)
  expect(fleet.problems).toEqual([undefined, undefined, undefined])
  fleet.watchful = true
  return fleet
}

const isSteady = ({ secret, bundles, tokens, served, clock }: Fleet): boolean => {
  const { 'ca.crt': caBundle = '', token = '', ...rest } = secret?.value ?? {}
  return (
    splitPem(caBundle).length === 1 &&
    tokens.every((one) => isToken(one) && one === token) &&
    rest['token.next'] === undefined &&
    rest['token.previous'] === undefined &&
    bundles.every((bundle) => bundle === caBundle) &&
    served.every(
      (pair) =>
        pair !== undefined &&
        handshakeProblem({ pair, caBundle }, { names, now: clock.date() }) === undefined,
    )
  )
}

/** Until nothing is under way: a rotation takes two settle times, and is rarely far from the next. */
async function settles(fleet: Fleet): Promise<void> {
  for (let waits = 0; waits < 60 && !isSteady(fleet); waits += 1) await fleet.run(500)
  expect(isSteady(fleet)).toBe(true)
  expect(new Set(fleet.served.map((pair) => pair?.cert)).size).toBe(1)
}

describe('property: however requests and events of several replicas interleave,', () => {
  test('CAs and leaves rotate without a moment at which a call would fail', async () => {
    await fc.assert(
      fc.asyncProperty(numbers, fc.constantFrom(0, 3000), async (stream, skewMs) => {
        const random = randomly(stream)
        const fleet = await started(random, skewMs)
        const [first] = fleet.bundles
        const [token] = fleet.tokens
        for (let minute = 0; minute < 3; minute += 1) {
          await fleet.run(random(60_000))
          fleet.start(replicas[random(replicas.length)] ?? 'a')
          await fleet.run(30_000 + random(30_000))
        }
        expect(fleet.failures).toEqual([])
        expect(fleet.replaced).toEqual([])
        expect(fleet.bundles[0]).not.toBe(first)
        expect(fleet.leaves).toBeGreaterThan(2)
        expect(fleet.tokens[0]).not.toBe(token)
        await settles(fleet)
      }),
      { numRuns: 12 },
    )
  }, 120_000)

  test('a Secret that is deleted or filled with garbage, at any time, costs no call', async () => {
    const garbage: fc.Arbitrary<SecretData | undefined> = fc.constantFrom(
      undefined,
      {},
      { 'ca.crt': 'x', 'ca.key': 'x', 'tls.crt': 'x', 'tls.key': 'x' },
    )
    await fc.assert(
      fc.asyncProperty(numbers, fc.array(garbage, { minLength: 1, maxLength: 4 }), async (stream, acts) => {
        const random = randomly(stream)
        const fleet = await started(random)
        for (const act of acts) {
          await fleet.run(random(100_000))
          fleet.putSecret(act)
          await fleet.run(2000)
        }
        expect(fleet.failures).toEqual([])
        expect(fleet.replaced.length).toBeGreaterThan(0)
        await settles(fleet)
      }),
      { numRuns: 12 },
    )
  }, 120_000)

  test('a leaf or a CA key that goes missing from the Secret costs no call', async () => {
    const missing = fc.subarray(['ca.key', 'tls.crt', 'tls.key'], { minLength: 1 })
    await fc.assert(
      fc.asyncProperty(numbers, missing, async (stream, keys) => {
        const random = randomly(stream)
        const fleet = await started(random)
        await fleet.run(random(100_000))
        const blanks = Object.fromEntries(keys.map((key) => [key, '']))
        fleet.putSecret({ ...fleet.secret?.value, ...blanks })
        await fleet.run(2000)
        expect(fleet.failures).toEqual([])
        await settles(fleet)
      }),
      { numRuns: 8 },
    )
  }, 120_000)
})

test.each([0, 1, 2, 3, 4])(
  'a replica that is held up after %i requests for as long as the others take to swap the leaf undoes nothing',
  async (requests) => {
    const fleet = await started(halfway)
    const [first] = fleet.bundles
    // Two thirds of the life of the CA, which began a tenth before its start.
    await fleet.run(lives.authorityMs * 0.63 - 5000 - 500)
    expect(fleet.bundles[0]).toBe(first)
    const release = fleet.holdUp('a', requests)
    while (fleet.served[1]?.cert === fleet.served[0]?.cert) await fleet.run(100)
    release()
    await fleet.run(20_000)
    expect(fleet.failures).toEqual([])
    await settles(fleet)
  },
)

describe('a caBundle that somebody', () => {
  test.each([
    ['blanks', () => ''],
    ['adds to', (caBundle: string, other: string) => caBundle + other],
    ['replaces', (_caBundle: string, other: string) => other],
  ])('%s is put back within seconds', async (_what, change) => {
    const fleet = await started(halfway)
    const [caBundle = ''] = fleet.bundles
    const foreign = (await started(halfway)).bundles[0] ?? ''
    fleet.watchful = false
    fleet.put(0, { caBundle: change(caBundle, foreign) })
    await fleet.run(1000)
    expect(fleet.bundles).toEqual([caBundle, caBundle])
  })
})

test('a CA is followed by the next one at two thirds of its life: both, then the leaf, then the new one', async () => {
  const fleet = await started(halfway)
  const seen: string[] = []
  for (let seconds = 0; seconds < 110; seconds += 1) {
    await fleet.run(1000)
    const subjects = splitPem(fleet.bundles[0] ?? '').map((pem) => new X509Certificate(pem).subject)
    const of = subjects.indexOf(issuerOf(fleet.served[0]?.cert))
    const state = `${subjects.length} CAs, the leaf of the ${of === 0 ? 'first' : 'second'}`
    if (seen.at(-1) !== state) seen.push(state)
  }
  expect(seen.slice(0, 4)).toEqual([
    '1 CAs, the leaf of the first',
    '2 CAs, the leaf of the first',
    '2 CAs, the leaf of the second',
    '1 CAs, the leaf of the first',
  ])
})

describe('the token', () => {
  test('is followed by the next one at two thirds of the life of a leaf: accepted, then called by, then alone', async () => {
    const fleet = await started(halfway)
    const seen: string[] = []
    const [first] = fleet.tokens
    for (let ms = 0; ms < lives.leafMs; ms += 100) {
      await fleet.run(100)
      const { token, 'token.next': next, 'token.previous': previous } = fleet.secret?.value ?? {}
      const state = [token === first ? 'old' : 'new', next && 'a next one', previous && 'a previous one']
      const text = state.filter(Boolean).join(', ')
      if (seen.at(-1) !== text) seen.push(text)
    }
    expect(seen.slice(0, 4)).toEqual(['old', 'old, a next one', 'new, a previous one', 'new'])
    expect(fleet.failures).toEqual([])
  })

  test('that others were shown is followed by another without a refused call, once however many replicas know', async () => {
    const fleet = await started(halfway)
    const [first = ''] = fleet.tokens
    const tokens = new Set<string>()
    fleet.show(first)
    for (let ms = 0; ms < 30_000; ms += 100) {
      await fleet.run(100)
      for (const token of fleet.tokens) tokens.add(token)
    }
    expect(tokens.size).toBe(2)
    expect(tokens.has(first)).toBe(true)
    expect(fleet.tokens).not.toContain(first)
    expect(fleet.failures).toEqual([])
    await settles(fleet)
  })

  test('that others were shown is not remembered for ever, and is replaced after a thousand others', async () => {
    const fleet = await started(halfway)
    const [first = ''] = fleet.tokens
    for (let index = 0; index < 1000; index += 1) fleet.show(`${index}`.padStart(64, '0'))
    fleet.show(first)
    await fleet.run(30_000)
    expect(fleet.mostShownAtOnce).toBeLessThan(100)
    expect(fleet.tokens).not.toContain(first)
  })

  test.each([
    ['all of it', () => ({ token: '', 'token.made': '', 'token.next': '', 'token.previous': '' })],
    ['what is no token', () => ({ token: 'hush' })],
    ['when it was made', () => ({ 'token.made': '' })],
  ])(
    'may be spoilt in the Secret at any time (%s) without a refused call',
    async (_what, spoil) => {
      await fc.assert(
        fc.asyncProperty(numbers, async (stream) => {
          const random = randomly(stream)
          const fleet = await started(random)
          if (random(2) === 0) fleet.show(fleet.tokens[0] ?? '')
          await fleet.run(random(20_000))
          fleet.putSecret({ ...fleet.secret?.value, ...spoil() })
          await fleet.run(2000)
          expect(fleet.failures).toEqual([])
          await settles(fleet)
          expect(fleet.failures).toEqual([])
        }),
        { numRuns: 6 },
      )
    },
    120_000,
  )

  test('is put back at once where somebody takes it away, and left alone ever longer by a rival', async () => {
    const fleet = await started(halfway)
    const [token = ''] = fleet.tokens
    fleet.watchful = false
    fleet.put(0, { token: '' })
    await fleet.run(1000)
    expect(fleet.tokens).toEqual([token, token])
    expect(fleet.remarks).toEqual([undefined, undefined, undefined])
    const before = fleet.writes
    for (let ms = 0; ms < 120_000; ms += 100) {
      await fleet.run(100)
      if (fleet.tokens[0] !== '') fleet.put(0, { token: '' })
    }
    // Somebody takes the caBundle away 1,200 times. Without pauses the operator would write as often.
    expect(fleet.writes - before).toBeLessThan(30)
    expect(fleet.writes - before).toBeGreaterThan(5)
    expect(fleet.remarks).toContainEqual(expect.stringContaining('was taken away'))
    expect(fleet.lines.filter((line) => line.includes('was taken away')).length).toBeGreaterThan(0)
  })
})

test('property: no log line of any of this holds a key', async () => {
  const fleet = await started(halfway)
  const keys: string[] = []
  const tokens: string[] = []
  const remember = (): void => {
    const { 'ca.key': ca = '', 'tls.key': tls = '', token = '' } = fleet.secret?.value ?? {}
    tokens.push(token)
    keys.push(...`${ca}${tls}`.split('\n').filter((line) => line.length === 64))
  }
  for (let rounds = 0; rounds < 4; rounds += 1) {
    remember()
    const { 'ca.key': ca = '' } = fleet.secret?.value ?? {}
    fleet.putSecret({ ...fleet.secret?.value, 'ca.crt': ca, 'tls.crt': ca })
    await fleet.run(40_000)
  }
  expect(keys.length).toBeGreaterThan(20)
  expect(fleet.replaced.length).toBeGreaterThan(3)
  const logged = fleet.lines.join('') + fleet.replaced.join('')
  expect(keys.filter((line) => logged.includes(line))).toEqual([])
  expect(logged).not.toContain('PRIVATE KEY')
  expect(tokens.filter((token) => !isToken(token) || logged.includes(token))).toEqual([])
})
