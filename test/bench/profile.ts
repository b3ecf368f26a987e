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

type Frame = Profile['nodes'][number]['callFrame']

/** Where a process spent its time, without what was called from there, from its `.cpuprofile`: by part and by function. */
export async function hottest(directory: string): Promise<readonly string[]> {
  const file = (await readdir(directory)).find((name) => name.endsWith('.cpuprofile'))
  if (file === undefined) return ['there is no profile']
  const profile: Profile = JSON.parse(await readFile(join(directory, file), 'utf8'))
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]))
  const functions = new Map<string, number>()
  const parts = new Map<string, number>()
  let [busy, idle] = [0, 0]
  for (const [index, id] of profile.samples.entries()) {
    const frame = frames.get(id)
    const time = profile.timeDeltas[index] ?? 0
    if (frame === undefined || frame.functionName === '(idle)') {
      idle += time
      continue
    }
    busy += time
    add(functions, nameOf(frame), time)
    add(parts, partOf(frame), time)
  }
  return [
    `busy ${seconds(busy)}, idle ${seconds(idle)}`,
    ...top(parts, 12, busy),
    ...top(functions, 15, busy),
  ]
}

const seconds = (micros: number): string => `${(micros / 1e6).toFixed(1)} s`

const add = (times: Map<string, number>, name: string, time: number): void =>
  void times.set(name, (times.get(name) ?? 0) + time)

const top = (times: ReadonlyMap<string, number>, count: number, whole: number): readonly string[] =>
  [...times]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([name, time]) => `${((100 * time) / whole).toFixed(1).padStart(5)} % ${name}`)

const placeOf = (url: string): string => url.replace(/^.*\/(?=(?:src|certs|node_modules)\/)/, '')

const nameOf = ({ functionName, url, lineNumber }: Frame): string =>
  `${functionName || '(anonymous)'}${url === '' ? '' : ` ${placeOf(url)}:${lineNumber + 1}`}`

/** Where a function is from: a folder of ours, a package, or a module of Node. Native code has no such place. */
function partOf({ functionName, url }: Frame): string {
  if (url === '') return functionName.startsWith('(') ? functionName : '(native)'
  return (
    /^(?:node_modules\/(?:@[^/]+\/)?[^/]+|node:(?:internal\/)?[^/]+|[^/]+\/[^/]+)/.exec(placeOf(url))?.[0] ??
    url
  )
}
