import { expect, test } from 'vitest'
import type { SpireSight } from '../../src/cli/cluster.ts'
import { ago, look, settled, withOutput } from '../cli/looking.ts'
import { binding, objective, pool } from '../support/builders.ts'
import { readPage } from './pages.ts'

const stats = { namespacesSelected: 1, podsSelected: 1, entriesToSet: 1 }

const down: SpireSight = { kind: 'seen', leases: [{ place: 'spire/x.spiffe.io', renewedAt: ago(300) }] }
const running: SpireSight = { kind: 'seen', leases: [{ place: 'spire/x.spiffe.io', renewedAt: ago(2) }] }

/** What SPIRE Controller Manager may have left of a ClusterSPIFFEID, and whether its Lease is renewed, in the order of the table. */
const fates: readonly { readonly made?: object; readonly spire?: SpireSight }[] = [
  { spire: down },
  {},
  { spire: running },
  { made: { ...stats, namespacesIgnored: 1 } },
  { made: { ...stats, podEntryRenderFailures: 1 } },
  { made: { ...stats, entryFailures: 1 } },
  { made: { ...stats, podsSelected: 0, entriesToSet: 0 } },
  { made: { ...stats, entriesMasked: 1 } },
]

test('docs/spire.md quotes what inspect says of a ClusterSPIFFEID, each in its row', async () => {
  const objects = await settled(binding(), [pool(), objective()])
  const printed = await Promise.all(
    fates.map(async ({ made, spire }) => {
      const there = withOutput(objects, (one) => ({ ...one, status: made && { stats: made } }))
      return (await look(there, { around: spire ? { spire } : {} })).stdout
    }),
  )
  const table = readPage('docs/spire.md').split('| `inspect` says |')[1]?.split('\n\n')[0] ?? ''
  const quoted = [...table.matchAll(/^ *\| `(.+?)` \|/gm)].map(([, words = '']) => words.split(' … '))
  expect(quoted).toHaveLength(fates.length)
  const isSaid = (parts: readonly string[], row: number): boolean =>
    parts.every((part) => printed[row]?.includes(part))
  expect(quoted.filter((parts, row) => !isSaid(parts, row))).toEqual([])
})
