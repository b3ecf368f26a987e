import type { Settings } from '../core/identity.ts'
import { field, textOr, type JsonObject } from '../core/json.ts'
import type { OperatorConfiguration } from '../core/operator-status.ts'

/** Where a setting is from. `default` means that it is a guess. */
export type SettingSource = 'flag' | 'bindingStatus' | 'operator' | 'default'

/** The operator's settings, as far as they are known, and where they are from. */
export type IdentityConfig = {
  readonly settings: Settings
  /** Whether the binding's status names a trust domain. */
  readonly isShown: boolean
  readonly trustDomainSource: SettingSource
  readonly classNameSource: SettingSource
}

/**
 * The trust domain that is assumed if neither a flag, nor the status, nor the operator names one, as the former operator's
 * commands do.
 */
const defaultTrustDomain = 'kleym.sonda.red'

/**
 * The settings under which a binding is looked at: those of the flags, else those that its status was written under, else
 * those that the operator publishes.
 */
export function identityConfigOf(
  asked: Partial<Settings>,
  status: JsonObject,
  published: OperatorConfiguration | undefined,
): IdentityConfig {
  const named = textOr(field(status, 'trustDomain'), '')
  // A status that shows a trust domain and no class was written without a class.
  const className = textOr(field(status, 'clusterSPIFFEIDClassName'), '') || undefined
  const shown = named === '' ? undefined : { trustDomain: named, className }
  const known = shown ?? (published && published.trustDomain !== '' ? published : undefined)
  const source = shown ? 'bindingStatus' : known ? 'operator' : 'default'
  return {
    settings: {
      trustDomain: asked.trustDomain ?? known?.trustDomain ?? defaultTrustDomain,
      className: 'className' in asked ? asked.className : known?.className,
    },
    isShown: shown !== undefined,
    trustDomainSource: asked.trustDomain === undefined ? source : 'flag',
    classNameSource: 'className' in asked ? 'flag' : source,
  }
}

/** Whether the SPIFFE ID, and with it the name of the ClusterSPIFFEID, rests on a trust domain that is assumed. */
export const isGuessed = ({ trustDomainSource }: IdentityConfig): boolean => trustDomainSource === 'default'
