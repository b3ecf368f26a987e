import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** As V8 writes it: `timeDeltas[i]` µs went by before `samples[i]`, the id of a node. */
type Profile = {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

const shown = 15

/** The functions in which a process spent its time, without what they called, from its `.cpuprofile`. */
export async function hottest(directory: string): Promise<readonly string[]> {
  const file = (await readdir(directory)).find((name) => name.endsWith('.cpuprofile'))
  if (file === undefined) return ['there is no profile']
  const profile: Profile = JSON.parse(await readFile(join(directory, file), 'utf8'))
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
  const spent = new Map<string, number>()
  for (const [index, id] of profile.samples.entries()) {
    const name = names.get(id) ?? ''
    spent.set(name, (spent.get(name) ?? 0) + (profile.timeDeltas[index] ?? 0))
  }
  const idle = spent.get('(idle)') ?? 0
  spent.delete('(idle)')
  const busy = spent.values().reduce((sum, time) => sum + time, 0)
  const lines = [...spent]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, shown)
    .map(([name, time]) => `${((100 * time) / busy).toFixed(1).padStart(5)} % ${name}`)
  return [`busy ${(busy / 1e6).toFixed(1)} s, idle ${(idle / 1e6).toFixed(1)} s`, ...lines]
}

function nameOf({ functionName, url, lineNumber }: Profile['nodes'][number]['callFrame']): string {
  const place = url.replace(/^.*\/(?=(?:src|certs|node_modules)\/)/, '')
  return `${functionName || '(anonymous)'}${place === '' ? '' : ` ${place}:${lineNumber + 1}`}`
}
