import {
  type Arbitrary,
  array,
  assert,
  asyncProperty,
  constant,
  constantFrom,
  integer,
  oneof,
  record,
} from 'fast-check'
import { expect, test } from 'vitest'
import { Queue } from '../../src/controller/queue.ts'
import { manualClock } from '../support/manual-clock.ts'

type Name = 'a' | 'b' | 'c'

const arrange = () => {
  const clock = manualClock()
  return { clock, queue: new Queue<Name>({ clock }) }
}

test('a key that is marked several times while it waits is handed out once', async () => {
  const { queue } = arrange()
  for (const key of ['a', 'b', 'a'] as const) queue.add(key)
  expect(queue.depth).toBe(2)
  expect([await queue.next(), await queue.next()]).toEqual(['a', 'b'])
  expect(queue.depth).toBe(0)
})

test('a key that is marked while it runs is handed out again, but only after it is done', async () => {
  const { queue } = arrange()
  queue.add('a')
  await queue.next()
  queue.add('a')
  expect(queue.depth).toBe(0)
  queue.done('a')
  expect(queue.depth).toBe(1)
  expect(await queue.next()).toBe('a')
})

test('a key that was not marked while it ran is not handed out again', async () => {
  const { queue } = arrange()
  queue.add('a')
  await queue.next()
  queue.done('a')
  expect(queue.depth).toBe(0)
})

test('done for a key that does not run changes nothing', async () => {
  const { queue } = arrange()
  queue.add('a')
  queue.done('a')
  expect(queue.depth).toBe(1)
})

test('workers that wait get keys in the order in which they asked', async () => {
  const { queue } = arrange()
  const workers = [queue.next(), queue.next()]
  queue.add('b')
  queue.add('a')
  expect(await Promise.all(workers)).toEqual(['b', 'a'])
})

test('of several delays for one key the earliest counts', () => {
  const { clock, queue } = arrange()
  queue.addAfter('a', 100)
  queue.addAfter('a', 30)
  queue.addAfter('a', 70)
  clock.advance(29)
  expect(queue.depth).toBe(0)
  clock.advance(1)
  expect(queue.depth).toBe(1)
  void queue.next()
  queue.done('a')
  clock.advance(1000)
  expect(queue.depth).toBe(0)
})

test('a delay of nothing is no delay', () => {
  const { queue } = arrange()
  queue.addAfter('a', 0)
  expect(queue.depth).toBe(1)
})

test('a delay longer than a timer can wait is kept', () => {
  const { clock, queue } = arrange()
  queue.addAfter('a', 2 ** 32)
  clock.advance(2 ** 32 - 1)
  expect(queue.depth).toBe(0)
  clock.advance(1)
  expect(queue.depth).toBe(1)
})

test('retries of a key wait twice as long each time, from 5 ms to 60 s, until it is forgotten', () => {
  const { clock, queue } = arrange()
  const waited = (key: Name) => {
    const from = clock.now()
    queue.retry(key)
    while (queue.depth === 0) clock.advance(clock.waits()[0] ?? 0)
    void queue.next()
    queue.done(key)
    return clock.now() - from
  }
  const doubled = Array.from({ length: 14 }, (_, failures) => 5 * 2 ** failures)
  expect(Array.from({ length: 20 }, () => waited('a'))).toEqual([
    ...doubled,
    ...Array.from({ length: 6 }, () => 60_000),
  ])
  expect(waited('b')).toBe(5)
  // A limit may have a key run sooner than its back-off says, never later.
  queue.retry('c', 3)
  expect(clock.waits()).toEqual([3])
  clock.advance(3)
  void queue.next()
  queue.done('c')
  expect(waited('c')).toBe(10)
  queue.forget('a')
  expect(waited('a')).toBe(5)
})

test('ten thousand delayed keys share one timer', () => {
  const clock = manualClock()
  const queue = new Queue({ clock })
  for (let index = 0; index < 10_000; index += 1)
    queue.addAfter(`key-${index}`, 10 + ((index * 7919) % 10_000))
  expect(clock.waits().length).toBe(1)
  clock.advance(5009)
  expect(queue.depth).toBe(5000)
  expect(clock.waits().length).toBe(1)
  clock.advance(5000)
  expect(queue.depth).toBe(10_000)
  expect(clock.waits().length).toBe(0)
})

test('a shutdown waits for the keys that run and for no others', async () => {
  const { clock, queue } = arrange()
  queue.add('a')
  queue.add('b')
  queue.addAfter('c', 10)
  await queue.next()
  let drained = false
  const shutdown = queue.shutdown().then(() => (drained = true))
  expect(await queue.next()).toBeUndefined()
  expect(clock.waits().length).toBe(0)
  queue.add('c')
  queue.retry('a')
  expect(drained).toBe(false)
  queue.done('a')
  await shutdown
  expect(queue.depth).toBe(0)
  await queue.shutdown()
})

test('a shutdown ends the wait of workers for a key', async () => {
  const { queue } = arrange()
  const workers = [queue.next(), queue.next()]
  await queue.shutdown()
  expect(await Promise.all(workers)).toEqual([undefined, undefined])
})

type Step =
  | { readonly kind: 'add' | 'retry' | 'forget'; readonly key: Name }
  | { readonly kind: 'addAfter'; readonly key: Name; readonly ms: number }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'next' | 'done' }

const key = constantFrom<Name>('a', 'b', 'c')
const ms = integer({ min: 0, max: 50 })

const step: Arbitrary<Step> = oneof(
  record({ kind: constantFrom('add', 'retry', 'forget'), key }),
  record({ kind: constant('addAfter'), key, ms }),
  record({ kind: constant('advance'), ms }),
  record({ kind: constantFrom('next', 'done') }),
)

/** A queue, and beside it what is marked, what is delayed until when, and what runs. */
function driven() {
  const { clock, queue } = arrange()
  const running: Name[] = []
  const marked = new Set<Name>()
  const delayed = new Map<Name, number>()
  const failures = new Map<Name, number>()

  function addAfter(name: Name, delay: number) {
    if (delay <= 0) marked.add(name)
    else delayed.set(name, Math.min(delayed.get(name) ?? Number.POSITIVE_INFINITY, clock.now() + delay))
  }

  const act = {
    add({ key: name }: { readonly key: Name }) {
      marked.add(name)
      queue.add(name)
    },
    addAfter({ key: name, ms: delay }: { readonly key: Name; readonly ms: number }) {
      addAfter(name, delay)
      queue.addAfter(name, delay)
    },
    retry({ key: name }: { readonly key: Name }) {
      const count = failures.get(name) ?? 0
      failures.set(name, count + 1)
      addAfter(name, 5 * 2 ** count)
      queue.retry(name)
    },
    forget({ key: name }: { readonly key: Name }) {
      failures.delete(name)
      queue.forget(name)
    },
    advance({ ms: passing }: { readonly ms: number }) {
      clock.advance(passing)
      const due = [...delayed].filter(([, at]) => at <= clock.now())
      for (const [name] of due) {
        delayed.delete(name)
        marked.add(name)
      }
    },
    async next() {
      if (queue.depth === 0) return
      const name = await queue.next()
      expect(running).not.toContain(name)
      expect(marked).toContain(name)
      if (name === undefined) return
      marked.delete(name)
      running.push(name)
    },
    done() {
      const name = running.shift()
      if (name !== undefined) queue.done(name)
    },
  }
  const waiting = () => [...marked].filter((name) => !running.includes(name)).length
  return { queue, act, waiting }
}

type Act = ReturnType<typeof driven>['act']

async function take(act: Act, action: Step) {
  switch (action.kind) {
    case 'add':
    case 'retry':
    case 'forget':
      return act[action.kind](action)
    case 'addAfter':
      return act.addAfter(action)
    case 'advance':
      return act.advance(action)
    case 'next':
    case 'done':
      return act[action.kind]()
  }
}

test('whatever happens, no key runs twice at once and no mark is lost', async () => {
  await assert(
    asyncProperty(array(step, { maxLength: 100 }), async (steps) => {
      const { queue, act, waiting } = driven()
      for (const action of steps) {
        await take(act, action)
        expect(queue.depth).toBe(waiting())
      }
    }),
    { numRuns: 1000 },
  )
})

test('a key that is put off comes after all others, later ones too, and once', async () => {
  const { queue } = arrange()
  for (const name of ['a', 'b', 'a'] as const) queue.addLater(name)
  queue.add('c')
  queue.add('b')
  expect(queue.depth).toBe(3)
  expect([await queue.next(), await queue.next(), await queue.next()]).toEqual(['c', 'b', 'a'])
  expect(queue.depth).toBe(0)
})

test('a key that is put off is handed to a worker that waits, and while it runs only after it is done', async () => {
  const { queue } = arrange()
  const handed = queue.next()
  queue.addLater('a')
  expect(await handed).toBe('a')
  queue.addLater('a')
  expect(queue.depth).toBe(0)
  queue.done('a')
  expect(await queue.next()).toBe('a')
})

test('a key that is put off is dropped with the others when the queue is shut down', async () => {
  const { queue } = arrange()
  queue.addLater('a')
  await queue.shutdown()
  expect([queue.depth, await queue.next()]).toEqual([0, undefined])
})

test('all keys whose time has not come can be hastened', async () => {
  const { queue } = arrange()
  queue.addAfter('a', 60_000)
  queue.retry('b')
  queue.hasten()
  expect([await queue.next(), await queue.next()]).toEqual(['b', 'a'])
})
