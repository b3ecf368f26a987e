import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Reply } from '../../src/core/objects.ts'
import { leaseResource } from '../../src/core/resources.ts'
import {
  claimName,
  decodeClaim,
  leaseOf,
  claimStateOf,
  type Contender,
  type ReadHolder,
} from '../../src/webhook/claim.ts'
import { Reservations } from '../../src/webhook/reservations.ts'
import { Undecided } from '../../src/webhook/undecided.ts'
import { manualClock } from '../support/manual-clock.ts'
import { failed, MemoryObjects, metaText, objectsOver, type Verb } from './memory-objects.ts'

const graceMs = 65_000
const staleMs = 180_000
const key = 'the key'
const at = { namespace: 'system', name: claimName(key) }
const holderOf = (name: string, uid = `uid-of-${name}`) => ({ namespace: 'default', name, uid })

/** A fault that hits the next call of a verb. */
type Mishap = {
  readonly verb: Verb
  readonly takesEffect: boolean
  readonly reply?: Reply
  /** Called right before that call. */
  readonly meanwhile?: () => void
}

/** Replicas on one API server, with one clock for all of them. */
function scene() {
  const clock = manualClock()
  const memory = new MemoryObjects()
  const mishaps: Mishap[] = []
  const calls: Verb[] = []
  /** Names of the bindings that a live read shows with the key. */
  const holding = new Set<string>()
  const renamed = new Set<string>()
  /** The versions of the bindings that a live read shows. */
  const versions = new Map<string, { readonly uid: string; readonly resourceVersion: string }>()
  /** Names of the bindings that a watch has shown with the key. */
  const known = new Set<string>()
  const disregarded: string[] = []
  const reads: string[] = []
  const objects = objectsOver(memory, async (verb, effect) => {
    calls.push(verb)
    await Promise.resolve()
    const [mishap] = mishaps
    if (mishap?.verb !== verb) return effect()
    mishaps.shift()
    mishap.meanwhile?.()
    const reply = mishap.takesEffect ? effect() : failed
    return mishap.reply ?? reply
  })
  const replica = () =>
    new Reservations({
      objects,
      namespace: 'system',
      now: clock.now,
      holders: () => known.values().map((name) => ({ name })),
      disregarded: ({ name }, winner) => void disregarded.push(`${name} for ${winner.name}`),
      graceMs,
      staleMs,
    })
  const readHolder = ({ name }: { readonly name: string }): Promise<ReadHolder> => {
    reads.push(name)
    const contender = holding.has(name) ? 'rival' : renamed.has(name) ? 'renamed' : 'none'
    return Promise.resolve({ contender, version: versions.get(name) })
  }
  return {
    clock,
    memory,
    mishaps,
    calls,
    holding,
    renamed,
    versions,
    known,
    disregarded,
    reads,
    readHolder,
    replica,
    /** A review asks for the key. */
    ask: (reservations: Reservations, name: string, uid?: string, signal?: AbortSignal) =>
      reservations.reserve(key, holderOf(name, uid), readHolder, signal),
    claim: () => {
      const lease = memory.find(leaseResource, at)
      return lease && decodeClaim(lease).holder
    },
    /** The watch of claims tells a replica all that happened. */
    tell: (reservations: Reservations) => {
      for (const { kind, object } of memory.events)
        if (kind === 'removed') reservations.forgotten(metaText(object, 'name'))
        else reservations.observed(object)
    },
  }
}

const nobodyThere = (): Promise<ReadHolder> => Promise.resolve({ contender: 'none' })
const noAnswer = (): Promise<ReadHolder> => Promise.reject(new Error('the read failed'))

const reserved = { kind: 'reserved' }
const pending = (name: string, uid?: string) => ({ kind: 'taken', by: holderOf(name, uid), pending: true })
const held = (name: string, uid?: string) => ({ kind: 'taken', by: holderOf(name, uid), pending: false })

describe('a claim', () => {
  test('is one Lease in the namespace of the operator, which names its holder and its key', async () => {
    const { memory, ask, replica, calls } = scene()
    expect(await ask(replica(), 'chat')).toEqual(reserved)
    expect(calls).toEqual(['create'])
    expect(memory.find(leaseResource, at)).toMatchObject({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        namespace: 'system',
        name: claimName(key),
        labels: { 'kleym.sonda.red/claim': 'true' },
        annotations: {
          'kleym.sonda.red/collision-key': key,
          'kleym.sonda.red/holder-uid': 'uid-of-chat',
        },
      },
      spec: { holderIdentity: 'default/chat' },
    })
  })

  test('has a valid name, and another one for each key', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (one, other) => {
        expect(claimName(one)).toMatch(/^kleym-claim-[0-9a-f]{40}$/)
        expect(claimName(one) === claimName(other)).toBe(one === other)
      }),
    )
  })

  test('is read back as it was written, whatever the names', () => {
    const text = fc.stringMatching(/^[a-z0-9.-]{1,20}$/)
    fc.assert(
      fc.property(fc.string(), text, text, fc.uuid(), (claimed, namespace, name, uid) => {
        const holder = { namespace, name, uid }
        const seen = { uid: 'u', resourceVersion: '7', transitions: 3, holder: holderOf('x'), base: '' }
        expect(decodeClaim(leaseOf('system', claimed, { ...holder, base: '5' }, seen))).toEqual({
          ...seen,
          name: claimName(claimed),
          key: claimed,
          transitions: 4,
          holder,
          base: '5',
        })
      }),
    )
  })

  test.for([undefined, null, 7, [], {}, { metadata: [], spec: 'x' }, { spec: { holderIdentity: 7 } }])(
    'that somebody has spoilt (%j) has a holder that no binding can be',
    (lease) => {
      expect(decodeClaim(lease).holder).toEqual({ namespace: '', name: '', uid: '' })
    },
  )
})

describe('the rule', () => {
  const claim = {
    name: 'claim',
    uid: 'u',
    resourceVersion: '1',
    key,
    transitions: 0,
    holder: holderOf('a'),
    base: '5',
  }
  const seen = fc.record({
    contender: fc.constantFrom<Contender>('rival', 'none'),
    deleted: fc.boolean(),
    ageMs: fc.integer({ min: 0, max: 2 * graceMs }),
    graceMs: fc.constant(graceMs),
  })

  test('the same binding is never in its own way, whatever its uid', () => {
    fc.assert(
      fc.property(seen, fc.string(), (one, uid) => {
        expect(claimStateOf(claim, holderOf('a', uid), one)).toBe('ours')
      }),
    )
  })

  test('a holder that has the key keeps it, however old the claim and whoever was deleted', () => {
    fc.assert(
      fc.property(seen, (one) => {
        expect(claimStateOf(claim, holderOf('b'), { ...one, contender: 'rival' })).toBe('held')
      }),
    )
  })

  test('a holder without the key loses the claim past the grace or once deleted, and not before', () => {
    fc.assert(
      fc.property(seen, (one) => {
        const isOver = one.deleted || one.ageMs > graceMs
        expect(claimStateOf(claim, holderOf('b'), { ...one, contender: 'none' })).toBe(
          isOver ? 'abandoned' : 'pending',
        )
      }),
    )
  })

  test('a namesake in another namespace is somebody else', () => {
    const other = { ...holderOf('a'), namespace: 'other' }
    const fresh = { contender: 'none', deleted: false, ageMs: 0, graceMs } as const
    expect(claimStateOf(claim, other, fresh)).toBe('pending')
  })
})

/** A claim by `chat`, and what a rival is told once a live read shows `chat` at another version, without the key. */
const claimed = async (base: string | undefined, uid = 'uid-of-chat') => {
  const here = scene()
  const one = here.replica()
  await one.reserve(key, { ...holderOf('chat', uid), base }, nobodyThere)
  const after = (resourceVersion: string) => {
    here.versions.set('chat', { uid: 'uid-of-chat', resourceVersion })
    return here.ask(here.replica(), 'rival')
  }
  return { ...here, one, after }
}

describe('a holder that is at another version than was reviewed, without the key', () => {
  test('gives it up at once: it was created with the key and edited since', async () => {
    const { after, claim } = await claimed('')
    expect(await after('7')).toEqual(reserved)
    expect(claim()).toEqual(holderOf('rival'))
  })

  test('gives it up at once: what was reviewed is stored, or refused as a conflict', async () => {
    expect(await (await claimed('5')).after('6')).toEqual(reserved)
  })

  test('keeps it while it is at the version that was reviewed', async () => {
    expect(await (await claimed('5')).after('5')).toEqual(pending('chat'))
  })

  test('keeps it where it is another of the same name, whose creation may be under way', async () => {
    expect(await (await claimed('', 'another')).after('7')).toEqual(pending('chat', 'another'))
  })

  test.for<readonly [string, first: string | undefined, second: string, found: string, isFree: boolean]>([
    ['the later version counts', '5', '9', '9', false],
    ['in whatever order they are reviewed', '9', '5', '9', false],
    ['as numbers', '9', '10', '10', false],
    ['a version that is neither tells that both are over', '5', '7', '8', true],
    ['unless one of them is not known', undefined, '5', '8', false],
    ['or no number', 'x5', '5', '8', false],
  ])('of two reviews: %s', async ([, first, second, found, isFree]) => {
    const { one, after } = await claimed(first)
    await one.reserve(key, { ...holderOf('chat'), base: second }, nobodyThere)
    expect(await after(found)).toEqual(isFree ? reserved : pending('chat'))
  })

  test('has not claimed in vain: whoever takes the key after many of them is protected, too', async () => {
    const { replica, versions, readHolder, ask, clock } = scene()
    const one = replica()
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      versions.set(name, { uid: `uid-of-${name}`, resourceVersion: '7' })
      expect(await one.reserve(key, { ...holderOf(name), base: '' }, readHolder)).toEqual(reserved)
      clock.advance(20_000)
    }
    versions.clear()
    expect(await ask(one, 'rival')).toEqual(pending('e'))
  })

  test('keeps it where it was created anew between two reviews', async () => {
    const { one, after } = await claimed('', 'former')
    await one.reserve(key, { ...holderOf('chat'), base: '5' }, nobodyThere)
    expect(await after('7')).toEqual(pending('chat'))
  })
})

describe('another name for the same', () => {
  test('takes over the claim of the binding whose place it takes, and no third one does', async () => {
    const { ask, replica, renamed, claim } = scene()
    const one = replica()
    await ask(one, 'chat')
    renamed.add('chat')
    expect(await ask(one, 'chat-v2')).toEqual(reserved)
    expect(claim()).toEqual(holderOf('chat-v2'))
    expect(await ask(one, 'chat-v3')).toEqual(pending('chat-v2'))
  })
})

describe('the same binding', () => {
  test('is allowed again when its review is retried, on another replica too', async () => {
    const { ask, replica, reads } = scene()
    const [one, two] = [replica(), replica()]
    for (const replicaAsked of [one, one, two, one]) expect(await ask(replicaAsked, 'chat')).toEqual(reserved)
    expect(reads).toEqual([])
  })

  test('renews its claim with another attempt, whose uid the claim then has', async () => {
    const { ask, replica, claim, clock } = scene()
    const one = replica()
    await ask(one, 'chat', 'first')
    clock.advance(graceMs - 1)
    expect(await ask(one, 'chat', 'second')).toEqual(reserved)
    expect(claim()).toEqual(holderOf('chat', 'second'))
    // The grace begins anew with the second attempt, which may take as long as the first.
    clock.advance(graceMs - 1)
    expect(await ask(one, 'rival')).toEqual(pending('chat', 'second'))
  })

  test('has the grace anew when an update, whose uid is always the same, is tried again', async () => {
    const { ask, replica, clock } = scene()
    const one = replica()
    await ask(one, 'chat')
    clock.advance(graceMs - 1)
    await ask(one, 'chat')
    clock.advance(graceMs - 1)
    expect(await ask(one, 'rival')).toEqual(pending('chat'))
  })

  test('succeeds with the next attempt where it was killed between claim and write', async () => {
    const { ask, replica } = scene()
    await ask(replica(), 'chat', 'first')
    const restarted = replica()
    expect(await ask(restarted, 'chat', 'second')).toEqual(reserved)
  })
})

describe('another binding', () => {
  test('is told which binding has the key', async () => {
    const { ask, replica, holding, reads } = scene()
    await ask(replica(), 'chat')
    holding.add('chat')
    expect(await ask(replica(), 'rival')).toEqual(held('chat'))
    expect(reads).toEqual(['chat'])
  })

  test('is told which binding is being admitted with it', async () => {
    const { ask, replica } = scene()
    const one = replica()
    await ask(one, 'chat')
    expect(await ask(one, 'rival')).toEqual(pending('chat'))
    expect(await ask(replica(), 'rival')).toEqual(pending('chat'))
  })

  test('gets a key that was claimed and never taken once the grace is over', async () => {
    const { ask, replica, clock, claim } = scene()
    const one = replica()
    await ask(one, 'chat')
    clock.advance(graceMs)
    expect(await ask(one, 'rival')).toEqual(pending('chat'))
    clock.advance(1)
    expect(await ask(one, 'rival')).toEqual(reserved)
    expect(claim()).toEqual(holderOf('rival'))
  })

  test('waits for the grace that its own replica has seen', async () => {
    const { ask, replica, clock, tell } = scene()
    await ask(replica(), 'chat')
    clock.advance(10 * graceMs)
    const late = replica()
    tell(late)
    expect(await ask(late, 'rival')).toEqual(pending('chat'))
    clock.advance(graceMs + 1)
    expect(await ask(late, 'rival')).toEqual(reserved)
  })

  test('waits anew when the claim was renewed meanwhile, though its replica never heard of it', async () => {
    const { ask, replica, clock, tell } = scene()
    const [one, two] = [replica(), replica()]
    await ask(one, 'chat', 'first')
    tell(two)
    clock.advance(graceMs + 1)
    await ask(one, 'chat', 'second')
    expect(await ask(two, 'rival')).toEqual(pending('chat', 'second'))
  })

  test('gets the key of a deleted one at once', async () => {
    const { ask, replica, claim } = scene()
    const [one, two] = [replica(), replica()]
    await ask(one, 'chat')
    two.holderDeleted('uid-of-chat')
    expect(await ask(one, 'rival')).toEqual(pending('chat'))
    expect(await ask(two, 'rival')).toEqual(reserved)
    expect(claim()).toEqual(holderOf('rival'))
  })

  test('does not get the key of one that was deleted and made again', async () => {
    const { ask, replica } = scene()
    const one = replica()
    await ask(one, 'chat', 'first')
    one.holderDeleted('first')
    await ask(one, 'chat', 'second')
    expect(await ask(one, 'rival')).toEqual(pending('chat', 'second'))
  })

  test('gets the key of a claim that somebody has spoilt, past the grace', async () => {
    const { ask, replica, clock, memory } = scene()
    memory.create(leaseResource, { ...leaseOf('system', key, holderOf('x')), spec: {} })
    const one = replica()
    expect(await ask(one, 'rival')).toMatchObject({ kind: 'taken', pending: true })
    clock.advance(graceMs + 1)
    expect(await ask(one, 'rival')).toEqual(reserved)
  })
})

/** Claims the key again and again without ever creating the binding, as somebody could who can call the webhook. */
async function insist({ ask, clock }: ReturnType<typeof scene>, one: Reservations, times: number) {
  for (let count = 0; count < times; count += 1) {
    if (count > 0) clock.advance(graceMs - 1)
    expect(await ask(one, 'forged')).toEqual(reserved)
  }
}

describe('a key that is claimed again and again without a binding', () => {
  test('is waited for three times', async () => {
    const here = scene()
    const one = here.replica()
    await insist(here, one, 3)
    expect(await here.ask(one, 'rival')).toEqual(pending('forged'))
    expect(here.disregarded).toEqual([])
  })

  test('then refuses nobody for a claim alone, on every replica, claims it as before, and is told of', async () => {
    const here = scene()
    const [one, two] = [here.replica(), here.replica()]
    for (let count = 0; count < 4; count += 1) {
      await insist(here, one, 1)
      here.tell(two)
      here.clock.advance(graceMs - 1)
    }
    expect(await here.ask(two, 'rival')).toEqual(reserved)
    expect(here.claim()).toEqual(holderOf('rival'))
    expect(here.disregarded).toEqual(['forged for rival'])
    here.tell(one)
    expect(await here.ask(one, 'forged')).toEqual(reserved)
  })

  test('still refuses whoever would take it from a binding that has it', async () => {
    const here = scene()
    const one = here.replica()
    await insist(here, one, 4)
    here.holding.add('forged')
    expect(await here.ask(one, 'rival')).toEqual(held('forged'))
  })

  test('is not one whose bindings came, or came and were deleted', async () => {
    const here = scene()
    const one = here.replica()
    for (const name of ['a', 'b', 'c', 'd']) {
      await here.ask(one, name)
      one.holderDeleted(`uid-of-${name}`)
      here.clock.advance(1000)
    }
    await here.ask(one, 'chat')
    expect(await here.ask(one, 'rival')).toEqual(pending('chat'))
  })
})

describe('of any number at once', () => {
  const askers = fc.array(fc.record({ replica: fc.nat({ max: 2 }), name: fc.nat({ max: 5 }) }), {
    minLength: 2,
    maxLength: 12,
  })

  test('exactly one binding is given the key, on one replica or several', async () => {
    await fc.assert(
      fc.asyncProperty(askers, async (asked) => {
        const { ask, replica } = scene()
        const replicas = [replica(), replica(), replica()] as const
        const answers = await Promise.all(
          asked.map(async ({ replica: index, name }) => {
            const { kind } = await ask(replicas[index] ?? replicas[0], `chat-${name}`)
            return kind === 'reserved' ? [name] : []
          }),
        )
        expect(new Set(answers.flat()).size).toBe(1)
      }),
    )
  })

  test('they do not wait for those that want another key', async () => {
    const { replica, mishaps, ask } = scene()
    const { promise: blocked, resolve: release } = Promise.withResolvers<ReadHolder>()
    const one = replica()
    await ask(one, 'chat')
    const waiting = one.reserve(key, holderOf('rival'), () => blocked)
    const behind = one.reserve(key, holderOf('another'), nobodyThere)
    expect(await one.reserve('another key', holderOf('free'), () => blocked)).toEqual(reserved)
    release({ contender: 'none' })
    expect(await waiting).toEqual(pending('chat'))
    expect(await behind).toEqual(pending('chat'))
    expect(mishaps).toEqual([])
  })

  test('a failure of one is not the failure of the next', async () => {
    const { replica, ask, mishaps } = scene()
    const one = replica()
    mishaps.push({ verb: 'create', takesEffect: false })
    const [first, second] = await Promise.allSettled([ask(one, 'chat'), ask(one, 'rival')])
    expect(first.status).toBe('rejected')
    expect(second).toEqual({ status: 'fulfilled', value: reserved })
  })
})

describe('without an answer that settles it nothing is given', () => {
  test('a claim whose creation took effect without an answer is ours at the next attempt', async () => {
    const { ask, replica, mishaps, claim, reads } = scene()
    const one = replica()
    mishaps.push({ verb: 'create', takesEffect: true, reply: failed })
    await expect(ask(one, 'chat', 'first')).rejects.toThrow('the connection was lost')
    expect(claim()).toEqual(holderOf('chat', 'first'))
    expect(await ask(one, 'chat', 'second')).toEqual(reserved)
    expect(reads).toEqual([])
  })

  test('a take-over whose answer was lost is ours at the next attempt', async () => {
    const { ask, replica, mishaps, clock, claim } = scene()
    const one = replica()
    await ask(one, 'chat')
    clock.advance(graceMs + 1)
    mishaps.push({ verb: 'replace', takesEffect: true, reply: failed })
    await expect(ask(one, 'rival')).rejects.toThrow('the connection was lost')
    expect(await ask(one, 'rival')).toEqual(reserved)
    expect(claim()).toEqual(holderOf('rival'))
  })

  test.for<Verb>(['create', 'get', 'replace'])(
    'a %s that is refused or fails ends the review',
    async (verb) => {
      for (const reply of [failed, { kind: 'refused', code: 403, message: 'forbidden' } as const]) {
        const { ask, replica, mishaps, clock } = scene()
        const one = replica()
        if (verb !== 'create') await ask(one, 'chat')
        clock.advance(graceMs + 1)
        mishaps.push({ verb, takesEffect: false, reply })
        const asked = ask(one, 'rival')
        await expect(asked).rejects.toThrow(/Lease kleym-claim-.*(?:lost|forbidden)/)
        await expect(asked).rejects.toBeInstanceOf(Undecided)
        expect(mishaps).toEqual([])
      }
    },
  )

  test('a live read that fails ends the review', async () => {
    const { ask, replica } = scene()
    const one = replica()
    await ask(one, 'chat')
    await expect(one.reserve(key, holderOf('rival'), noAnswer)).rejects.toThrow('the read failed')
  })

  test('a review that is over claims nothing, nor when its turn comes only then', async () => {
    const { ask, replica, claim, calls } = scene()
    const over = AbortSignal.abort(new Error('over'))
    await expect(ask(replica(), 'chat', undefined, over)).rejects.toThrow('over')
    expect(claim()).toBeUndefined()
    expect(calls).toEqual([])
  })

  test('a review that ends while it reads takes nothing over', async () => {
    const { ask, replica, clock, claim } = scene()
    const one = replica()
    await ask(one, 'chat')
    clock.advance(graceMs + 1)
    const review = new AbortController()
    const reading = (): Promise<ReadHolder> => {
      review.abort(new Error('over'))
      return nobodyThere()
    }
    const asked = one.reserve(key, holderOf('rival'), reading, review.signal)
    await expect(asked).rejects.toThrow('over')
    expect(claim()).toEqual(holderOf('chat'))
  })
})

describe('a claim that changes under a review', () => {
  test('is looked at again: who was faster has it', async () => {
    const { ask, replica, mishaps, clock } = scene()
    const [one, two] = [replica(), replica()]
    await ask(one, 'chat')
    await ask(two, 'rival')
    clock.advance(graceMs + 1)
    const faster: { asked?: Promise<unknown> } = {}
    mishaps.push({
      verb: 'replace',
      takesEffect: true,
      meanwhile: () => void (faster.asked = ask(two, 'faster')),
      reply: { kind: 'conflict', message: 'somebody was faster' },
    })
    expect(await ask(one, 'rival')).toEqual(reserved)
    expect(await faster.asked).toMatchObject({ kind: 'taken' })
  })

  test('is taken where it was released in between', async () => {
    const { ask, replica, mishaps, memory, claim } = scene()
    const [one, two] = [replica(), replica()]
    await ask(one, 'chat')
    mishaps.push({ verb: 'get', takesEffect: true, meanwhile: () => memory.remove(leaseResource, at) })
    expect(await ask(two, 'rival')).toEqual(reserved)
    expect(claim()).toEqual(holderOf('rival'))
  })

  test('again and again ends the review: it is not fought over for ever', async () => {
    const { ask, replica, mishaps, calls } = scene()
    const one = replica()
    await ask(one, 'chat')
    const busy = { verb: 'replace', takesEffect: false, reply: { kind: 'conflict', message: 'x' } } as const
    mishaps.push(...Array.from({ length: 100 }, () => busy))
    await expect(ask(one, 'chat')).rejects.toThrow('fought over')
    expect(calls.length).toBeLessThan(20)
  })
})

describe('collecting', () => {
  test('deletes what has grown old, and nothing younger', async () => {
    const { replica, clock, memory, tell } = scene()
    const [leader, other] = [replica(), replica()]
    await other.reserve('old', holderOf('a'), nobodyThere)
    tell(leader)
    clock.advance(staleMs)
    await other.reserve('young', holderOf('b'), nobodyThere)
    tell(leader)
    await leader.collect()
    expect(memory.all(leaseResource)).toHaveLength(2)
    clock.advance(1)
    await leader.collect()
    expect(memory.all(leaseResource).map((lease) => metaText(lease, 'name'))).toEqual([claimName('young')])
    expect(leader.size).toBe(1)
  })

  test('deletes the claim of a deleted holder at once', async () => {
    const { replica, ask, memory } = scene()
    const one = replica()
    await ask(one, 'chat')
    one.holderDeleted('uid-of-chat')
    await one.collect()
    expect(memory.all(leaseResource)).toEqual([])
  })

  test('leaves alone what was renewed, though its watch has not said so', async () => {
    const { replica, ask, clock, tell, claim } = scene()
    const [leader, other] = [replica(), replica()]
    await ask(other, 'chat', 'first')
    tell(leader)
    clock.advance(staleMs + 1)
    await ask(other, 'chat', 'second')
    await leader.collect()
    expect(claim()).toEqual(holderOf('chat', 'second'))
    tell(leader)
    clock.advance(staleMs + 1)
    await leader.collect()
    expect(claim()).toBeUndefined()
  })

  test('forgets what somebody else has deleted', async () => {
    const { replica, ask, clock, memory } = scene()
    const one = replica()
    await ask(one, 'chat')
    memory.remove(leaseResource, at)
    clock.advance(staleMs + 1)
    await one.collect()
    expect(one.size).toBe(0)
  })

  test('tries again what failed', async () => {
    const { replica, ask, clock, mishaps, claim } = scene()
    const one = replica()
    await ask(one, 'chat')
    clock.advance(staleMs + 1)
    mishaps.push({ verb: 'remove', takesEffect: false })
    await one.collect()
    expect(claim()).toEqual(holderOf('chat'))
    await one.collect()
    expect(claim()).toBeUndefined()
  })

  test('deletes thousands, each once', async () => {
    const { replica, clock, memory, calls } = scene()
    const one = replica()
    for (let index = 0; index < 1_000; index += 1)
      await one.reserve(`key ${index}`, holderOf(`chat-${index}`), nobodyThere)
    clock.advance(staleMs + 1)
    await one.collect()
    expect(memory.all(leaseResource)).toEqual([])
    expect(calls.filter((verb) => verb === 'remove')).toHaveLength(1_000)
  })

  test('leaves no claim after any history, once all is old', async () => {
    const step = fc.record({
      key: fc.nat({ max: 3 }),
      name: fc.nat({ max: 3 }),
      passes: fc.nat({ max: staleMs }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const { replica, clock, memory, tell } = scene()
        const [leader, other] = [replica(), replica()]
        for (const { key: wanted, name, passes } of steps) {
          await other.reserve(`${wanted}`, holderOf(`${name}`), nobodyThere)
          clock.advance(passes)
          tell(leader)
          await leader.collect()
        }
        clock.advance(staleMs + 1)
        await leader.collect()
        expect(memory.all(leaseResource)).toEqual([])
      }),
    )
  })
})

test('what is remembered of deletions is bounded, the oldest go first', async () => {
  const { ask, replica } = scene()
  const one = replica()
  await ask(one, 'chat')
  one.holderDeleted('uid-of-chat')
  for (let index = 0; index < 10_000; index += 1) one.holderDeleted(`another-${index}`)
  expect(await ask(one, 'rival')).toEqual(pending('chat'))
  one.holderDeleted('uid-of-chat')
  expect(await ask(one, 'rival')).toEqual(reserved)
})

test.each([
  ['is remembered for as long as a claim may be of it', 599_999, reserved],
  ['is forgotten after that', 600_000, pending('chat')],
])('a deletion %s', async (_what, ms, answer) => {
  const { ask, replica, clock } = scene()
  const one = replica()
  one.holderDeleted('uid-of-chat')
  clock.advance(ms)
  one.forgetOld()
  await ask(one, 'chat')
  expect(await ask(one, 'rival')).toEqual(answer)
})
