import { expect, test, vi } from 'vitest'
import { campaign } from '../../src/kube/lease.ts'
import { type ManualClock, manualClock } from '../support/manual-clock.ts'
import { type Exchange, type Scripted, soon, startScripted, status } from './scripted.ts'

type Fields = Readonly<Record<string, unknown>>
type Lease = { readonly metadata: Fields; readonly spec: Fields; readonly [field: string]: unknown }
type Verdict = 'answer' | 'refuse' | 'hang' | 'reset' | 'answer but reset'

const answerAll = (): Verdict => 'answer'

/** The API server as far as one Lease goes, with its optimistic locking. */
function leaseServer(server: Scripted) {
  let version = 0
  let lease: Lease | undefined
  let rule: (request: Exchange) => Verdict = answerAll
  const requests: string[] = []
  const hanging: Exchange[] = []

  function put(next: Fields): Lease {
    version += 1
    const metadata = { name: 'leader', namespace: 'home', ...asFields(next['metadata']) }
    lease = {
      ...next,
      metadata: { ...metadata, uid: 'lease-uid', resourceVersion: String(version) },
      spec: asFields(next['spec']),
    }
    return lease
  }

  function decide(request: Exchange): readonly [number, object] {
    const body = asFields(request.body)
    const { resourceVersion } = asFields(body['metadata'])
    if (request.method === 'POST') return lease ? [409, status(409, 'AlreadyExists')] : [201, put(body)]
    if (!lease) return [404, status(404, 'NotFound')]
    if (request.method === 'GET') return [200, lease]
    return resourceVersion === lease.metadata['resourceVersion']
      ? [200, put(body)]
      : [409, status(409, 'Conflict')]
  }

  function serve(request: Exchange): void {
    requests.push(request.method)
    const verdict = rule(request)
    if (verdict === 'hang') return void hanging.push(request)
    if (verdict === 'refuse') return request.answer(500, status(500, 'InternalError'))
    if (verdict === 'reset') return request.reset()
    const [code, answer] = decide(request)
    if (verdict === 'answer but reset') request.reset()
    else request.answer(code, answer)
  }

  async function run(): Promise<never> {
    for (;;) serve(await server.next())
  }
  void run()

  return {
    requests,
    spec: () => lease?.spec,
    lease: () => lease,
    /** Somebody else writes the Lease. */
    holds: (holder: string, extra: Fields = {}) =>
      put({
        ...lease,
        spec: { holderIdentity: holder, leaseDurationSeconds: 15, leaseTransitions: 7, ...extra },
      }),
    edits: (metadata: Fields) => put({ ...lease, metadata: { ...lease?.metadata, ...metadata } }),
    removes: () => (lease = undefined),
    will: (next: (request: Exchange) => Verdict) => (rule = next),
    answersWhatHangs() {
      for (const request of hanging.splice(0)) request.answer(...decide(request))
    },
    hanging: () => hanging.length,
  }
}

const asFields = (value: unknown): Fields => (typeof value === 'object' && value !== null ? { ...value } : {})

async function arrange(before: (api: ReturnType<typeof leaseServer>) => unknown = () => {}) {
  await using stack = new AsyncDisposableStack()
  const server = stack.use(await startScripted())
  const api = leaseServer(server)
  before(api)
  const own = stack.move()

  function stands(identity: string, clock: ManualClock = manualClock()) {
    let terms = 0
    let ended = 0
    const standing = campaign({
      client: server.client(),
      namespace: 'home',
      name: 'leader',
      identity,
      onStartedLeading: () => void (terms += 1),
      onStoppedLeading: () => void (ended += 1),
      clock,
      random: () => 0,
    })
    own.defer(async () => {
      api.will(answerAll)
      api.answersWhatHangs()
      await standing.stop(Promise.resolve())
    })
    /** Waits until nothing is under way but the pause before the next attempt. */
    const pauses = () => vi.waitUntil(() => clock.waits()[0] === 2000, soon)
    return {
      isLeading: standing.isLeading,
      stop: standing.stop,
      holder: () => standing.holder,
      clock,
      terms: () => terms,
      ended: () => ended,
      pauses,
      /** The pause is over, and so is the attempt after it. */
      async tries() {
        await pauses()
        clock.advance(2000)
        await pauses()
      },
    }
  }
  return { api, stands, [Symbol.asyncDispose]: () => own.disposeAsync() }
}

test('a Lease that is absent is created and held', async () => {
  await using rig = await arrange()
  const me = rig.stands('me')
  await me.pauses()
  expect(me.isLeading()).toBe(true)
  expect(me.terms()).toBe(1)
  expect(rig.api.spec()).toEqual({
    holderIdentity: 'me',
    leaseDurationSeconds: 15,
    acquireTime: '2026-01-01T00:00:00.000000Z',
    renewTime: '2026-01-01T00:00:00.000000Z',
    leaseTransitions: 0,
  })
})

test('a Lease that nobody holds is taken at once, and what else it has is kept', async () => {
  await using rig = await arrange((api) => {
    api.holds('', { strategy: 'OldestEmulationVersion' })
    api.edits({ labels: { theirs: 'kept' } })
  })
  const me = rig.stands('me')
  await me.pauses()
  expect(me.isLeading()).toBe(true)
  expect(rig.api.lease()?.metadata['labels']).toEqual({ theirs: 'kept' })
  expect(rig.api.spec()).toMatchObject({
    holderIdentity: 'me',
    leaseTransitions: 8,
    strategy: 'OldestEmulationVersion',
  })
})

test.for([
  ['the past', '1999-01-01T00:00:00.000000Z'],
  ['the future', '2099-01-01T00:00:00.000000Z'],
] as const)(
  'a Lease last renewed in %s by its holder is taken 15 s after it was seen to stand still',
  async ([, renewTime]) => {
    await using rig = await arrange((api) => api.holds('other', { renewTime }))
    const me = rig.stands('me')
    for (let seconds = 0; seconds < 14; seconds += 2) {
      await me.tries()
      expect(me.isLeading()).toBe(false)
    }
    expect(me.holder()).toBe('other')
    await me.tries()
    expect(me.isLeading()).toBe(true)
    expect(me.clock.now()).toBe(16_000)
    expect(rig.api.requests.filter((method) => method !== 'GET')).toEqual(['PUT'])
  },
)

test('a Lease that is renewed is left alone, one that is only labelled is not', async () => {
  await using rig = await arrange((api) => api.holds('other'))
  const me = rig.stands('me')
  for (let renewal = 0; renewal < 12; renewal += 1) {
    rig.api.holds('other', { renewTime: String(renewal) })
    await me.tries()
  }
  expect(me.isLeading()).toBe(false)
  for (let edit = 0; edit < 8; edit += 1) {
    rig.api.edits({ labels: { edit: String(edit) } })
    await me.tries()
  }
  expect(me.isLeading()).toBe(true)
})

test('the holder renews every 2 s with a single request and changes nothing but the time', async () => {
  await using rig = await arrange()
  const me = rig.stands('me')
  await me.pauses()
  const taken = rig.api.spec()
  for (let renewal = 0; renewal < 3; renewal += 1) await me.tries()
  expect(rig.api.requests).toEqual(['GET', 'POST', 'PUT', 'PUT', 'PUT'])
  expect(rig.api.spec()).toEqual({ ...taken, renewTime: '2026-01-01T00:00:06.000000Z' })
  expect(me.terms()).toBe(1)
})

test('a label that someone adds, and a Lease that someone deletes, cost no leadership', async () => {
  await using rig = await arrange()
  const me = rig.stands('me')
  await me.pauses()
  rig.api.edits({ labels: { theirs: 'kept' } })
  await me.tries()
  expect(rig.api.lease()?.metadata['labels']).toEqual({ theirs: 'kept' })
  rig.api.removes()
  await me.tries()
  expect(rig.api.spec()).toMatchObject({ holderIdentity: 'me' })
  expect([me.isLeading(), me.terms(), me.ended()]).toEqual([true, 1, 0])
})

test('a renewal whose answer was lost is a renewal', async () => {
  await using rig = await arrange()
  const me = rig.stands('me')
  await me.pauses()
  rig.api.will(() => 'answer but reset')
  await me.tries()
  rig.api.will(answerAll)
  await me.tries()
  expect([me.isLeading(), me.terms()]).toEqual([true, 1])
})

test.for(['refuse', 'reset'] as const)(
  'renewals that fail by %s end the term 10 s after the last one',
  async (failure) => {
    await using rig = await arrange()
    const me = rig.stands('me')
    await me.pauses()
    rig.api.will(() => failure)
    for (let seconds = 2; seconds < 10; seconds += 2) {
      await me.tries()
      expect(me.isLeading()).toBe(true)
    }
    me.clock.advance(1999)
    expect(me.isLeading()).toBe(true)
    me.clock.advance(1)
    expect(me.isLeading()).toBe(false)
    await expect.poll(me.ended, soon).toBe(1)
  },
)

test('a term ends at its deadline, though the next try would come later', async () => {
  await using rig = await arrange()
  const me = rig.stands('me')
  await me.pauses()
  rig.api.will(() => 'refuse')
  me.clock.freeze(2500)
  me.clock.advance(0)
  for (let seconds = 2.5; seconds < 6; seconds += 2) await me.tries()
  me.clock.advance(2000)
  await vi.waitUntil(() => me.clock.waits()[0] === 1500, soon)
  expect(me.ended()).toBe(0)
  me.clock.advance(1500)
  await expect.poll(me.ended, soon).toBe(1)
})

test('who lost a term stands again, in a term of its own', async () => {
  await using rig = await arrange()
  const me = rig.stands('me')
  await me.pauses()
  rig.api.holds('thief')
  await me.tries()
  expect([me.isLeading(), me.holder(), me.ended()]).toEqual([false, 'thief', 1])
  rig.api.holds('')
  await me.tries()
  expect([me.isLeading(), me.terms()]).toEqual([true, 2])
})

test('a term ends at its deadline while the request that should renew it hangs, and a late answer revives nothing', async () => {
  await using rig = await arrange()
  const me = rig.stands('me')
  await me.pauses()
  rig.api.will(() => 'hang')
  me.clock.advance(2000)
  await vi.waitUntil(() => rig.api.hanging() === 1, soon)
  me.clock.freeze(8000)
  expect(me.isLeading()).toBe(false)
  rig.api.answersWhatHangs()
  await expect.poll(me.ended, soon).toBe(1)
  expect([me.isLeading(), me.terms()]).toEqual([false, 1])
})

test('a process that was frozen leads no longer, before any timer has told it', async () => {
  await using rig = await arrange()
  const me = rig.stands('me')
  await me.pauses()
  me.clock.freeze(9999)
  expect(me.isLeading()).toBe(true)
  me.clock.freeze(1)
  expect([me.isLeading(), me.ended()]).toEqual([false, 0])
  me.clock.advance(0)
  await expect.poll(me.ended, soon).toBe(1)
})

test('a term counts from before the request that won it', async () => {
  await using rig = await arrange((api) => api.will(({ method }) => (method === 'POST' ? 'hang' : 'answer')))
  const me = rig.stands('me')
  await vi.waitUntil(() => rig.api.hanging() === 1, soon)
  me.clock.advance(4000)
  rig.api.answersWhatHangs()
  await me.pauses()
  expect(me.isLeading()).toBe(true)
  me.clock.freeze(6000)
  expect(me.isLeading()).toBe(false)
})

test('a renewal counts from before its request too', async () => {
  await using rig = await arrange()
  const me = rig.stands('me')
  await me.pauses()
  rig.api.will(() => 'hang')
  me.clock.advance(2000)
  await vi.waitUntil(() => rig.api.hanging() === 1, soon)
  me.clock.advance(4000)
  rig.api.answersWhatHangs()
  await me.pauses()
  me.clock.freeze(5999)
  expect(me.isLeading()).toBe(true)
  me.clock.freeze(1)
  expect(me.isLeading()).toBe(false)
})

test('of two candidates one leads, and the other takes over once the first is silent', async () => {
  await using rig = await arrange()
  const [mine, theirs] = [manualClock(), manualClock()]
  const me = rig.stands('me', mine)
  await me.pauses()
  const they = rig.stands('they', theirs)
  await they.pauses()
  expect([me.isLeading(), they.isLeading()]).toEqual([true, false])
  rig.api.will(({ body }) =>
    asFields(asFields(body)['spec'])['holderIdentity'] === 'me' ? 'reset' : 'answer',
  )
  const takeovers: number[] = []
  for (let seconds = 2; seconds <= 16; seconds += 2) {
    mine.advance(2000)
    theirs.advance(2000)
    await they.pauses()
    expect(me.isLeading() && they.isLeading()).toBe(false)
    if (they.isLeading()) takeovers.push(seconds)
  }
  expect(takeovers).toEqual([16])
})

test('a stop keeps the Lease until all is drained, and then gives it back', async () => {
  await using rig = await arrange()
  const me = rig.stands('me')
  await me.pauses()
  const drained = Promise.withResolvers<void>()
  const stopping = me.stop(drained.promise)
  expect([me.isLeading(), me.ended()]).toEqual([true, 0])
  for (let renewal = 0; renewal < 8; renewal += 1) await me.tries()
  expect([me.isLeading(), me.ended()]).toEqual([true, 0])
  drained.resolve()
  await stopping
  expect([me.isLeading(), me.ended()]).toEqual([false, 1])
  expect(rig.api.spec()).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1, leaseTransitions: 0 })
  const they = rig.stands('they')
  await they.pauses()
  expect(they.isLeading()).toBe(true)
})

test('a Lease is given back although a renewal was lost or a label was added on the way', async () => {
  await using rig = await arrange()
  const me = rig.stands('me')
  await me.pauses()
  rig.api.edits({ labels: { theirs: 'kept' } })
  await me.stop(Promise.reject(new Error('drained badly')))
  expect(rig.api.spec()).toMatchObject({ holderIdentity: '' })
  expect(rig.api.lease()?.metadata['labels']).toEqual({ theirs: 'kept' })
})

test('a candidate that stops leaves the Lease to its holder', async () => {
  await using rig = await arrange((api) => api.holds('other'))
  const me = rig.stands('me')
  await me.pauses()
  await me.stop(Promise.resolve())
  expect(rig.api.spec()).toMatchObject({ holderIdentity: 'other' })
  expect([me.terms(), me.ended()]).toEqual([0, 0])
})

test('a Lease that is won while stopping is given back without a term', async () => {
  await using rig = await arrange((api) => api.will(({ method }) => (method === 'POST' ? 'hang' : 'answer')))
  const me = rig.stands('me')
  await vi.waitUntil(() => rig.api.hanging() === 1, soon)
  const stopping = me.stop(Promise.resolve())
  rig.api.answersWhatHangs()
  await stopping
  expect(rig.api.spec()).toMatchObject({ holderIdentity: '' })
  expect(me.terms()).toBe(0)
})
