import * as fc from 'fast-check'
import { objectiveResources, poolResources, type Resource } from '../../../src/core/resources.ts'
import { binding, objective, pool } from '../../support/builders.ts'
import type { Manifest } from '../../support/vectors.ts'

/** Draws mostly the usual value, so that most bindings are Ready or collide. */
const mostly = <T>(usual: T, ...others: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 5 * others.length, arbitrary: fc.constant(usual) }, fc.constantFrom(...others))

const group = ([first, ...rest]: readonly Resource[]): fc.Arbitrary<string> =>
  mostly(first?.group ?? '', ...rest.map((resource) => resource.group))

export const bindingNames = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const poolNames = mostly('a', 'b')
const objectiveNames = fc.constantFrom('a', 'b', 'c')

/** Several of them often claim the same container. */
export const bindings: fc.Arbitrary<Manifest> = fc
  .record({
    name: bindingNames,
    spec: fc.record({
      poolRef: poolNames.map((name) => ({ name })),
      objectiveRef: fc.record({
        name: mostly<fc.Arbitrary<string>>(objectiveNames, fc.constant('missing')).chain((names) => names),
        group: mostly(undefined, ...objectiveResources.map((resource) => resource.group)),
      }),
      mode: mostly('PerObjective', 'PoolOnly', 'PoolOnly', 'Both'),
      serviceAccountName: mostly('server', 'worker', ''),
      containerName: mostly<string | undefined>('main', 'side', 'side', undefined),
    }),
  })
  .map(({ name, spec }) =>
    binding({ name, spec: spec.mode === 'PoolOnly' ? { ...spec, containerName: undefined } : spec }),
  )

export const pools: fc.Arbitrary<Manifest> = fc
  .record({
    name: poolNames,
    group: group(poolResources),
    selector: mostly<unknown>({ matchLabels: { app: 'x' } }, { matchLabels: { app: 'y' } }, {}),
  })
  .map(pool)

export const objectives: fc.Arbitrary<Manifest> = fc
  .record({
    name: objectiveNames,
    group: group(objectiveResources),
    poolRef: mostly({ name: 'a' }, { name: 'b' }, { name: '' }),
  })
  .map(objective)

/** What is there at the start. */
export const scenery: readonly Manifest[] = [
  pool({ name: 'a', selector: { matchLabels: { app: 'x' } } }),
  pool({ name: 'b', selector: { matchLabels: { app: 'y' } } }),
  ...['a', 'b', 'c'].map((name) => objective({ name, poolRef: { name: 'a' } })),
]
