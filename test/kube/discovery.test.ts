import { expect, test, vi } from 'vitest'
import { bindingResource, clusterSpiffeIdResource, type Resource } from '../../src/core/resources.ts'
import { watchKinds } from '../../src/kube/discovery.ts'
import { manualClock } from '../support/manual-clock.ts'
import { soon, startScripted, status } from './scripted.ts'

const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const bindingCrd = 'inferenceidentitybindings.kleym.sonda.red'

type Shape = {
  readonly name?: string
  readonly uid?: string
  readonly version?: number
  readonly established?: string
  readonly versions?: readonly object[]
}

const crd = ({
  name = bindingCrd,
  uid = 'crd',
  version = 1,
  established = 'True',
  versions,
}: Shape = {}) => ({
  metadata: { name, uid, resourceVersion: String(version) },
  spec: {
    versions: versions ?? [{ name: 'v1alpha1', served: true, schema: { openAPIV3Schema: { large: true } } }],
  },
  status: {
    conditions: [
      { type: 'NamesAccepted', status: 'True' },
      { type: 'Established', status: established },
    ],
  },
})

type Options = Partial<Parameters<typeof watchKinds>[0]>

async function arrange(options: Options = {}) {
  await using stack = new AsyncDisposableStack()
  const server = stack.use(await startScripted())
  const clock = manualClock()
  const told: (readonly [string, boolean, unknown])[] = []
  const warned: string[] = []
  const kinds = watchKinds({
    client: server.client(),
    resources: [bindingResource],
    changed: (resource, served, definition) =>
      void told.push([resource.kind, served, definition?.['summary']]),
    clock,
    random: () => 0,
    log: { debug: () => {}, info: () => {}, warn: (_, said) => void warned.push(said), error: () => {} },
    ...options,
    timings: { nudgeMs: Number.POSITIVE_INFINITY, ...options.timings },
  })
  stack.defer(() => kinds.stop())
  kinds.start()
  const own = stack.move()
  return {
    server,
    clock,
    told,
    warned,
    kinds,
    async lists(...items: readonly object[]) {
      const request = await server.next()
      expect(request.path).toBe(crds)
      request.answer(200, { metadata: { resourceVersion: '10' }, items })
    },
    async watches() {
      const request = await server.next()
      expect(request).toMatchObject({ path: crds, query: { watch: 'true' } })
      return request
    },
    [Symbol.asyncDispose]: () => own.disposeAsync(),
  }
}

type Rig = Awaited<ReturnType<typeof arrange>>

/** Takes the watch and the live read that come in either order. */
async function watchAndRead({ server }: Rig) {
  const pair = [await server.next(), await server.next()]
  const [watch, read] = pair[0]?.query['watch'] === 'true' ? pair : pair.toReversed()
  if (!watch || !read) throw new Error('a watch and a read were expected')
  expect([watch.path, read.path]).toEqual([crds, `${crds}/${bindingCrd}`])
  return { watch, read }
}

test('a kind is served when its CRD is Established and serves the version, and no live read is needed', async () => {
  await using rig = await arrange()
  expect(rig.kinds.synced).toBe(false)
  await rig.lists(crd(), crd({ name: 'others.example.com' }))
  await rig.watches()
  expect(rig.told).toEqual([['InferenceIdentityBinding', true, {}]])
  expect(rig.kinds.synced).toBe(true)
  expect(rig.server.waiting()).toBe(0)
})

test.for([
  ['is absent', undefined],
  ['is not Established', crd({ established: 'False' })],
  [
    'does not serve the version',
    crd({
      versions: [
        { name: 'v1alpha1', served: false },
        { name: 'v1', served: true },
      ],
    }),
  ],
] as const)('a kind whose CRD %s is not served once a live read says the same', async ([, found]) => {
  await using rig = await arrange()
  await rig.lists(...(found ? [found] : []))
  const { read } = await watchAndRead(rig)
  expect([rig.told, rig.kinds.synced]).toEqual([[], false])
  if (found) read.answer(200, found)
  else read.answer(404, status(404, 'NotFound'))
  await expect.poll(() => rig.told, soon).toEqual([['InferenceIdentityBinding', false, found && {}]])
  expect(rig.kinds.synced).toBe(true)
})

/** A CRD that no longer serves the version that is read, but these. */
const shaped = (version: number, established: string, ...names: readonly string[]) => {
  const others = names.map((name) => ({ name, served: true }))
  return crd({ version, established, versions: [{ name: 'v1alpha1', served: false }, ...others] })
}

test('that a CRD serves another version alone is told once it is Established, and again when versions change', async () => {
  await using rig = await arrange()
  const unread = ['InferenceIdentityBinding', false, {}]
  await rig.lists(shaped(1, 'False', 'v1'))
  const { read, watch } = await watchAndRead(rig)
  read.answer(200, shaped(1, 'False', 'v1'))
  await expect.poll(() => rig.told, soon).toEqual([unread])
  for (const [index, now] of [
    shaped(2, 'True', 'v1'),
    shaped(3, 'True', 'v1', 'v2'),
    shaped(4, 'True', 'v1', 'v2'),
  ].entries()) {
    watch.write(`${JSON.stringify({ type: 'MODIFIED', object: now })}\n`)
    ;(await rig.server.next()).answer(200, now)
    await expect.poll(() => rig.told.length, soon).toBe(Math.min(index + 2, 3))
  }
  expect(rig.told).toEqual([unread, unread, unread])
})

test('a live read that finds the CRD overrules the watch', async () => {
  await using rig = await arrange()
  await rig.lists()
  const { read } = await watchAndRead(rig)
  read.answer(200, crd())
  await expect.poll(() => rig.told, soon).toEqual([['InferenceIdentityBinding', true, {}]])
})

test.for([
  ['a 500', 500, status(500, 'InternalError')],
  ['a 403', 403, status(403, 'Forbidden')],
  ['a 404 of a server that is starting', 404, '404 page not found'],
  ['a 200 with something else', 200, {}],
] as const)(
  '%s to the live read decides nothing, and is tried again with back-off',
  async ([, code, body]) => {
    await using rig = await arrange()
    await rig.lists()
    const { read, watch } = await watchAndRead(rig)
    watch.write('\n')
    await vi.waitUntil(() => rig.clock.waits().join() === '75000', soon)
    read.answer(code, body)
    for (const wait of [800, 1600]) {
      await vi.waitUntil(() => rig.clock.waits()[0] === wait, soon)
      expect([rig.told, rig.kinds.synced]).toEqual([[], false])
      rig.clock.advance(wait)
      ;(await rig.server.next()).answer(code, body)
    }
    await vi.waitUntil(() => rig.clock.waits()[0] === 3200, soon)
    expect(rig.warned).toEqual(['it is unknown if this kind is served'])
    rig.clock.advance(3200)
    ;(await rig.server.next()).answer(404, status(404, 'NotFound'))
    await expect.poll(() => rig.told, soon).toEqual([['InferenceIdentityBinding', false, undefined]])
  },
)

test('without permission to list CRDs nothing is said, once is warned, and it is tried again', async () => {
  await using rig = await arrange()
  for (const wait of [800, 1600, 3200]) {
    ;(await rig.server.next()).answer(403, status(403, 'Forbidden'))
    await vi.waitUntil(() => rig.clock.waits()[0] === wait, soon)
    rig.clock.advance(wait)
  }
  expect([rig.told, rig.warned.length, rig.kinds.synced]).toEqual([[], 1, false])
  await rig.lists(crd())
  await expect.poll(() => rig.told, soon).toEqual([['InferenceIdentityBinding', true, {}]])
})

test('a CRD that goes and comes again is told both times', async () => {
  await using rig = await arrange()
  await rig.lists(crd())
  const watch = await rig.watches()
  watch.event('DELETED', crd({ version: 11 }))
  ;(await rig.server.next()).answer(404, status(404, 'NotFound'))
  await expect.poll(() => rig.told.map(([, served]) => served), soon).toEqual([true, false])
  watch.event('ADDED', crd({ version: 12, uid: 'next', established: 'False' }))
  ;(await rig.server.next()).answer(200, crd({ version: 12, uid: 'next', established: 'False' }))
  watch.event('MODIFIED', crd({ version: 13, uid: 'next' }))
  await expect.poll(() => rig.told.at(-1), soon).toEqual(['InferenceIdentityBinding', true, {}])
})

test('a live read whose answer comes after younger news is dropped', async () => {
  await using rig = await arrange()
  await rig.lists()
  const { watch, read } = await watchAndRead(rig)
  watch.event('ADDED', crd({ version: 11 }))
  await expect.poll(() => rig.told, soon).toEqual([['InferenceIdentityBinding', true, {}]])
  await read.closed
  expect(rig.told).toHaveLength(1)
})

test('a definition is told again when what was picked of it changes, and not otherwise', async () => {
  await using rig = await arrange({ summarise: ({ spec }) => ({ spec }) })
  const boundary = { versions: [{ name: 'v1alpha1', served: true, schema: { identityBoundary: {} } }] }
  await rig.lists(crd())
  const watch = await rig.watches()
  watch.event('MODIFIED', crd({ version: 11 }))
  watch.event('MODIFIED', crd({ version: 12, ...boundary }))
  await expect.poll(() => rig.told.length, soon).toBe(2)
  expect(rig.told[1]).toEqual(['InferenceIdentityBinding', true, { spec: boundary }])
})

test('schemas are gone from a definition unless they were picked', async () => {
  const definitions: unknown[] = []
  await using rig = await arrange({
    changed: (_resource, _served, definition) => void definitions.push(definition),
  })
  await rig.lists(crd())
  await rig.watches()
  expect(definitions).toHaveLength(1)
  expect(JSON.stringify(definitions)).not.toContain('openAPIV3Schema')
})

test('of two versions in one CRD each is judged by itself', async () => {
  const next: Resource = { ...bindingResource, version: 'v1' }
  await using rig = await arrange({ resources: [bindingResource, next] })
  await rig.lists(crd())
  const { read } = await watchAndRead(rig)
  read.answer(200, crd())
  await expect.poll(() => rig.told.map(([, served]) => served), soon).toEqual([true, false])
})

test('callbacks that throw end nothing', async () => {
  const seen: boolean[] = []
  await using rig = await arrange({
    resources: [bindingResource, clusterSpiffeIdResource],
    summarise() {
      throw new Error('summarise')
    },
    changed(_, served) {
      seen.push(served)
      throw new Error('changed')
    },
  })
  await rig.lists(crd(), crd({ name: 'clusterspiffeids.spire.spiffe.io' }))
  const watch = await rig.watches()
  watch.event('MODIFIED', crd({ version: 11, uid: 'next' }))
  await expect.poll(() => seen, soon).toEqual([true, true, true])
})

test('a stop ends live reads that are under way or waiting', async () => {
  await using rig = await arrange({ resources: [bindingResource, clusterSpiffeIdResource] })
  await rig.lists()
  for (let count = 0; count < 3; count += 1) {
    const request = await rig.server.next()
    if (request.path.endsWith(bindingCrd)) request.answer(500, '')
  }
  await vi.waitUntil(() => rig.clock.waits()[0] === 800, soon)
  await rig.kinds.stop()
  expect(rig.clock.waits()).toEqual([])
  expect(rig.told).toEqual([])
})
