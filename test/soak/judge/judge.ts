import { type BindingKey, bindingKey, decodeBinding } from '../../../src/core/binding.ts'
import { readyIn, retryingReason } from '../../../src/core/conditions.ts'
import { eventResource, clusterSpiffeIdResource, bindingResource } from '../../../src/core/resources.ts'
import { recordOf, textOf } from '../../support/embedded/json.ts'
import { unsettled } from '../../support/model.ts'
import { metaOf, placeOf } from '../../support/world.ts'
import type { Change, Entry, Rule, Violation } from '../history.ts'
import type { Judged } from '../report.ts'
import { Blindness } from './blindness.ts'
import { Chronicle } from './chronicle.ts'
import { isTold, misshapen, wrongIn } from './lateness.ts'
import { groundsOf, OutputRules } from './outputs.ts'
import { keyOfBinding, Scene } from './scene.ts'
import { Wishes, wishesIn } from './wishes.ts'

/** `retryMs`: for how long a status may tell of a refusal after the last moment at which there could have been one. */
const limits = { saidMs: 15_000, goneMs: 60_000, quietMs: 60_000, retryMs: 60_000 } as const

/** Since when a binding has not had what its spec asks for. */
type Late = { asks: string; since: number; readonly wrongSince: number; reported: boolean }

/** Goes through a history, entry by entry, and names what breaks a promise. Whatever it knows it knows from the history. */
export class Judge {
  readonly #scene = new Scene()
  readonly #wishes = new Wishes()
  readonly #blindness = new Blindness()
  readonly #chronicle = new Chronicle()
  readonly #outputRules = new OutputRules(this.#scene, this.#wishes, this.#blindness)
  readonly #late = new Map<BindingKey, Late>()
  readonly #retrying = new Map<BindingKey, number>()
  readonly #stale = new Map<string, { readonly since: number; reported: boolean }>()
  #lastWrite: Change | undefined
  readonly #said = { failures: 0, retries: 0 }
  readonly #slowest = { saidMs: 0, quietMs: 0 }

  /** How long it took at most until something wrong was said, and until all was quiet. Times of faults are left out. */
  get slowest(): { readonly saidMs: number; readonly quietMs: number } {
    return this.#slowest
  }

  get judged(): Judged {
    return { ...this.#outputRules.counts, ...this.#said }
  }

  next(entry: Entry): readonly Violation[] {
    this.#chronicle.note(entry)
    const found: { rule: Rule; about: BindingKey; what: string }[] = []
    if (entry.kind === 'fault') this.#blindness.note(entry)
    if (entry.kind === 'change') found.push(...this.#change(entry))
    else found.push(...this.#overdue(entry.at))
    if (entry.kind === 'calm') found.push(...this.#calm(entry))
    return found.map((one) => ({
      ...one,
      at: entry.at,
      history: this.#chronicle.about(one.about, entry.at),
    }))
  }

  #change(change: Change): readonly { rule: Rule; about: BindingKey; what: string }[] {
    const { resource, object, at, byOthers, removed } = change
    if (!byOthers && isOfTheLoop(change)) this.#lastWrite = change
    if (resource === eventResource) {
      const { namespace = '' } = placeOf(object)
      const key = bindingKey(namespace, textOf(recordOf(object['regarding'])['name']))
      if (object['reason'] !== retryingReason) return []
      this.#retrying.set(key, at)
      this.#said.retries += 1
      return []
    }
    const isEnding = this.#scene.isEnding(resource)
    const before = this.#scene.take(change)
    if (resource === clusterSpiffeIdResource)
      return this.#outputRules.judge({ ...change, byOthers: byOthers || (removed && isEnding) }, before)
    if (groundsOf(before) !== groundsOf(removed ? undefined : change))
      this.#wishes.take(at, wishesIn(this.#scene.state()))
    if (resource !== bindingResource || byOthers || removed) return []
    const binding = decodeBinding(object)
    if (readyIn(binding.status)?.status === 'False') this.#said.failures += 1
    const what = misshapen(binding)
    return what === undefined ? [] : [{ rule: 'shape', about: keyOfBinding(binding), what }]
  }

  /** The bindings that have been wrong for too long. */
  #overdue(at: number): readonly { rule: Rule; about: BindingKey; what: string }[] {
    const there = this.#scene.bindings()
    const keys = new Set(there.map(keyOfBinding))
    for (const key of this.#late.keys()) if (!keys.has(key)) this.#late.delete(key)
    const unsaid = there.flatMap((binding) => {
      const key = keyOfBinding(binding)
      const wish = this.#wishes.now(key)
      const wrong = wrongIn({ binding, wish, outputs: this.#scene.outputsOf(key) })
      const asks = JSON.stringify([wish, binding.generation, binding.uid])
      const late = this.#late.get(key) ?? { asks, since: at, wrongSince: at, reported: false }
      if (late.asks !== asks) Object.assign(late, { asks, since: at, reported: false })
      const lasted = this.#blindness.msWritable(late.since, at, 'statuses')
      const isShown =
        wrong === undefined ||
        isTold(binding, this.#blindness.isBlind(at - limits.retryMs, at, 'outputs')) ||
        (this.#retrying.get(key) ?? -1) >= late.wrongSince
      if (isShown && !late.reported) this.#slowest.saidMs = Math.max(this.#slowest.saidMs, lasted)
      if (wrong === undefined) this.#late.delete(key)
      else this.#late.set(key, late)
      if (isShown) late.since = at
      const limitMs = limits.saidMs + this.#blindness.slackMs(late.since, at)
      if (isShown || late.reported || lasted <= limitMs) return []
      late.reported = true
      return [{ rule: 'unsaid', about: key, what: `${wrong}, for ${(lasted / 1000).toFixed(1)} s` } as const]
    })
    return [...unsaid, ...this.#unasked(at)]
  }

  /** Outputs that give what no binding asks for, and that should have been withdrawn by now. */
  #unasked(at: number): readonly { rule: Rule; about: BindingKey; what: string }[] {
    const idle = this.#outputRules.unasked()
    const uids = new Set(idle.map(({ uid }) => uid))
    for (const uid of this.#stale.keys()) if (!uids.has(uid)) this.#stale.delete(uid)
    return idle.flatMap(({ uid, name, owner }) => {
      const stale = this.#stale.get(uid) ?? { since: at, reported: false }
      this.#stale.set(uid, stale)
      const lasted = this.#blindness.msWritable(stale.since, at, 'outputs')
      if (stale.reported || lasted <= limits.goneMs || owner === undefined) return []
      stale.reported = true
      return [{ rule: 'stale', about: owner, what: `${name} is there, and nobody asks for it` } as const]
    })
  }

  #calm({ at, since }: { readonly at: number; readonly since: number }) {
    const quietMs = Math.max(0, (this.#lastWrite?.at ?? 0) - since)
    this.#slowest.quietMs = Math.max(this.#slowest.quietMs, quietMs)
    const wrong = unsettled(this.#scene.state()).map((what) => ({
      rule: 'unquiet' as const,
      about: keyIn(what),
      what,
    }))
    if (quietMs <= limits.quietMs || !this.#lastWrite) return at - since < limits.quietMs ? [] : wrong
    const { resource, object } = this.#lastWrite
    const what = `${resource.kind} ${String(metaOf(object)['name'])} was still written after ${(quietMs / 1000).toFixed(1)} s`
    const { namespace = '', name } = placeOf(object)
    return [...wrong, { rule: 'unquiet' as const, about: bindingKey(namespace, name), what }]
  }
}

const isOfTheLoop = ({ resource }: Change): boolean =>
  [bindingResource, clusterSpiffeIdResource, eventResource].includes(resource)

const keyIn = (problem: string): BindingKey => {
  const [, namespace = '', name = ''] = /^([^/ ]+)\/([^: ]+)/.exec(problem) ?? []
  return bindingKey(namespace, name)
}
