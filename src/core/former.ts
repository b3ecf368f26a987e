import { bindingKey, type Binding } from './binding.ts'
import { classNameIn, givesSameIdentity, isNamedByItsId, render, type Output } from './clusterspiffeid.ts'
import { isSpiffeId, type Identity, type Settings } from './identity.ts'
import type { Inventory } from './inventory.ts'
import { field, textOr } from './json.ts'
import { settingsIn } from './stored-status.ts'

/**
 * The former trust domains and classes that the configuration allows to leave. An undefined class means
 * ClusterSPIFFEIDs without one.
 */
export type Departures = {
  readonly trustDomains: readonly string[]
  readonly classNames: readonly (string | undefined)[]
}

/**
 * The settings that the ClusterSPIFFEIDs of a binding were rendered with, if they differ from the configured ones and
 * the configuration does not allow to leave them. The binding goes on under those settings, because a mistyped trust
 * domain or a forgotten class must not replace every identity of a cluster. Undefined if the configured settings
 * apply.
 *
 * An ID or class that somebody edited in a ClusterSPIFFEID is no former setting. Such an edit is recognised because
 * the status, or the object's name, which is made from its ID, disagrees with it.
 */
export function formerSettings(
  { status }: Pick<Binding, 'status'>,
  outputs: readonly Output[],
  settings: Settings,
  departures: Departures,
): Settings | undefined {
  if (outputs.length === 0) return undefined
  const statusSettings = settingsIn(status)
  const trustDomain = formerTrustDomain(
    outputs,
    statusSettings,
    settings.trustDomain,
    departures.trustDomains,
  )
  const className = formerClassName(outputs, statusSettings, settings.className, departures.classNames)
  if (trustDomain === undefined && className === undefined) return undefined
  return {
    trustDomain: trustDomain ?? settings.trustDomain,
    className: className ? className.value : settings.className,
  }
}

/** The settings that a binding is rendered with: the configured ones, unless it keeps former ones. */
export function settingsOf(
  binding: Binding,
  identity: Identity | undefined,
  inventory: Pick<Inventory, 'binding' | 'outputsOf' | 'settings'>,
  departures: Departures,
): Settings {
  const { settings } = inventory
  const outputs = inventory.outputsOf(bindingKey(binding.namespace, binding.name))
  const former =
    outputs.length > 0
      ? formerSettings(binding, outputs, settings, departures)
      : identity && settingsTakenOver(binding, identity, inventory, departures)
  return former ?? settings
}

/**
 * The former settings of the binding that a new one is annotated to replace, if by them the new one gives what that one gives.
 * A rename must not take an identity to the trust domain, or the class, that it is kept from.
 *
 * @param identity of the new binding, under the configured settings
 */
function settingsTakenOver(
  binding: Binding,
  identity: Identity,
  inventory: Pick<Inventory, 'binding' | 'outputsOf' | 'settings'>,
  departures: Departures,
): Settings | undefined {
  if (binding.replaces === undefined) return undefined
  const key = bindingKey(binding.namespace, binding.replaces)
  const replaced = inventory.binding(key)
  const outputs = inventory.outputsOf(key)
  const former = replaced && formerSettings(replaced, outputs, inventory.settings, departures)
  if (!former) return undefined
  const wanted = render(binding, inTrustDomain(identity, former.trustDomain), former)
  return outputs.some((output) => givesSameIdentity(output, wanted)) ? former : undefined
}

function formerTrustDomain(
  outputs: readonly Output[],
  statusSettings: Settings | undefined,
  configured: string,
  departures: readonly string[],
): string | undefined {
  const isKept = (domain: string): boolean => domain !== configured && !departures.includes(domain)
  const others = outputs.flatMap((output) => {
    const domain = trustDomainIn(output)
    return domain === undefined || domain === configured ? [] : [{ output, domain }]
  })
  const rendered = others.find(
    ({ output, domain }) => isKept(domain) && (!output.annotated || isNamedByItsId(output)),
  )
  if (rendered) return rendered.domain
  return statusSettings && others.length > 0 && isKept(statusSettings.trustDomain)
    ? statusSettings.trustDomain
    : undefined
}

function formerClassName(
  outputs: readonly Output[],
  statusSettings: Settings | undefined,
  configured: string | undefined,
  departures: readonly (string | undefined)[],
): { readonly value: string | undefined } | undefined {
  const other = outputs.find((output) => classNameIn(output) !== configured)
  if (!other) return undefined
  const value = statusSettings ? statusSettings.className : classNameIn(other)
  return value === configured || departures.includes(value) ? undefined : { value }
}

/** Undefined if the output's ID is no SPIFFE ID. */
function trustDomainIn({ spec }: Output): string | undefined {
  const id = textOr(field(spec, 'spiffeIDTemplate'), '')
  return isSpiffeId(id) ? id.split('/')[2] : undefined
}

/** The same identity in another trust domain. */
export const inTrustDomain = (identity: Identity, trustDomain: string): Identity => ({
  ...identity,
  spiffeId: identity.spiffeId.replace(/^spiffe:\/\/[^/]*/, () => `spiffe://${trustDomain}`),
})
