import { setTimeout as sleep } from 'node:timers/promises'
import { eventResource, definitionResource, type Resource, allResources } from '../../src/core/resources.ts'
import { resourcePath } from '../../src/kube/client.ts'
import type { Client, Watch } from '../support/embedded/client.ts'
import { listOf, recordOf, textOf, type Json } from '../support/embedded/json.ts'
import { metaOf, uidOf, versionOf } from '../support/world.ts'
import type { Blinds, Change, Entry } from './history.ts'

type Seen = Omit<Change, 'byOthers'>

/** How long a watch may be behind another, and an answer behind a watch. */
const lagMs = 3_000

/** Watches a cluster past every fault, and puts what happened and what was done to it into one history. */
export class Recorder implements Disposable {
  readonly #client: Client
  readonly #over = new AbortController()
  readonly #watches = new Set<Watch>()
  readonly #began = performance.now()
  /** What others wrote, by resourceVersion, and removed, by uid. */
  readonly #written = new Set<number>()
  readonly #removed = new Set<string>()
  #seen: readonly Seen[] = []
  #marks: readonly Entry[] = []
  #faults = 0
  #highest = 0
  #heardAt = 0
  #drainedTo = 0

  constructor(client: Client) {
    this.#client = client
    for (const resource of [definitionResource, ...allResources, eventResource]) void this.#follow(resource)
  }

  /** Milliseconds since the start. */
  now(): number {
    return performance.now() - this.#began
  }

  /** When a watch last told something. */
  heardAt(): number {
    return this.#heardAt
  }

  /** Notes that this version of an object was not written by the operator. */
  wrote(object: Json): void {
    this.#written.add(versionOf(object))
  }

  /** Notes that the object which is about to be removed is not removed by the operator. */
  removes(uid: string): void {
    this.#removed.add(uid)
  }

  /** A fault begins. What it returns ends it. */
  fault(name: string, blinds: Blinds): () => void {
    this.#faults += 1
    const id = this.#faults
    const mark = (phase: 'begins' | 'ends'): void => {
      this.#marks = [...this.#marks, { kind: 'fault', at: this.now(), id, name, phase, blinds }]
    }
    mark('begins')
    return () => mark('ends')
  }

  calm(since: number): void {
    this.#marks = [...this.#marks, { kind: 'calm', at: this.now(), since }]
  }

  /** The entries that are complete by now and were not returned before, and a tick. */
  drain(): readonly Entry[] {
    const until = this.now() - lagMs
    const changes = this.#seen
      .filter(({ at }) => at <= until)
      .toSorted((a, b) => a.version - b.version)
      .map((seen): Change => ({ ...seen, byOthers: this.#isTheirs(seen) }))
    this.#seen = this.#seen.filter(({ at }) => at > until)
    const marks = this.#marks.filter(({ at }) => at <= until)
    this.#marks = this.#marks.filter(({ at }) => at > until)
    // In the order of revisions: a change happened no later than the one after it, even if it was heard of later.
    const ordered = changes.map((change, index) => ({
      ...change,
      at: Math.min(...changes.slice(index).map(({ at }) => at)),
    }))
    this.#drainedTo = Math.max(this.#drainedTo, until)
    return [...ordered, ...marks, { kind: 'tick' as const, at: this.#drainedTo }].toSorted(
      (a, b) => a.at - b.at,
    )
  }

  [Symbol.dispose](): void {
    this.#over.abort()
    for (const watch of this.#watches) watch.close()
  }

  #isTheirs({ removed, object, version }: Seen): boolean {
    return removed ? this.#removed.has(uidOf(object)) : this.#written.has(version)
  }

  #note(resource: Resource, removed: boolean, object: Json, version = versionOf(object)): void {
    this.#highest = Math.max(this.#highest, version)
    this.#heardAt = this.now()
    this.#seen = [...this.#seen, { kind: 'change', at: this.now(), version, resource, removed, object }]
  }

  async #follow(resource: Resource): Promise<void> {
    const known = new Map<string, Json>()
    while (!this.#over.signal.aborted) {
      try {
        await this.#watchFrom(resource, known, await this.#list(resource, known))
      } catch {
        // The kind is gone, or the API server is, so the watch is tried again.
      }
      await sleep(100)
    }
  }

  /** Notes what differs from what was known. Returns the version from which to watch. */
  async #list(resource: Resource, known: Map<string, Json>): Promise<string> {
    const { code, body } = await this.#client.get(resourcePath(resource))
    // While the API server prepares a kind anew, after a change of its definition, it answers 429: that tells nothing.
    if (code !== 200 && code !== 404) throw new Error(`${resource.plural}: ${code}`)
    const items = code === 200 ? listOf(body['items']).map(recordOf) : []
    const uids = new Set(items.map(uidOf))
    for (const [uid, object] of known) {
      if (uids.has(uid)) continue
      known.delete(uid)
      this.#note(
        resource,
        true,
        object,
        code === 200 ? Number(metaOf(body)['resourceVersion']) : this.#highest,
      )
    }
    if (code === 404) throw new Error(`${resource.plural} are not served`)
    for (const object of items) {
      const before = known.get(uidOf(object))
      known.set(uidOf(object), object)
      if (!before || versionOf(before) !== versionOf(object)) this.#note(resource, false, object)
    }
    return textOf(metaOf(body)['resourceVersion'])
  }

  /** Until the server says that the version is too old, or that there is no such kind. */
  async #watchFrom(resource: Resource, known: Map<string, Json>, from: string): Promise<void> {
    let version = from
    while (!this.#over.signal.aborted) {
      const query = `watch=true&allowWatchBookmarks=true&resourceVersion=${version}`
      const watch = await this.#client.watch(`${resourcePath(resource)}?${query}`)
      this.#watches.add(watch)
      for (let event = await watch.next(); event !== undefined; event = await watch.next()) {
        const { type, object } = event
        if (!['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK'].includes(type)) return
        version = textOf(metaOf(object)['resourceVersion'])
        if (type === 'BOOKMARK') continue
        if (type === 'DELETED') known.delete(uidOf(object))
        else known.set(uidOf(object), object)
        this.#note(resource, type === 'DELETED', object)
      }
      this.#watches.delete(watch)
      await sleep(20)
    }
  }
}
