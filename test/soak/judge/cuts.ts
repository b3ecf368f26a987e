import {
  bindingResource,
  definitionResource,
  objectiveResources,
  poolResources,
  type Resource,
} from '../../../src/core/resources.ts'
import type { State } from '../../support/model.ts'
import { placeOf } from '../../support/world.ts'
import type { Change } from '../history.ts'
import { keyOfObject, servedBy } from './objects.ts'

type Turn = { readonly at: number; readonly key: string; readonly before: Change | undefined }
type Objects = ReadonlyMap<string, Change>

/** The kinds. Each has a watch of its own, which may be behind the others. */
const kinds = [definitionResource, bindingResource, ...poolResources, ...objectiveResources]

/** How long a change is remembered. */
const rememberedMs = 300_000
/** More are not looked at. */
const mostCuts = 4_000

/**
 * What the operator may take the cluster for. It watches each kind by itself, so it may know of a pool's change and not
 * yet of a binding's that came before: any moment of one kind goes with any moment of another.
 */
export class Cuts {
  readonly #turns = new Map<Resource, readonly Turn[]>()

  note(change: Change, before: Change | undefined): void {
    const { resource, at } = change
    const turns = this.#turns.get(resource) ?? []
    const turn = { at, key: keyOfObject(resource, change.object), before }
    this.#turns.set(resource, [...turns.filter((one) => one.at > at - rememberedMs), turn])
  }

  /**
   * Every state of one namespace that can be put together of what each kind was at some moment since `from`; undefined if
   * there are too many.
   *
   * @param now all objects as they are
   */
  since(from: number, namespace: string, now: Objects): Iterable<State> | undefined {
    const choices = kinds.map((resource) => this.#momentsOf(resource, from, namespace, now))
    const count = choices.reduce((product, { length }) => product * length, 1)
    return count > mostCuts ? undefined : statesOf(choices)
  }

  /** The objects of a kind as they are, and as they were before each change, the last one first. */
  #momentsOf(resource: Resource, from: number, namespace: string, now: Objects): readonly Objects[] {
    const isOfThem = (change: Change | undefined): boolean =>
      change?.resource === resource &&
      (resource === definitionResource || placeOf(change.object).namespace === namespace)
    let objects: Objects = new Map([...now].filter(([, change]) => isOfThem(change)))
    const moments = [objects]
    for (const { at, key, before } of (this.#turns.get(resource) ?? []).toReversed()) {
      if (at < from) break
      if (!isOfThem(objects.get(key) ?? before)) continue
      const earlier = new Map(objects)
      if (before) earlier.set(key, before)
      else earlier.delete(key)
      objects = earlier
      moments.push(objects)
    }
    return moments
  }
}

function* statesOf([definitions = [], ...rest]: readonly (readonly Objects[])[]): Iterable<State> {
  for (const one of definitions) {
    const served = servedBy([...one.values()])
    for (const objects of combinations(rest)) yield { served, objects }
  }
}

function* combinations([first, ...rest]: readonly (readonly Objects[])[]): Iterable<readonly Change[]> {
  if (!first) return void (yield [])
  for (const others of combinations(rest)) for (const moment of first) yield [...moment.values(), ...others]
}
