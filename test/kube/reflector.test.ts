import { expect, test, vi } from 'vitest'
import { bindingResource } from '../../src/core/resources.ts'
import { type KubeObject, Reflector, type ReflectorOptions } from '../../src/kube/reflector.ts'
import { manualClock } from '../support/manual-clock.ts'
import { type Exchange, soon, startScripted, status } from './scripted.ts'

const object = (name: string, resourceVersion: number, uid: string = `uid-${name}`): KubeObject => ({
  metadata: { namespace: 'ns', name, uid, resourceVersion: String(resourceVersion) },
})

const list = (version: number, items: readonly unknown[], token?: string) => ({
  kind: 'List',
  metadata: { resourceVersion: String(version), ...(token !== undefined && { continue: token }) },
  items,
})

/** A reflector against a scripted server, and all that its handler was told, in order. */
async function arrange(options: Partial<ReflectorOptions> = {}) {
  await using stack = new AsyncDisposableStack()
  const server = stack.use(await startScripted())
  const clock = manualClock()
  const told: string[] = []
  const said: string[] = []
  const objects: KubeObject[] = []
  const handler = {
    upserted(seen: KubeObject) {
      told.push(`${seen.metadata.name}@${seen.metadata.resourceVersion}`)
      objects.push(seen)
    },
    removed: ({
      namespace,
      name,
      uid,
    }: {
      readonly namespace: string
      readonly name: string
      readonly uid: string
    }) => void told.push(`-${namespace}/${name}/${uid}`),
    synced: () => void told.push('synced'),
  }
  const say = (_: object, message: string) => void said.push(message)
  const reflector = new Reflector({
    client: server.client(),
    resource: bindingResource,
    handler,
    clock,
    random: () => 0,
    log: { debug: () => {}, info: say, warn: say, error: say },
    ...options,
    // No request but those that a test is about.
    timings: { nudgeMs: Number.POSITIVE_INFINITY, ...options.timings },
  })
  stack.defer(() => reflector.stop())
  reflector.start()

  const own = stack.move()
  /** Waits until the reflector pauses, lets that time pass and says how long it was. */
  const backsOff = () =>
    vi.waitFor(() => {
      const [ms = Number.POSITIVE_INFINITY, ...others] = clock.waits()
      expect([ms <= 30_000, others]).toEqual([true, []])
      clock.advance(ms)
      return ms
    }, soon)
  return {
    server,
    clock,
    told,
    said,
    objects,
    reflector,
    backsOff,
    /** Answers the next request, which must be a list. */
    async lists(version: number, items: readonly unknown[], token?: string) {
      const request = await server.next()
      expect(request.query['watch']).toBeUndefined()
      request.answer(200, list(version, items, token))
      return request
    },
    /** The next request, which must be a watch from this version. */
    async watches(version: number) {
      const request = await server.next()
      expect(request.query).toMatchObject({ watch: 'true', resourceVersion: String(version) })
      return request
    },
    [Symbol.asyncDispose]: () => own.disposeAsync(),
  }
}

const bookmark = (request: Exchange, version: number) =>
  request.event('BOOKMARK', { metadata: { resourceVersion: String(version) } })

test('a list is read page by page at the most recent version, and told only when it is complete', async () => {
  await using rig = await arrange({ timings: { pageSize: 2 } })
  const first = await rig.lists(5, [object('a', 1), object('b', 2)], 'more')
  expect(first.query).toEqual({ limit: '2' })
  const second = await rig.server.next()
  expect(second.query).toEqual({ limit: '2', continue: 'more' })
  expect(rig.told).toEqual([])
  expect(rig.reflector.synced).toBe(false)
  second.answer(200, list(5, [object('c', 3)]))
  await expect.poll(() => rig.told, soon).toEqual(['a@1', 'b@2', 'c@3', 'synced'])
  expect(rig.reflector.synced).toBe(true)
  await rig.watches(5)
})

test('namespace and selectors restrict both list and watch', async () => {
  await using rig = await arrange({
    namespace: 'home',
    labelSelector: 'a=b',
    fieldSelector: 'metadata.name=x',
  })
  const selectors = { labelSelector: 'a=b', fieldSelector: 'metadata.name=x' }
  const path = '/apis/kleym.sonda.red/v1alpha1/namespaces/home/inferenceidentitybindings'
  expect(await rig.lists(1, [])).toMatchObject({ path, query: selectors })
  expect(await rig.watches(1)).toMatchObject({ path, query: selectors })
})

test('a watch asks for bookmarks and for an end after 300 to 600 seconds', async () => {
  await using rig = await arrange({ random: () => 0.5 })
  await rig.lists(1, [])
  expect((await rig.watches(1)).query).toMatchObject({ allowWatchBookmarks: 'true', timeoutSeconds: '450' })
})

const bulky = (name: string) => ({
  ...object(name, 1),
  metadata: {
    ...object(name, 1).metadata,
    managedFields: [{ manager: 'kubectl' }],
    annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}', mine: 'kept' },
  },
  spec: { kept: true },
})

test('what nobody reads is dropped on the way in, from lists and from watches', async () => {
  await using rig = await arrange()
  await rig.lists(1, [bulky('a')])
  ;(await rig.watches(1)).event('ADDED', bulky('b'))
  await expect.poll(() => rig.told, soon).toEqual(['a@1', 'synced', 'b@1'])
  for (const { metadata, ...rest } of rig.objects) {
    expect(Object.keys(metadata)).not.toContain('managedFields')
    expect(metadata['annotations']).toEqual({ mine: 'kept' })
    expect(rest).toEqual({ spec: { kept: true } })
  }
})

test('events are told in their order', async () => {
  await using rig = await arrange()
  await rig.lists(1, [object('a', 1)])
  const watch = await rig.watches(1)
  watch.event('ADDED', object('b', 2))
  watch.event('MODIFIED', object('a', 3))
  watch.event('DELETED', object('b', 4))
  watch.event('DELETED', object('never-seen', 5))
  await expect.poll(() => rig.told, soon).toEqual(['a@1', 'synced', 'b@2', 'a@3', '-ns/b/uid-b'])
})

test('what a watch repeats is told once', async () => {
  await using rig = await arrange()
  await rig.lists(1, [object('a', 1)])
  const watch = await rig.watches(1)
  watch.event('ADDED', object('a', 1))
  watch.event('MODIFIED', object('a', 2))
  watch.event('MODIFIED', object('a', 2))
  watch.event('ADDED', object('b', 3))
  await expect.poll(() => rig.told, soon).toEqual(['a@1', 'synced', 'a@2', 'b@3'])
})

test('a clean end resumes at once at the last version, that of a bookmark too, without a list', async () => {
  await using rig = await arrange()
  await rig.lists(1, [])
  const first = await rig.watches(1)
  first.event('ADDED', object('a', 4))
  first.end()
  const second = await rig.watches(4)
  bookmark(second, 90)
  second.end()
  await rig.watches(90)
  expect(rig.reflector.restarts).toBe(0)
  await expect.poll(() => rig.told, soon).toEqual(['synced', 'a@4'])
})

test('a watch that ends at once and without an event backs off, so that a broken proxy is not hammered', async () => {
  await using rig = await arrange()
  await rig.lists(1, [])
  const watch = await rig.watches(1)
  watch.write('')
  watch.end()
  await expect(rig.backsOff()).resolves.toBe(800)
  await rig.watches(1)
})

test.for([
  ['in the answer', (request: Exchange) => request.answer(410, status(410, 'Expired'))],
  ['in the stream', (request: Exchange) => request.event('ERROR', status(410, 'Gone'))],
] as const)(
  'a version that has expired %s is followed by a list, of which only news is told',
  async ([, expire]) => {
    await using rig = await arrange()
    await rig.lists(1, [object('same', 1), object('changed', 1), object('gone', 1), object('reborn', 1)])
    expire(await rig.watches(1))
    await rig.lists(9, [
      object('same', 1),
      object('changed', 8),
      object('new', 7),
      object('reborn', 6, 'other'),
    ])
    const before = ['same@1', 'changed@1', 'gone@1', 'reborn@1', 'synced']
    const news = ['-ns/gone/uid-gone', '-ns/reborn/uid-reborn', 'changed@8', 'new@7', 'reborn@6']
    await expect.poll(() => rig.told, soon).toEqual([...before, ...news])
    await rig.watches(9)
  },
)

test('versions that go on expiring are listed ever more slowly', async () => {
  await using rig = await arrange()
  await rig.lists(1, [])
  ;(await rig.watches(1)).answer(410, status(410, 'Expired'))
  await rig.lists(2, [])
  ;(await rig.watches(2)).answer(410, status(410, 'Expired'))
  await expect(rig.backsOff()).resolves.toBe(1600)
  await rig.lists(3, [])
  await rig.watches(3)
})

test('a continue token that expired starts the list again, and what it had read is not told', async () => {
  await using rig = await arrange()
  await rig.lists(1, [object('a', 1)], 'more')
  ;(await rig.server.next()).answer(410, status(410, 'Expired'))
  const again = await rig.lists(2, [object('b', 1)])
  expect(again.query['continue']).toBeUndefined()
  await expect.poll(() => rig.told, soon).toEqual(['b@1', 'synced'])
})

test('a list that fails between its pages leaves everything as it was', async () => {
  await using rig = await arrange()
  await rig.lists(1, [object('a', 1), object('b', 1)])
  ;(await rig.watches(1)).answer(410, status(410, 'Expired'))
  await rig.lists(2, [object('a', 1)], 'more')
  ;(await rig.server.next()).reset()
  await expect(rig.backsOff()).resolves.toBe(1600)
  expect(rig.told).toEqual(['a@1', 'b@1', 'synced'])
  expect(rig.reflector.synced).toBe(true)
})

test('a refused list is asked for again, from 0.8 s doubling to 30 s', async () => {
  await using rig = await arrange()
  for (const wait of [800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]) {
    ;(await rig.server.next()).answer(500, status(500, 'InternalError'))
    await expect(rig.backsOff()).resolves.toBe(wait)
  }
  await rig.lists(1, [])
  await expect.poll(() => rig.told, soon).toEqual(['synced'])
  expect(rig.reflector.restarts).toBe(8)
})

test('back-off is spread by chance', async () => {
  await using rig = await arrange({ random: () => 0.5 })
  ;(await rig.server.next()).answer(503, 'down')
  await expect(rig.backsOff()).resolves.toBe(1200)
})

test('Retry-After is honoured by list and watch', async () => {
  await using rig = await arrange()
  ;(await rig.server.next()).answer(429, status(429, 'TooManyRequests'), { 'retry-after': '7' })
  await expect(rig.backsOff()).resolves.toBe(7000)
  await rig.lists(1, [])
  ;(await rig.watches(1)).answer(429, status(429, 'TooManyRequests'), { 'retry-after': '5' })
  await expect(rig.backsOff()).resolves.toBe(5000)
  await rig.watches(1)
})

test.for([
  ['500 in the answer', (request: Exchange) => request.answer(500, status(500, 'InternalError'))],
  ['500 in the stream', (request: Exchange) => request.event('ERROR', status(500, 'InternalError'))],
  ['403', (request: Exchange) => request.answer(403, status(403, 'Forbidden'))],
  ['404', (request: Exchange) => request.answer(404, '404 page not found')],
  ['a reset', (request: Exchange) => request.reset()],
  ['a reset in mid-stream', (request: Exchange) => (request.write('{"type":"ADD'), request.reset())],
  ['half a line', (request: Exchange) => (request.write('{"type":"ADD'), request.end())],
  ['what is no JSON', (request: Exchange) => (request.write('<html>\n'), request.end())],
] as const)('a watch that ends with %s goes on at the last version after a pause', async ([, fail]) => {
  await using rig = await arrange()
  await rig.lists(1, [object('a', 1)])
  fail(await rig.watches(1))
  await expect(rig.backsOff()).resolves.toBe(800)
  const watch = await rig.watches(1)
  watch.event('MODIFIED', object('a', 2))
  await expect.poll(() => rig.told, soon).toEqual(['a@1', 'synced', 'a@2'])
})

test('a watch that goes on failing without a word is followed by a list', async () => {
  await using rig = await arrange()
  await rig.lists(1, [object('a', 1)])
  for (const wait of [800, 1600, 3200, 6400, 12_800]) {
    ;(await rig.watches(1)).reset()
    await expect(rig.backsOff()).resolves.toBe(wait)
  }
  ;(await rig.watches(1)).reset()
  await expect(rig.backsOff()).resolves.toBe(25_600)
  await rig.lists(3, [object('a', 2)])
  await expect.poll(() => rig.told, soon).toEqual(['a@1', 'synced', 'a@2'])
})

test('a watch that was open for as long as it was waited for begins to back off anew, though it brought nothing', async () => {
  await using rig = await arrange()
  await rig.lists(1, [])
  for (const wait of [800, 1600]) {
    ;(await rig.watches(1)).reset()
    await expect(rig.backsOff()).resolves.toBe(wait)
  }
  for (const [lasted, wait] of [
    [1599, 3200],
    [3200, 800],
  ] as const) {
    const watch = await rig.watches(1)
    const before = rig.said.length
    watch.write('{}\n')
    await expect.poll(() => rig.said.length, soon).toBeGreaterThan(before)
    rig.clock.advance(lasted)
    watch.reset()
    await expect(rig.backsOff()).resolves.toBe(wait)
  }
})

test('a watch that is silent for 75 s is followed by a list, and nothing is said of it where nothing was missed', async () => {
  await using rig = await arrange()
  await rig.lists(1, [object('a', 1)])
  const watch = await rig.watches(1)
  watch.event('MODIFIED', object('a', 2))
  await expect.poll(() => rig.told, soon).toEqual(['a@1', 'synced', 'a@2'])
  rig.clock.advance(74_999)
  bookmark(watch, 3)
  await expect.poll(() => rig.clock.waits(), soon).toEqual([75_000])
  rig.clock.advance(75_000)
  await watch.closed
  await rig.lists(4, [object('a', 2)])
  await rig.watches(4)
  expect(rig.said).toEqual([])
  expect(rig.reflector.restarts).toBe(0)
})

test('what a silent watch kept to itself is told by the list, and that it did', async () => {
  await using rig = await arrange()
  await rig.lists(1, [object('a', 1), object('b', 1)])
  const watch = await rig.watches(1)
  const { lastContact } = rig.reflector
  rig.clock.advance(1)
  bookmark(watch, 2)
  await expect.poll(() => rig.reflector.lastContact, soon).toBeGreaterThan(lastContact)
  rig.clock.advance(75_000)
  await watch.closed
  await rig.lists(4, [object('a', 2)])
  await expect.poll(() => rig.told.slice(3), soon).toEqual(['-ns/b/uid-b', 'a@2'])
  expect(rig.said).toEqual(['a watch had fallen silent, and is replaced'])
  expect(rig.reflector.restarts).toBe(1)
})

test('after 30 s of silence one object is listed, so that the next bookmark is a newer one', async () => {
  await using rig = await arrange({ timings: { nudgeMs: 30_000 }, labelSelector: 'a=b' })
  await rig.lists(1, [object('a', 1)])
  const watch = await rig.watches(1)
  await expect.poll(() => rig.clock.waits(), soon).toEqual([30_000])
  rig.clock.advance(30_000)
  const nudge = await rig.lists(9, [object('unseen', 9)])
  expect(nudge.query).toEqual({ labelSelector: 'a=b', limit: '1' })
  expect(rig.clock.waits()).toContain(45_000)
  bookmark(watch, 9)
  await expect.poll(() => rig.clock.waits(), soon).toEqual([30_000])
  watch.end()
  await rig.watches(9)
  expect(rig.told).toEqual(['a@1', 'synced'])
})

test('watches that end cleanly but never say a word are followed by a list', async () => {
  await using rig = await arrange()
  await rig.lists(1, [object('a', 1)])
  for (let count = 0; count < 2; count += 1) {
    const watch = await rig.watches(1)
    rig.clock.advance(50_000)
    watch.end()
  }
  await rig.lists(3, [])
  await expect.poll(() => rig.told, soon).toEqual(['a@1', 'synced', '-ns/a/uid-a'])
})

test('a watch whose answer never begins is cut off too', async () => {
  await using rig = await arrange()
  await rig.lists(1, [])
  const watch = await rig.watches(1)
  rig.clock.advance(75_000)
  await watch.closed
  await expect(rig.backsOff()).resolves.toBe(800)
  await rig.lists(1, [])
})

test('an object with another uid is removed and added', async () => {
  await using rig = await arrange()
  await rig.lists(1, [object('a', 1)])
  const watch = await rig.watches(1)
  watch.event('MODIFIED', object('a', 2, 'other'))
  await expect.poll(() => rig.told, soon).toEqual(['a@1', 'synced', '-ns/a/uid-a', 'a@2'])
  watch.event('DELETED', object('a', 3, 'other'))
  await expect.poll(() => rig.told, soon).toEqual(['a@1', 'synced', '-ns/a/uid-a', 'a@2', '-ns/a/other'])
})

test('an object without a namespace is reported with an empty one', async () => {
  await using rig = await arrange()
  const { namespace: _namespace, ...metadata } = object('a', 1).metadata
  await rig.lists(1, [{ metadata }])
  ;(await rig.watches(1)).event('DELETED', { metadata })
  await expect.poll(() => rig.told, soon).toEqual(['a@1', 'synced', '-/a/uid-a'])
})

test('a handler that throws ends nothing', async () => {
  const calls: string[] = []
  const fail = (call: string) => {
    calls.push(call)
    throw new Error(call)
  }
  const handler = {
    upserted: () => fail('upserted'),
    removed: () => fail('removed'),
    synced: () => fail('synced'),
  }
  await using rig = await arrange({ handler })
  await rig.lists(1, [object('a', 1), object('b', 1)])
  const watch = await rig.watches(1)
  watch.event('DELETED', object('a', 2))
  watch.event('ADDED', object('c', 3))
  await expect.poll(() => calls, soon).toEqual(['upserted', 'upserted', 'synced', 'removed', 'upserted'])
  watch.end()
  await rig.watches(3)
  expect(rig.reflector.restarts).toBe(0)
})

test('what is no object is passed over, what is no list is asked for again', async () => {
  await using rig = await arrange()
  ;(await rig.server.next()).answer(200, { kind: 'Table' })
  await expect(rig.backsOff()).resolves.toBe(800)
  await rig.lists(1, [{ metadata: { name: 'no-uid' } }, null, object('a', 1)])
  const watch = await rig.watches(1)
  for (const type of ['ADDED', 'SOMETHING']) watch.event(type, { metadata: { resourceVersion: '2' } })
  watch.write('[]\n')
  watch.event('ADDED', object('b', 3))
  await expect.poll(() => rig.told, soon).toEqual(['a@1', 'synced', 'b@3'])
})

const reduce = (seen: KubeObject) => (seen['drop'] === true ? undefined : { metadata: seen.metadata })

test('what reduce drops is not told, and is removed once it is dropped', async () => {
  await using rig = await arrange({ reduce })
  await rig.lists(1, [
    { ...object('a', 1), drop: true },
    { ...object('b', 1), bulk: 'x' },
  ])
  ;(await rig.watches(1)).event('MODIFIED', { ...object('b', 2), drop: true })
  await expect.poll(() => rig.told, soon).toEqual(['b@1', 'synced', '-ns/b/uid-b'])
  expect(rig.objects).toEqual([{ metadata: object('b', 1).metadata }])
})

test('contact is a complete list, an event or a bookmark, and nothing less', async () => {
  await using rig = await arrange()
  expect(rig.reflector.lastContact).toBe(Number.NEGATIVE_INFINITY)
  rig.clock.advance(10)
  await rig.lists(1, [], 'more')
  await rig.server.next().then((request) => request.reset())
  await expect(rig.backsOff()).resolves.toBe(800)
  expect(rig.reflector.lastContact).toBe(Number.NEGATIVE_INFINITY)
  await rig.lists(1, [])
  const watch = await rig.watches(1)
  expect(rig.reflector.lastContact).toBe(810)
  rig.clock.advance(90)
  watch.write('\n')
  expect(rig.reflector.lastContact).toBe(810)
  bookmark(watch, 2)
  await expect.poll(() => rig.reflector.lastContact, soon).toBe(900)
})

test('a list is as old as its first request', async () => {
  await using rig = await arrange()
  const first = await rig.lists(1, [], 'more')
  const second = await rig.server.next()
  rig.clock.advance(7000)
  second.answer(200, list(1, []))
  await rig.watches(1)
  expect(first.query['continue']).toBeUndefined()
  expect([rig.reflector.lastContact, rig.clock.now()]).toEqual([0, 7000])
})

test('the same failure is said once, and so is its end', async () => {
  await using rig = await arrange()
  for (const wait of [800, 1600, 3200]) {
    ;(await rig.server.next()).answer(403, status(403, 'Forbidden'))
    await expect(rig.backsOff()).resolves.toBe(wait)
  }
  await rig.lists(1, [])
  const watch = await rig.watches(1)
  bookmark(watch, 2)
  await expect
    .poll(() => rig.said, soon)
    .toEqual(['listing or watching failed, trying again', 'watching again'])
})

test('a failure that lasts is said again every five minutes', async () => {
  await using rig = await arrange()
  const saidAt: number[] = []
  while (rig.clock.now() < 650_000) {
    ;(await rig.server.next()).answer(403, status(403, 'Forbidden'))
    const [before, since] = [rig.said.length, rig.clock.now()]
    await rig.backsOff()
    if (rig.said.length > before) saidAt.push(since)
  }
  expect(saidAt.map((ms) => Math.floor(ms / 300_000))).toEqual([0, 1, 2])
})

test.for([
  ['a list', () => {}],
  ['a pause', (request: Exchange) => request.answer(500, '')],
  ['a watch', (request: Exchange) => request.answer(200, list(1, []))],
] as const)('a stop ends %s, and nothing is told any more', async ([during, answer]) => {
  await using rig = await arrange()
  answer(await rig.server.next())
  if (during === 'a pause') await vi.waitUntil(() => rig.clock.waits().length > 0, soon)
  if (during === 'a watch') (await rig.watches(1)).write('\n')
  await rig.reflector.stop()
  await rig.reflector.stop()
  expect(rig.clock.waits()).toEqual([])
  expect(rig.told).toEqual(during === 'a watch' ? ['synced'] : [])
})

test('a stop for a kind that went away reports everything as removed', async () => {
  await using rig = await arrange()
  await rig.lists(1, [object('a', 1), object('b', 1)])
  await rig.watches(1)
  await rig.reflector.stop({ forget: true })
  expect(rig.told).toEqual(['a@1', 'b@1', 'synced', '-ns/a/uid-a', '-ns/b/uid-b'])
  expect(rig.reflector.synced).toBe(false)
})

test('what begins anew lists at once, tells what it knew of again, and removes what is gone', async () => {
  await using rig = await arrange()
  await rig.lists(5, [object('a', 1), object('b', 2), object('c', 3)])
  const former = await rig.watches(5)
  rig.reflector.beginAnew()
  await former.closed
  expect(rig.reflector.synced).toBe(true)
  await rig.lists(9, [object('a', 1), object('b', 8, 'another')])
  const told = ['a@1', 'b@2', 'c@3', 'synced', '-ns/b/uid-b', '-ns/c/uid-c', 'a@1', 'b@8']
  await expect.poll(() => rig.told, soon).toEqual(told)
  // The watch repeats an object that the list had; the handler is not told of it again.
  const watch = await rig.watches(9)
  watch.event('ADDED', object('a', 1))
  watch.event('ADDED', object('d', 10))
  await expect.poll(() => rig.told.slice(told.length), soon).toEqual(['d@10'])
  expect(rig.said).toEqual([])
})

test('what begins anew waits no longer, and fails as if for the first time', async () => {
  await using rig = await arrange()
  for (const expected of [800, 1600]) {
    ;(await rig.server.next()).answer(404, 'page not found')
    expect(await rig.backsOff()).toBe(expected)
  }
  ;(await rig.server.next()).answer(404, 'page not found')
  await vi.waitFor(() => expect(rig.clock.waits()).toEqual([3200]), soon)
  rig.reflector.beginAnew()
  ;(await rig.server.next()).answer(404, 'page not found')
  expect(await rig.backsOff()).toBe(800)
  await rig.lists(5, [object('a', 1)])
  await expect.poll(() => rig.told, soon).toEqual(['a@1', 'synced'])
})

test('a list that is under way when all begins anew is not what is told', async () => {
  await using rig = await arrange({ timings: { pageSize: 1 } })
  await rig.lists(5, [object('old', 1)], 'more')
  const second = await rig.server.next()
  rig.reflector.beginAnew()
  await second.closed
  await rig.lists(9, [object('new', 8)])
  await expect.poll(() => rig.told, soon).toEqual(['new@8', 'synced'])
  await rig.watches(9)
})

test('what begins anew can be stopped at once', async () => {
  await using rig = await arrange()
  await rig.lists(5, [object('a', 1)])
  await rig.watches(5)
  rig.reflector.beginAnew()
  await rig.reflector.stop({ forget: true })
  expect(rig.told).toEqual(['a@1', 'synced', '-ns/a/uid-a'])
})
