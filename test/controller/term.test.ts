import { expect, test, vi } from 'vitest'
import { startTerm } from '../../src/controller/term.ts'
import { UnshownOutputs } from '../../src/controller/unshown-outputs.ts'
import { finalizer, type BindingKey } from '../../src/core/binding.ts'
import type { Clock } from '../../src/core/clock.ts'
import { decodeOutput } from '../../src/core/clusterspiffeid.ts'
import { Inventory } from '../../src/core/inventory.ts'
import type { Reply } from '../../src/core/objects.ts'
import { bindingResource, type Resource } from '../../src/core/resources.ts'
import { systemClock, systemTurns } from '../../src/kube/clock.ts'
import { createLog } from '../../src/log.ts'
import { confirmation } from '../../src/operator/live-reads.ts'
import { WorkingOut } from '../../src/operator/working-out.ts'
import { binding, clusterSpiffeId, inventoryOf, settings, upserted } from '../support/builders.ts'
import { manualClock } from '../support/manual-clock.ts'

test('a term ends although what decides about a binding is not known, and writes nothing', async () => {
  const log = createLog({ level: 'error', destination: { write: () => undefined } })
  const inventory = new Inventory(settings)
  inventory.apply({ kind: 'served', resource: bindingResource, served: true })
  inventory.apply(upserted(binding()))
  const workingOut = new WorkingOut({
    inventory,
    markLater: () => undefined,
    turns: systemTurns,
    clock: manualClock(),
    log,
  })
  // A list has been cut short, and the API server that would go on with it is gone.
  workingOut.mixed(bindingResource, true)
  const whenDecidable = vi.fn<WorkingOut['whenDecidable']>((...asked) => workingOut.whenDecidable(...asked))
  const calls: string[] = []
  const called = (): Promise<Reply> => {
    calls.push('called')
    return Promise.resolve({ kind: 'absent' })
  }
  const term = startTerm({
    inventory,
    objects: {
      get: called,
      create: called,
      replace: called,
      replaceStatus: called,
      mergePatch: called,
      remove: called,
    },
    unshown: new UnshownOutputs(),
    departures: { trustDomains: [], classNames: [] },
    mayWrite: () => true,
    hindrance: () => undefined,
    whenDecidable,
    confirming: () => () => Promise.resolve(true),
    isSchemaFresh: () => false,
    workers: 1,
    turns: systemTurns,
    clock: systemClock,
    instance: 'test',
    log,
    observe: { outcome: () => undefined, run: () => undefined, write: () => undefined },
  })
  await vi.waitUntil(() => whenDecidable.mock.calls.length > 0)
  await term.end()
  expect(calls).toEqual([])
})

const soon = { timeout: 20_000, interval: 5 }

type Busy = {
  readonly clock: Clock
  readonly answer: (call: string) => Promise<Reply>
  /** Whether they have outputs that have to go, since there is no pool. */
  readonly areToLose?: boolean
}

/** A term of 32 workers with so many bindings, and calls that are answered by one function. */
function startBusyTerm(count: number, { clock, answer, areToLose = false }: Busy) {
  const log = createLog({ level: 'error', destination: { write: () => undefined } })
  const names = Array.from({ length: count }, (_, index) => `chat-${index}`)
  const metadata = areToLose ? { finalizers: [finalizer] } : {}
  const inventory = inventoryOf(names.map((name) => binding({ name, metadata })))
  inventory.apply({ kind: 'served', resource: bindingResource, served: true })
  const unshown = new UnshownOutputs()
  const keys = names.map((name): BindingKey => `default/${name}`)
  if (areToLose)
    for (const key of keys) unshown.note(key, decodeOutput({ metadata: { name: key, uid: key } }))
  const called: string[] = []
  const call =
    (verb: string) =>
    ({ kind }: Resource): Promise<Reply> => {
      called.push(`${verb} ${kind}`)
      return answer(`${verb} ${kind}`)
    }
  const term = startTerm({
    inventory,
    objects: {
      get: call('get'),
      create: call('create'),
      replace: call('replace'),
      replaceStatus: call('replaceStatus'),
      mergePatch: call('mergePatch'),
      remove: call('remove'),
    },
    unshown,
    departures: { trustDomains: [], classNames: [] },
    mayWrite: () => true,
    hindrance: () => undefined,
    whenDecidable: () => undefined,
    confirming: (reads) => confirmation(inventory, reads),
    isSchemaFresh: () => false,
    workers: 32,
    turns: systemTurns,
    clock,
    instance: 'test',
    log,
    observe: { outcome: () => undefined, run: () => undefined, write: () => undefined },
  })
  return { term, called, inventory }
}

/** The output of a binding that SPIRE Controller Manager has not looked at. */
const unprocessed = (name: string) =>
  clusterSpiffeId(`kleym-default-${name}-pool-0123abcd`, {
    uid: `uid-of-${name}`,
    annotations: { 'kleym.sonda.red/binding': `default/${name}` },
  })

test('no more runs are under way than the budget allows, and the term ends all the same', async () => {
  const never = Promise.withResolvers<Reply>()
  // On a clock that stands still no call hangs for so long that another run may begin.
  const { term, called } = startBusyTerm(100, { clock: manualClock(), answer: () => never.promise })
  await vi.waitUntil(() => term.depth() > 0 && called.length >= term.runsAllowed(), soon)
  expect(term.runsAllowed()).toBeLessThan(32)
  for (let turn = 0; turn < 100; turn += 1) await systemTurns.next()
  expect(called.length).toBe(term.runsAllowed())
  never.resolve({ kind: 'absent' })
  await term.end()
})

test('reads that hang, of what a binding refers to, let others run meanwhile', async () => {
  const never = Promise.withResolvers<Reply>()
  const clock = manualClock()
  const { term, called } = startBusyTerm(100, { clock, answer: () => never.promise, areToLose: true })
  await vi.waitUntil(() => called.length >= term.runsAllowed(), soon)
  for (let turn = 0; turn < 100; turn += 1) await systemTurns.next()
  const before = called.length
  expect(new Set(called)).toStrictEqual(new Set(['get InferencePool', 'get InferenceObjective']))
  clock.advance(10_000)
  await vi.waitUntil(() => called.length > before, soon)
  never.resolve({ kind: 'failed', cause: 'no answer', retryAfterMs: undefined })
  await term.end()
})

test('what decides is read again only after the time that the API server asks for', async () => {
  const clock = manualClock()
  const busy = { kind: 'failed', cause: 'too many requests', code: 429, retryAfterMs: 5000 } as const
  const { term } = startBusyTerm(1, { clock, answer: () => Promise.resolve(busy), areToLose: true })
  await vi.waitFor(() => expect(clock.waits()).toStrictEqual([5000]), soon)
  await term.end()
})

test('a term that ends waits for the Event that it is posting, and posts no other', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  try {
    const clock = manualClock()
    const posted = Promise.withResolvers<Reply>()
    const { term, called, inventory } = startBusyTerm(2, {
      clock,
      answer: (call) =>
        call === 'create Event' ? posted.promise : Promise.resolve({ kind: 'done', object: {} }),
    })
    for (const name of ['chat-0', 'chat-1']) inventory.apply(upserted(unprocessed(name)))
    const events = (): number => called.filter((call) => call === 'create Event').length
    vi.advanceTimersByTime(5000)
    await systemTurns.next()
    clock.advance(60_000)
    vi.advanceTimersByTime(5000)
    await vi.waitUntil(() => events() === 1, soon)
    let isOver = false
    const ended = term.end().then(() => (isOver = true))
    for (let turn = 0; turn < 100; turn += 1) await systemTurns.next()
    expect(isOver).toBe(false)
    posted.resolve({ kind: 'absent' })
    await ended
    expect(events()).toBe(1)
  } finally {
    vi.useRealTimers()
  }
})

test('answers that come fast allow more runs', async () => {
  const { term } = startBusyTerm(1000, {
    clock: systemClock,
    answer: async () => {
      await systemTurns.next()
      return { kind: 'absent' }
    },
  })
  const first = term.runsAllowed()
  await vi.waitUntil(() => term.runsAllowed() > first, soon)
  await term.end()
})
