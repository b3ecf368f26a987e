/**
 * News about a binding's ClusterSPIFFEIDs that keep a former setting, and about copies of them, posted whatever the binding's own
 * outcome is.
 */
import { ownerAnnotation, type Output } from '../core/clusterspiffeid.ts'
import type { Settings } from '../core/identity.ts'
import { keptSettingsOf, keptWords } from '../core/kept-settings.ts'
import type { News } from './events.ts'

/** News that a binding keeps the trust domain or class of its output, which differ from the configured ones. */
export const keptNews = (former: Settings, settings: Settings): readonly News[] =>
  keptSettingsOf(former, settings).map((kept) => ({
    type: 'Warning',
    reason: kept.setting === 'trust domain' ? 'TrustDomainChangeHeld' : 'ClassChangeHeld',
    note: `its ClusterSPIFFEIDs have ${keptWords(kept, settings)}`,
    about: JSON.stringify([kept.from, settings.trustDomain, settings.className ?? null]),
  }))

/** News that somebody copied the binding's ClusterSPIFFEID. */
export const copyNews = (copies: readonly Output[]): readonly News[] =>
  copies.map(({ name, uid }) => ({
    type: 'Warning',
    reason: 'CopiedClusterSPIFFEID',
    note: `ClusterSPIFFEID ${name} has the annotation ${ownerAnnotation} of this binding and a name that it does not get by it: it is left alone; remove the annotation from it`,
    about: uid,
  }))
