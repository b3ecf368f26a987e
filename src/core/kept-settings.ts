import type { BindingKey } from './binding.ts'
import { formerSettings, type Departures } from './former.ts'
import type { Settings } from './identity.ts'
import type { Inventory } from './inventory.ts'
import { show } from './show.ts'

/** A setting that a binding keeps although the configuration changed, and its former value. */
export type KeptSetting = { readonly setting: 'trust domain' | 'class'; readonly from: string | undefined }

/** The settings in which the former ones of a binding differ from the configured ones. */
export const keptSettingsOf = (former: Settings, settings: Settings): readonly KeptSetting[] => [
  ...(former.trustDomain === settings.trustDomain
    ? []
    : [{ setting: 'trust domain', from: former.trustDomain } as const]),
  ...(former.className === settings.className ? [] : [{ setting: 'class', from: former.className } as const]),
]

/**
 * Says what is kept and how to let it change. Names of bindings are left out, because the text is shown in every
 * namespace.
 */
export function keptWords({ setting, from }: KeptSetting, settings: Settings): string {
  return setting === 'trust domain'
    ? `trust domain ${show(from)}, and ${show(settings.trustDomain)} is configured: they are kept as they are until the operator is started with --trust-domain-change=${from}`
    : `${classWords(from)}, and ${classWords(settings.className)} is configured: they are kept as they are until the operator is started with --clusterspiffeid-class-change=${from ?? ''}`
}

const classWords = (className: string | undefined): string =>
  className === undefined ? 'no className' : `className ${show(className)}`

/**
 * Keeps track of the bindings that keep a former setting, so that reviews and `/readyz` can tell at any
 * time.
 */
export class KeptSettings {
  readonly #inventory: Inventory
  readonly #departures: Departures
  readonly #announce: (words: string) => void
  readonly #kept = new Map<BindingKey, readonly KeptSetting[]>()
  /** How many bindings keep a setting, by the setting and its former value. */
  readonly #counts = new Map<string, { readonly kept: KeptSetting; count: number }>()

  /** @param announce called for each kept setting when the first binding has it */
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
      const before = this.#kept.get(key)
      const after = this.#keptSettingsOf(key)
      if (after.length > 0) this.#kept.set(key, after)
      else this.#kept.delete(key)
      // New ones are counted before old ones are removed, so that one that stays is not announced again.
      for (const kept of after) this.#add(kept, 1)
      for (const kept of before ?? []) this.#add(kept, -1)
    }
  }

  /** Says what is kept; undefined if nothing is. */
  words(): string | undefined {
    if (this.#counts.size === 0) return undefined
    return [...this.#counts.values()]
      .map(
        ({ kept, count }) =>
          `the ClusterSPIFFEIDs of ${count} InferenceIdentityBindings have ${keptWords(kept, this.#inventory.settings)}`,
      )
      .join('; ')
  }

  count(setting: KeptSetting['setting']): number {
    return [...this.#counts.values()]
      .filter(({ kept }) => kept.setting === setting)
      .reduce((sum, { count }) => sum + count, 0)
  }

  #keptSettingsOf(key: BindingKey): readonly KeptSetting[] {
    const binding = this.#inventory.binding(key)
    if (!binding || binding.deleting) return []
    const { settings } = this.#inventory
    const former = formerSettings(binding, this.#inventory.outputsOf(key), settings, this.#departures)
    return former ? keptSettingsOf(former, settings) : []
  }

  #add(kept: KeptSetting, step: 1 | -1): void {
    const id = JSON.stringify([kept.setting, kept.from])
    const counted = this.#counts.get(id) ?? { kept, count: 0 }
    counted.count += step
    if (counted.count === 0) this.#counts.delete(id)
    else this.#counts.set(id, counted)
    if (step === 1 && counted.count === 1)
      this.#announce(`there are ClusterSPIFFEIDs with ${keptWords(kept, this.#inventory.settings)}`)
  }
}
