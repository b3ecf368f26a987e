import type { Binding } from '../core/binding.ts'
import { isRival } from '../core/checks/collision.ts'
import type { Facts } from '../core/facts.ts'
import { byBytes } from '../core/names.ts'
import { show } from '../core/show.ts'

/** A binding that asks for the same container of the same pods as another one. */
export type Rival = {
  readonly name: string
  readonly isThisOne: boolean
  readonly pool: string
  readonly objective: string
  readonly serviceAccountName: string
  readonly containerName: string
}

/** All bindings of a collision, the given one included; empty if there is none. A binding that is being deleted is in none. */
export function rivalsIn({ binding, identity, world }: Facts): readonly Rival[] {
  const key = identity?.collisionKey
  if (key === undefined || binding.deleting) return []
  const others = world.holders(key).filter((other) => isRival(binding, other))
  const names = new Map([binding, ...others].map((one) => [one.name, one]))
  if (names.size < 2) return []
  return [...names.values()]
    .toSorted((a, b) => byBytes(a.name, b.name))
    .map((one) => rivalOf(one, one.name === binding.name))
}

const rivalOf = ({ name, spec }: Binding, isThisOne: boolean): Rival => ({
  name,
  isThisOne,
  pool: textOf(spec.poolRef.name),
  objective: textOf(spec.objectiveRef?.name),
  serviceAccountName: textOf(spec.serviceAccountName),
  containerName: textOf(spec.containerName),
})

const textOf = (value: unknown): string => (typeof value === 'string' ? value : show(value))

export const rivalLines = (rivals: readonly Rival[]): readonly string[] =>
  rivals.map(
    ({ name, isThisOne, pool, objective, serviceAccountName, containerName }) =>
      `${name}${isThisOne ? ' (this one)' : ''}: pool ${pool}, objective ${objective}, ServiceAccount ${serviceAccountName}, container ${containerName}`,
  )
