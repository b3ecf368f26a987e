import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Objects } from '../../src/core/objects.ts'
import { leaseResource } from '../../src/core/resources.ts'
import { createClient } from '../../src/kube/client.ts'
import { loadKubeConfig } from '../../src/kube/config.ts'
import { createObjects } from '../../src/kube/objects.ts'
import { claimName, decodeClaim, leaseOf } from '../../src/webhook/claim.ts'
import { startEmbedded, type Embedded } from '../support/embedded/server.ts'
import { MemoryObjects, objectsOver, type Verb } from './memory-objects.ts'

let api: Embedded
let objects: Objects
let close: () => Promise<void>
beforeAll(async () => {
  api = await startEmbedded()
  const client = createClient(loadKubeConfig({ kubeconfig: api.kubeconfig }))
  objects = createObjects(client)
  close = async () => {
    await client.close()
    await api.stop()
  }
})
afterAll(() => close())

/** `which` picks one of the versions there have been, counted from the latest. */
const step = fc.record({
  verb: fc.constantFrom<Verb>('get', 'create', 'replace', 'remove'),
  holder: fc.constantFrom('a', 'b'),
  which: fc.nat({ max: 2 }),
  transitions: fc.nat({ max: 1 }),
})
const nobody = { namespace: '', name: '', uid: '' }
const unknown = { uid: 'no-such-uid', resourceVersion: '1', transitions: 0, holder: nobody }
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

async function play(port: Pick<Objects, Verb>, collisionKey: string, steps: readonly Step[]) {
  const place = { namespace: 'default', name: claimName(collisionKey) }
  const versions: (typeof unknown)[] = []
  const told: string[] = []
  for (const { verb, holder, which, transitions } of steps) {
    const version = versions.at(-1 - which) ?? unknown
    const lease = (seen?: typeof unknown) =>
      leaseOf('default', collisionKey, { namespace: 'default', name: holder, uid: `uid-of-${holder}` }, seen)
    const reply = await {
      get: () => port.get(leaseResource, place),
      create: () => port.create(leaseResource, lease()),
      replace: () => port.replace(leaseResource, lease(version)),
      remove: () => port.remove(leaseResource, place, version),
    }[verb]()
    const claim = reply.kind === 'done' && verb !== 'remove' ? decodeClaim(reply.object) : undefined
    if (claim && verb !== 'get') versions.push({ ...claim, transitions })
    const age =
      claim && versions.findIndex(({ resourceVersion }) => resourceVersion === claim.resourceVersion)
    told.push(`${verb} ${reply.kind} ${claim?.holder.name} ${age}`)
  }
  return told
}

test('create, get, replace and remove do as on the embedded API server, with versions old and new', async () => {
  let run = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 12 }), async (steps) => {
      run += 1
      const memory = objectsOver(new MemoryObjects(), (_verb, effect) => Promise.resolve(effect()))
      expect(await play(memory, `key ${run}`, steps)).toEqual(await play(objects, `key ${run}`, steps))
    }),
    { numRuns: 40 },
  )
})
