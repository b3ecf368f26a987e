import { field, isObject, numberOr, objectOr } from './json.ts'

/** `status.stats` of a ClusterSPIFFEID: what SPIRE Controller Manager (SCM) made of it when it last went through all. */
export type OutputStats = {
  readonly namespacesIgnored: number
  readonly podsSelected: number
  readonly podEntryRenderFailures: number
  readonly entriesMasked: number
  readonly entriesToSet: number
  readonly entryFailures: number
}

/**
 * Undefined if SCM has not processed it. SCM writes all numbers together, so that one missing number means none was
 * written.
 */
export function decodeStats(status: unknown): OutputStats | undefined {
  const stats = field(objectOr(status), 'stats')
  if (!isObject(stats)) return undefined
  const count = (name: keyof OutputStats): number => numberOr(field(stats, name), 0)
  return {
    namespacesIgnored: count('namespacesIgnored'),
    podsSelected: count('podsSelected'),
    podEntryRenderFailures: count('podEntryRenderFailures'),
    entriesMasked: count('entriesMasked'),
    entriesToSet: count('entriesToSet'),
    entryFailures: count('entryFailures'),
  }
}

/** What SCM made of an output. The first of these that applies counts. */
export const fates = [
  'not_processed',
  'namespace_ignored',
  'render_failures',
  'entry_failures',
  'masked',
  'no_pods',
  'entries',
] as const
export type Fate = (typeof fates)[number]

export function fateOf(stats: OutputStats | undefined): Fate {
  if (!stats) return 'not_processed'
  if (stats.namespacesIgnored > 0) return 'namespace_ignored'
  if (stats.podEntryRenderFailures > 0) return 'render_failures'
  if (stats.entryFailures > 0) return 'entry_failures'
  if (stats.entriesMasked > 0) return 'masked'
  return stats.podsSelected === 0 ? 'no_pods' : 'entries'
}

/**
 * Whether workloads lack their identity in this state. A masked entry is no trouble: an equal entry of another
 * ClusterSPIFFEID serves the workload.
 */
export const lacksIdentity = (fate: Fate): boolean =>
  fate === 'not_processed' ||
  fate === 'namespace_ignored' ||
  fate === 'render_failures' ||
  fate === 'entry_failures'

/** Why SCM may not have processed an output: it writes no status for objects of another class. */
export const notProcessed = (className: string | undefined): string =>
  `SPIRE Controller Manager has not looked at it: it does not run, or it only looks at ${className === undefined ? 'a class, and this one has none (its className, with watchClassless: false)' : `another class than ${JSON.stringify(className)}`}`

/** The statistics in sentences. `none` is the sentence for an output without statistics. */
export function statsWords(stats: OutputStats | undefined, none: string): readonly string[] {
  if (!stats) return [none]
  const of = `of ${stats.podsSelected}`
  return [
    ...(stats.namespacesIgnored > 0
      ? ['its namespace is ignored: SPIRE Controller Manager has it among its ignoreNamespaces']
      : []),
    ...(stats.podEntryRenderFailures > 0
      ? [
          `no entry could be made for ${stats.podEntryRenderFailures} ${of} pods: most likely SPIRE Controller Manager is of another trust domain`,
        ]
      : []),
    ...(stats.entryFailures > 0
      ? [
          `the SPIRE server refused ${stats.entryFailures} entries; the log of SPIRE Controller Manager says why`,
        ]
      : []),
    ...(stats.entriesMasked > 0
      ? [`${stats.entriesMasked} entries are masked: an older ClusterSPIFFEID gives the same ones`]
      : []),
    `${stats.podsSelected} pods selected, ${stats.entriesToSet} entries`,
  ]
}
