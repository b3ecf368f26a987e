/**
 * The names of outputs: `kleym-<namespace>-<binding>`, made to fit a DNS-1123 label, then the suffix of the mode, and 8
 * hexadecimal digits of a hash of the SPIFFE ID, so that another identity has another name.
 */
import { hash as digest } from 'node:crypto'
import type { Binding, Mode } from './binding.ts'
import type { Identity } from './identity.ts'

export type Named = Pick<Binding, 'namespace' | 'name'>

/** A binding's name may have 253 characters, a label's value 63. */
export const labelValue = (name: string): string =>
  name.length <= 63 ? name : `${name.slice(0, 54)}-${hash(name)}`

const hash = (text: string): string => digest('sha1', text).slice(0, 8)

const suffixes = { PoolOnly: '-pool-', PerObjective: '-objective-' } as const satisfies Record<Mode, string>

export function outputName(binding: Named, { mode, spiffeId }: Pick<Identity, 'mode' | 'spiffeId'>): string {
  const suffix = suffixes[mode]
  const { base, exact } = nameBase(binding, suffix)
  return base + suffix + hash(exact ? spiffeId : `${spiffeId}\n${binding.namespace}/${binding.name}`)
}

/**
 * A readable DNS-1123 label. If it is not `exact`, two bindings could have the same one, and a hash has to tell them
 * apart.
 */
function nameBase(
  { namespace, name }: Named,
  suffix: string,
): { readonly base: string; readonly exact: boolean } {
  const plain = `kleym-${namespace}-${name}`
  const base = plain
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, 63 - suffix.length - 8)
    .replaceAll(/^-|-$/g, '')
  return { base, exact: base === plain }
}

/**
 * Whether the naming rule could have made this name for the binding: its base, the suffix of a mode and 8 hexadecimal
 * digits.
 */
export const isNameFor = (named: Named, name: string): boolean =>
  Object.values(suffixes).some((suffix) => {
    const { base } = nameBase(named, suffix)
    return name.startsWith(base + suffix) && /^[0-9a-f]{8}$/.test(name.slice(base.length + suffix.length))
  })
