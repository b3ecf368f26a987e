export type Samples = readonly number[]

/** By linear interpolation between the two nearest ranks; NaN without samples. */
export function quantile(samples: Samples, q: number): number {
  const sorted = samples.toSorted((a, b) => a - b)
  const rank = q * (sorted.length - 1)
  const below = sorted[Math.floor(rank)] ?? Number.NaN
  const above = sorted[Math.ceil(rank)] ?? Number.NaN
  return below + (above - below) * (rank - Math.floor(rank))
}

export const median = (samples: Samples): number => quantile(samples, 0.5)

/** Runs two measurements in turns, A B A B, so that what slows the machine down slows both. */
export async function alternate(
  rounds: number,
  a: () => Promise<number>,
  b: () => Promise<number>,
): Promise<{ readonly a: Samples; readonly b: Samples }> {
  const [as, bs]: [number[], number[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    as.push(await a())
    bs.push(await b())
  }
  return { a: as, b: bs }
}
