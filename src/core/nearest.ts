/** The candidate that is a typing error away from `text`, if any. */
export function nearest(text: string, candidates: readonly string[]): string | undefined {
  const allowed = Math.min(3, Math.floor(text.length / 3))
  if (text.length > 64) return undefined
  return candidates
    .map((candidate) => ({ candidate, distance: editDistance(text.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= allowed)
    .toSorted((a, b) => a.distance - b.distance)[0]?.candidate
}

/** Levenshtein's distance, computed row by row. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: Array.from(b).length + 1 }, (_, at) => at)
  for (const [at, letter] of Array.from(a).entries()) {
    const next = [at + 1]
    for (const [under, other] of Array.from(b).entries()) {
      const insert = (next[under] ?? 0) + 1
      const remove = (row[under + 1] ?? 0) + 1
      next.push(Math.min(insert, remove, (row[under] ?? 0) + (letter === other ? 0 : 1)))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
