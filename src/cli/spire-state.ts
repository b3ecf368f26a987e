import { decodeOutput } from '../core/clusterspiffeid.ts'
import { field, objectOr, textOr } from '../core/json.ts'
import {
  decodeStats,
  fateOf,
  lacksIdentity,
  notProcessed,
  type Fate,
  type OutputStats,
} from '../core/output-stats.ts'
import { clusterSpiffeIdResource } from '../core/resources.ts'
import type { ClusterReads, SpireSight } from './cluster.ts'
import { sinceOf, spanOf } from './layout.ts'
import type { Manifest } from './manifests.ts'

/** A ClusterSPIFFEID, the operator's or somebody else's, with what SPIRE Controller Manager (SCM) made of it. */
export type SeenOutput = {
  readonly name: string
  /** `namespace/name` of the binding; undefined of somebody else's. */
  readonly owner: string | undefined
  readonly className: string
  readonly createdAt: string
  readonly stats: OutputStats | undefined
}

export function seenOf(manifests: readonly Manifest[]): readonly SeenOutput[] {
  return manifests
    .filter(({ resource }) => resource === clusterSpiffeIdResource)
    .map(({ name, object }) => {
      const { metadata, spec, status } = objectOr(object)
      return {
        name,
        owner: decodeOutput(object).owner,
        className: textOr(field(objectOr(spec), 'className'), ''),
        createdAt: textOr(field(objectOr(metadata), 'creationTimestamp'), ''),
        stats: decodeStats(status),
      }
    })
}

/** What can be seen of SCM itself. It is only read if one of the operator's ClusterSPIFFEIDs waits for it. */
export async function spireSightFor(
  outputs: readonly SeenOutput[],
  { readSpire }: Pick<ClusterReads, 'readSpire'>,
): Promise<SpireSight> {
  const isAnyWaiting = outputs.some(({ owner, stats }) => owner !== undefined && stats === undefined)
  return isAnyWaiting ? readSpire() : { kind: 'seen', leases: [] }
}

/** SCM may be seconds behind; what it has not looked at for longer it does not look at. */
export const processedWithinMs = 30_000

/** SCM renews its Lease every few seconds. If it has not for so long, it does not run. */
const renewedWithinMs = 60_000

/** Why nobody has looked at a ClusterSPIFFEID. */
export type PassedOver = { readonly reason: string; readonly cause: string; readonly fix: string }

/**
 * Why SCM has not processed a ClusterSPIFFEID; undefined while it may still come to it. SCM is down if its Lease is old. If SCM
 * has processed a younger ClusterSPIFFEID and none of this one's class, it looks at another class. Where it has processed some
 * of this class, it may be on its way through the list: what it makes of each is written one after the other.
 */
export function whyPassed(
  one: SeenOutput,
  {
    all,
    spire,
    now,
  }: { readonly all: readonly SeenOutput[]; readonly spire: SpireSight; readonly now: Date },
): PassedOver | undefined {
  const lease = leaseOf(spire, now)
  if (lease && !lease.isRenewed)
    return {
      reason: 'ControllerManagerDown',
      cause: `SPIRE Controller Manager does not run: Lease ${lease.place} was last renewed ${lease.ago} ago`,
      fix: 'start SPIRE Controller Manager; entries are made as soon as it is back',
    }
  const processed = all.filter(({ stats }) => stats !== undefined)
  const age = sinceOf(one.createdAt, now) ?? Number.POSITIVE_INFINITY
  const hasYounger = processed.some(({ createdAt }) => createdAt > one.createdAt)
  const looked = [...new Set(processed.map(({ className }) => className))].toSorted()
  const isOfLookedClass = looked.includes(one.className)
  if (age <= processedWithinMs && (isOfLookedClass || !hasYounger)) return undefined
  if (!isOfLookedClass && (hasYounger || lease)) return ofAnotherClass(one, looked)
  return {
    reason: 'NotProcessed',
    cause: notProcessed(one.className || undefined),
    fix: 'see that SPIRE Controller Manager runs, and that its className is that of the operator (--clusterspiffeid-class-name)',
  }
}

function ofAnotherClass({ name, className }: SeenOutput, looked: readonly string[]): PassedOver {
  const [first = ''] = looked
  return {
    reason: 'AnotherClass',
    cause: `SPIRE Controller Manager runs and passes ClusterSPIFFEID ${name} over, which has ${classWords(className)}: ${looked.length === 0 ? 'it only looks at another class' : `it looks at ${looked.map(classWords).join(', ')}`}`,
    fix:
      looked.length === 0
        ? 'run the operator with the className of SPIRE Controller Manager (--clusterspiffeid-class-name)'
        : `run the operator with --clusterspiffeid-class-name=${first}, or SPIRE Controller Manager with className: ${className || '""'}${className === '' ? ' or watchClassless: true' : ''}`,
  }
}

const classWords = (className: string): string =>
  className === '' ? 'no class' : `class ${JSON.stringify(className)}`

function leaseOf(
  spire: SpireSight,
  now: Date,
): { readonly place: string; readonly ago: string; readonly isRenewed: boolean } | undefined {
  if (spire.kind === 'unseen') return undefined
  const [youngest] = spire.leases.toSorted((a, b) => (a.renewedAt < b.renewedAt ? 1 : -1))
  const since = sinceOf(youngest?.renewedAt, now)
  if (!youngest || since === undefined) return undefined
  return { place: youngest.place, ago: spanOf(since), isRenewed: since <= renewedWithinMs }
}

/** How the operator's ClusterSPIFFEIDs fare. */
export type SpireState = {
  readonly processed: number
  readonly notProcessed: number
  readonly failing: number
  /** How many are where, of those in which something is wrong or masked. */
  readonly fates: { readonly [name in Fate]?: number }
}

export function spireState(all: readonly SeenOutput[]): SpireState {
  const fates: { [name in Fate]?: number } = {}
  const counts = { processed: 0, notProcessed: 0, failing: 0 }
  for (const { owner, stats } of all) {
    if (owner === undefined) continue
    const fate = fateOf(stats)
    fates[fate] = (fates[fate] ?? 0) + 1
    if (fate === 'not_processed') counts.notProcessed += 1
    else if (lacksIdentity(fate)) counts.failing += 1
    else counts.processed += 1
  }
  return { ...counts, fates }
}
