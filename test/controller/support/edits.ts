import * as fc from 'fast-check'
import { ownerAnnotation } from '../../../src/core/clusterspiffeid.ts'
import { clusterSpiffeId } from '../../support/builders.ts'
import type { Manifest } from '../../support/vectors.ts'
import { bindingNames, bindings, objectives, pools } from './scenery.ts'

const drifts = ['field', 'identity', 'labels', 'annotation', 'deletion'] as const
const spoils = ['status', 'finalizer', 'label', 'hold', 'release'] as const

export type Drift = (typeof drifts)[number]
export type Spoil = (typeof spoils)[number]

/** What somebody does to the cluster. `which` chooses among what is there. */
export type Edit =
  | { readonly kind: 'put'; readonly manifest: Manifest }
  | { readonly kind: 'remove'; readonly of: 'binding' | 'other'; readonly which: number }
  | { readonly kind: 'serve' | 'unserve'; readonly which: number }
  | { readonly kind: 'drift'; readonly how: Drift; readonly which: number }
  | { readonly kind: 'spoil'; readonly how: Spoil; readonly which: number }
  /** A binding is annotated to replace another, or no longer. */
  | { readonly kind: 'rename'; readonly which: number; readonly replaces: string | null }
  | { readonly kind: 'squat' | 'evict' | 'orphan' | 'copy' | 'legacy'; readonly which: number }

const which = fc.nat({ max: 999 })
const put = (manifests: fc.Arbitrary<Manifest>): fc.Arbitrary<Edit> =>
  manifests.map((manifest) => ({ kind: 'put', manifest }))

export const edits: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 10, arbitrary: put(bindings) },
  { weight: 3, arbitrary: put(pools) },
  { weight: 4, arbitrary: put(objectives) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('remove'), of: fc.constantFrom('binding', 'other'), which }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('serve'), which }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('unserve'), which }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('drift'), how: fc.constantFrom(...drifts), which }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('spoil'), how: fc.constantFrom(...spoils), which }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('rename'),
      which,
      replaces: fc.option(bindingNames, { freq: 5 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('squat', 'evict', 'evict', 'orphan', 'copy', 'legacy'),
      which,
    }),
  },
)

export const chosen = <T>(items: readonly T[], at: number): T | undefined =>
  items[at % Math.max(items.length, 1)]

export const orphan = (at: number): Manifest =>
  clusterSpiffeId(`kleym-default-ghost-pool-${String(at).padStart(8, '0')}`, {
    annotations: { [ownerAnnotation]: 'default/ghost' },
  })

/** Made after an output of ours, annotation and all, under a name that is not of our making. */
export const copy = (at: number): Manifest =>
  clusterSpiffeId(
    `copy-${at}`,
    { annotations: { [ownerAnnotation]: `default/${chosen(['a', 'b', 'ghost'], at)}` } },
    {
      podSelector: { matchLabels: { app: 'x' } },
      workloadSelectorTemplates: ['k8s:container-name:main', 'k8s:ns:default'],
    },
  )

/** As the former operator left it, for a container of its own, so that it is nobody's rival. */
export const legacy = (at: number): Manifest => {
  const name = chosen(['a', 'b', 'c', 'd', 'e'], at) ?? ''
  return clusterSpiffeId(
    `kleym-default-${name}-objective-${String(at).padStart(8, '0')}`,
    {
      labels: {
        'kleym.sonda.red/managed-by': 'kleym',
        'kleym.sonda.red/binding-name': name,
        'kleym.sonda.red/binding-namespace': 'default',
      },
    },
    { hint: `default/${name}`, workloadSelectorTemplates: [`k8s:container-name:legacy-${at}`] },
  )
}
