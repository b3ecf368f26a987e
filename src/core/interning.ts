import type { Binding } from './binding.ts'
import type { Output } from './clusterspiffeid.ts'
import type { Identity } from './identity.ts'
import { isObject, sameJson, type JsonObject } from './json.ts'
import type { Objective, Pool } from './references.ts'

/** What an equal text, list or object can be replaced by, since it is kept anyway. */
type Donors = { readonly texts: readonly string[]; readonly values: readonly object[] }

type Mutable = { [field: string]: unknown }

/**
 * Lets objects that come from the wire share what they have in common, with one another and with the identity that they
 * are about: a binding's ID and selectors come in its status and in its ClusterSPIFFEID, too, and most conditions are the
 * same for all bindings. What is shared is put into the given objects, in the place of something equal.
 */
export class Interning {
  readonly #texts = new Recent<string>()
  readonly #objects = new Recent<JsonObject>()

  /**
   * Forgets the objects that nothing was equal to since the last call. To be called now and then: without it two thousand conditions,
   * each with its text, would stay for good, however few bindings there are, since only bindings that change in the same second have
   * equal ones. Texts are short, and go on being shared.
   */
  forgetOld(): void {
    this.#objects.age()
  }

  /** For an object of a list, which may be held with thousands of others before the first of them is taken in. */
  object(object: JsonObject): void {
    const { spec, status }: Mutable = object
    if (isObject(spec)) this.#share(spec, nothing)
    if (isObject(status)) this.#status(status, nothing)
  }

  /** @param outputs those of the binding */
  binding({ spec, status }: Binding, identity: Identity | undefined, outputs: readonly Output[]): void {
    const donors = donorsOf(identity, outputs)
    this.#share(spec, donors)
    this.#status(status, donors)
  }

  output(output: Output, identity: Identity | undefined): void {
    const donors = donorsOf(identity, [])
    const spec: Mutable = output.spec
    this.#share(spec, donors)
    // The whole of it is the same in a namespace.
    if (isObject(spec['namespaceSelector'])) spec['namespaceSelector'] = this.#one(spec['namespaceSelector'])
    this.#share(output.labels, donors)
  }

  pool({ selector }: Pool): void {
    if (selector.kind === 'labels') this.#share(selector.pods, nothing)
  }

  objective({ poolRef }: Objective): void {
    this.#share(poolRef, nothing)
  }

  #status(status: Mutable, donors: Donors): void {
    this.#conditionsIn(status)
    this.#share(status, donors)
  }

  /** Bindings that came to be Ready in one second have all conditions but the first in common. */
  #conditionsIn({ conditions }: Mutable): void {
    if (!Array.isArray(conditions)) return
    for (const [index, condition] of conditions.entries())
      if (isObject(condition) && condition['type'] !== 'Ready') conditions[index] = this.#one(condition)
  }

  /** The same object, or an equal one that is kept already. */
  #one(object: JsonObject): JsonObject {
    const text = JSON.stringify(object)
    return text.length > longestObject ? object : this.#objects.of(text, object)
  }

  #share(inside: Mutable, donors: Donors): void {
    for (const name of Object.keys(inside)) inside[name] = this.#like(inside[name], donors)
  }

  #like(value: unknown, donors: Donors): unknown {
    if (typeof value === 'string') return donors.texts.find((text) => text === value) ?? this.#text(value)
    if (typeof value !== 'object' || value === null) return value
    const equal = donors.values.find((donor) => donor === value || sameJson(donor, value))
    if (equal) return equal
    if (Array.isArray(value))
      for (const [index, item] of value.entries()) value[index] = this.#like(item, donors)
    else if (isObject(value)) this.#share(value, donors)
    return value
  }

  #text(text: string): string {
    return text.length > longestText ? text : this.#texts.of(text, text)
  }
}

function donorsOf(identity: Identity | undefined, outputs: readonly Output[]): Donors {
  return {
    texts: [
      ...(identity ? [identity.spiffeId, ...identity.selectors] : []),
      ...outputs.flatMap(({ name, uid }) => [name, uid]),
    ],
    values: identity ? [identity.selectors, identity.pods.labels] : [],
  }
}

const nothing: Donors = { texts: [], values: [] }

/** Beyond these it costs more to look for an equal one than there is to win. */
const longestText = 128
const longestObject = 512

/**
 * A cache of up to twice `capacity` entries. The value that is first seen for a key is the one of all equal keys, for as long as the
 * key is asked for now and then.
 */
class Recent<T> {
  #young = new Map<string, T>()
  #old = new Map<string, T>()

  of(key: string, value: T): T {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const kept = this.#old.get(key) ?? value
    if (this.#young.size >= capacity) this.age()
    this.#young.set(key, kept)
    return kept
  }

  /** Forgets what was not asked for since the call before this one. */
  age(): void {
    this.#old = this.#young
    this.#young = new Map()
  }
}

const capacity = 1024
