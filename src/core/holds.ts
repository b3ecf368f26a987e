import type { BindingKey } from './binding.ts'
import { formerSettings, type Departures } from './former.ts'
import type { Settings } from './identity.ts'
import type { Inventory } from './inventory.ts'
import { show } from './show.ts'

/** A setting that a binding keeps although the configuration changed, and its former value. */
export type Hold = { readonly setting: 'trust domain' | 'class'; readonly from: string | undefined }

/** The settings in which the former ones of a binding differ from the configured ones. */
export const holdsOf = (former: Settings, settings: Settings): readonly Hold[] => [
  ...(former.trustDomain === settings.trustDomain
    ? []
    : [{ setting: 'trust domain', from: former.trustDomain } as const]),
  ...(former.className === settings.className ? [] : [{ setting: 'class', from: former.className } as const]),
]

/**
 * Says what is held and how to let it go on. Names of bindings are left out, because the text is shown in every
 * namespace.
 */
export function holdWords({ setting, from }: Hold, settings: Settings): string {
  return setting === 'trust domain'
    ? `trust domain ${show(from)}, and ${show(settings.trustDomain)} is configured: they are kept as they are until the operator is started with --trust-domain-change=${from}`
    : `${classWords(from)}, and ${classWords(settings.className)} is configured: they are kept as they are until the operator is started with --clusterspiffeid-class-change=${from ?? ''}`
}

const classWords = (className: string | undefined): string =>
  className === undefined ? 'no className' : `className ${show(className)}`

/**
 * Keeps track of the bindings that are held at their former settings, so that reviews and `/readyz` can tell at any
 * time.
 */
export class Holds {
  readonly #inventory: Inventory
  readonly #departures: Departures
  readonly #announce: (words: string) => void
  readonly #held = new Map<BindingKey, readonly Hold[]>()
  /** Counts of held bindings by the words that describe their hold. */
  readonly #counts = new Map<string, { readonly hold: Hold; count: number }>()

  /** @param announce called for each kind of hold when the first binding has it */
  constructor(inventory: Inventory, departures: Departures, announce: (words: string) => void = () => {}) {
    this.#inventory = inventory
    this.#departures = departures
    this.#announce = announce
  }

  /**
   * Looks at these bindings again. This is cheap for bindings without a ClusterSPIFFEID, and for all while no setting
   * differs.
   */
  look(keys: Iterable<BindingKey>): void {
    for (const key of keys) {
      const before = this.#held.get(key)
      const after = this.#holdsOf(key)
      if (after.length > 0) this.#held.set(key, after)
      else this.#held.delete(key)
      // New holds are counted before old ones are removed, so that a hold that goes on is not announced again.
      for (const hold of after) this.#add(hold, 1)
      for (const hold of before ?? []) this.#add(hold, -1)
    }
  }

  /** Says what is held; undefined if nothing is. */
  words(): string | undefined {
    if (this.#counts.size === 0) return undefined
    return [...this.#counts.values()]
      .map(
        ({ hold, count }) =>
          `the ClusterSPIFFEIDs of ${count} InferenceIdentityBindings have ${holdWords(hold, this.#inventory.settings)}`,
      )
      .join('; ')
  }

  count(setting: Hold['setting']): number {
    return [...this.#counts.values()]
      .filter(({ hold }) => hold.setting === setting)
      .reduce((sum, { count }) => sum + count, 0)
  }

  #holdsOf(key: BindingKey): readonly Hold[] {
    const binding = this.#inventory.binding(key)
    if (!binding || binding.deleting) return []
    const { settings } = this.#inventory
    const former = formerSettings(binding, this.#inventory.outputsOf(key), settings, this.#departures)
    return former ? holdsOf(former, settings) : []
  }

  #add(hold: Hold, step: 1 | -1): void {
    const id = JSON.stringify([hold.setting, hold.from])
    const counted = this.#counts.get(id) ?? { hold, count: 0 }
    counted.count += step
    if (counted.count === 0) this.#counts.delete(id)
    else this.#counts.set(id, counted)
    if (step === 1 && counted.count === 1)
      this.#announce(`there are ClusterSPIFFEIDs with ${holdWords(hold, this.#inventory.settings)}`)
  }
}
