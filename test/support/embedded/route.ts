import type { Kind } from './kind.ts'
import type { Kinds } from './kinds.ts'

export type Route = {
  readonly kind: Kind
  readonly namespace: string
  readonly name: string
  readonly subresource: string
}

/** `/api/v1/…` or `/apis/GROUP/VERSION/…`, then `[namespaces/NS/]PLURAL[/NAME[/SUBRESOURCE]]`. */
export const route = (path: string, kinds: Kinds): Route | undefined => {
  const segments = path
    .split('/')
    .filter((segment) => segment !== '')
    .map(decodeURIComponent)
  const [base, ...rest] = segments
  const [group = '', version = ''] = base === 'api' ? ['', rest[0]] : rest
  const inside = base === 'api' ? rest.slice(1) : rest.slice(2)
  if ((base !== 'api' && base !== 'apis') || inside.length === 0) return undefined

  const [first = '', second = '', ...others] = inside
  const isScoped = first === 'namespaces' && others[0] !== undefined
  const scoped = isScoped ? kinds.find(group, version, others[0] ?? '') : undefined
  if (scoped?.namespaced === true) {
    const [, name = '', subresource = ''] = others
    return others.length > 3 ? undefined : { kind: scoped, namespace: second, name, subresource }
  }
  const kind = kinds.find(group, version, first)
  if (kind === undefined || inside.length > 3) return undefined
  // Objects in namespaces are only reached through their namespace; all of them can be listed.
  if (kind.namespaced && second !== '') return undefined
  return { kind, namespace: '', name: second, subresource: others[0] ?? '' }
}
