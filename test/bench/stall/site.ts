import { setTimeout as wait } from 'node:timers/promises'
import { startTerm, type Term } from '../../../src/controller/term.ts'
import { UnshownOutputs } from '../../../src/controller/unshown-outputs.ts'
import { Inventory } from '../../../src/core/inventory.ts'
import {
  allResources,
  bindingResource,
  clusterSpiffeIdResource,
  definitionResource,
  poolResources,
  type Resource,
} from '../../../src/core/resources.ts'
import { systemClock } from '../../../src/kube/clock.ts'
import { createLog } from '../../../src/log.ts'
import { createFeed, type Feed } from '../../../src/operator/feed.ts'
import { hindranceOf } from '../../../src/operator/knowledge.ts'
import { confirmation } from '../../../src/operator/live-reads.ts'
import { createReviewsFirst } from '../../../src/operator/reviews-first.ts'
import { workedOutAtOnce } from '../../../src/operator/run.ts'
import { settings } from '../inventory.ts'
import { pool } from '../manifests.ts'
import { costOfReviews, requestIn } from '../reviews/alone.ts'
import { condition, range } from '../waiting.ts'
import { answerAs } from '../worker.ts'
import { longestHold } from './hold.ts'
import { layoutOf, sharedPool } from './layout.ts'
import { definitionOf, recordedServer } from './recorded.ts'

/** The operator's feed and its loop over recorded lists, in a process of its own, asked for one change after the other. */
const [sizeText, layoutName = '', classText] = process.argv.slice(2)
const size = Number(sizeText)
const className = classText === '' ? undefined : classText
const { home } = layoutOf(layoutName, size)

const silent = createLog({ level: 'error' })
const [firstPools, laterPools] = poolResources
if (!firstPools || !laterPools) throw new Error('there are no two kinds of pools')

let generation = 1
const definition = (resource: Resource, served: boolean) => definitionOf(resource, served, (generation += 1))
const server = await recordedServer(
  size,
  layoutName,
  allResources.map((resource) => definition(resource, resource !== laterPools)),
)
const define = (resource: Resource, served: boolean): void =>
  server.change(definitionResource, definition(resource, served))

const inventory = new Inventory({ ...settings, className }, { atOnce: workedOutAtOnce })
const reviewsFirst = createReviewsFirst()
let term: Term | undefined
let runs = 0
const feed: Feed = createFeed({
  client: server.client,
  inventory,
  log: silent,
  mark: (keys) => term?.mark(keys),
  markLater: (keys) => term?.markLater(keys),
  schemaChanged: (resource) => term?.schemaChanged(resource),
  bindingReleased: () => {},
})

function lead(): void {
  term = startTerm({
    inventory,
    objects: server.objects,
    unshown: new UnshownOutputs(),
    departures: { trustDomains: [], classNames: [] },
    mayWrite: () => true,
    hindrance: () => hindranceOf(feed),
    whenDecidable: feed.whenDecidable,
    confirming: (reads) => confirmation(inventory, reads),
    isSchemaFresh: feed.isSchemaFresh,
    workers: 32,
    turns: reviewsFirst.turns,
    clock: systemClock,
    instance: 'bench',
    log: silent,
    observe: { outcome: () => {}, run: () => (runs += 1), write: () => {} },
  })
}

/** Each returns when the operator has been told; what it does about it ends later. */
const changes: Readonly<Record<string, () => void | Promise<void>>> = {
  start: async () => {
    feed.start()
    await feed.synced
    lead()
  },
  'output schema': () => define(clusterSpiffeIdResource, true),
  'binding schema': () => define(bindingResource, true),
  'pools come': () => define(laterPools, true),
  'pools go': () => define(laterPools, false),
  'bindings anew': () => server.expire(bindingResource),
  'outputs anew': () => server.expire(clusterSpiffeIdResource),
  'all pools go': () => define(firstPools, false),
  'all pools come': () => define(firstPools, true),
  'one pool': () => {
    const other = { 'app.kubernetes.io/name': 'another' }
    server.change(firstPools, withUid(pool(home(0), sharedPool, other)))
  },
}

const withUid = (manifest: ReturnType<typeof pool>) => ({
  ...manifest,
  metadata: { ...manifest.metadata, uid: 'another' },
})

const renewed: Readonly<Record<string, Resource>> = {
  'bindings anew': bindingResource,
  'outputs anew': clusterSpiffeIdResource,
}

const untilEnd = new AbortController().signal

const isQuiet = (): boolean =>
  feed.whenDecidable(home(0), untilEnd) === undefined &&
  !feed.isSchemaFresh() &&
  term !== undefined &&
  term.depth() === 0

const restMs = 300

/** Nothing has happened for a while that is longer than any pause of what goes on. */
async function quiet(): Promise<void> {
  for (let calm = 0; calm < 10; calm++) {
    const before = runs + server.calls()
    await condition(isQuiet, { what: 'that the operator is at rest', withinMs: 1_800_000 })
    await wait(20)
    if (runs + server.calls() !== before) calm = 0
  }
}

const heapUsed = (): number => {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

const heapBefore = heapUsed()

/** Reviews of new bindings beside those that are there, all over the inventory. */
async function costOfOne(): Promise<number> {
  const requests = range(100, size).map((index) =>
    requestIn(inventory, home(Math.floor(((index - size) * size) / 100)), index),
  )
  await costOfReviews(inventory, requests, 50_000)
  return costOfReviews(inventory, requests, 50_000)
}

answerAs(async (name) => {
  if (name === 'heap') return { bytes: heapUsed() - heapBefore }
  if (name === 'review') return { micros: await costOfOne() }
  const resource = renewed[name]
  if (resource) await server.renew(resource)
  globalThis.gc?.()
  const before = runs
  const rest = await longestHold(() => wait(restMs))
  const started = performance.now()
  const hold = await longestHold(async () => {
    await changes[name]?.()
    await quiet()
  })
  const seconds = (performance.now() - started) / 1000
  return { ...hold, restMs: rest.cpuMs, runs: runs - before, seconds }
})
