import { stringify } from 'yaml'
import type { Checked } from '../assess.ts'

/**
 * The ClusterSPIFFEIDs, sorted by name, so that two such files are easy to compare. A label `yes` is quoted: kubectl
 * reads YAML 1.1.
 */
export function yamlOf(all: readonly Checked[]): string {
  const outputs = new Map(
    all.flatMap((one) => {
      const output = one.kind === 'binding' ? one.assessment.clusterSpiffeId : undefined
      return output ? [[output.metadata.name, output]] : []
    }),
  )
  return [...outputs]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, output]) => `---\n${stringify(output, { lineWidth: 0, compat: 'yaml-1.1' })}`)
    .join('')
}
