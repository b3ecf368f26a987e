import { recordOf } from '../support/embedded/json.ts'

/** Has a Node process listen for a debugger, on a port of its own choice, and say where. */
export const inspected = { NODE_OPTIONS: '--inspect=127.0.0.1:0' } as const

/**
 * Bytes of a heap. `code` are those of `all` in which V8 keeps machine code, bytecode and what belongs to both. They grow for as
 * long as functions become hot for the first time, which takes hours where a fault is rare, and not with what the program keeps.
 * Whatever else V8 keeps of the program, as its sources and the shapes of objects, is counted as data.
 */
export type HeapUse = { readonly all: number; readonly code: number }

const longestMs = 20_000

const spacesOfCode = ['code_space', 'code_large_object_space', 'trusted_space', 'trusted_large_object_space']

/** Runs in the process that is measured. */
const expression = `(() => {
  const { getHeapSpaceStatistics, getHeapStatistics } = process.getBuiltinModule('node:v8')
  const spaces = getHeapSpaceStatistics().filter(({ space_name }) => ${JSON.stringify(spacesOfCode)}.includes(space_name))
  return {
    all: getHeapStatistics().used_heap_size,
    code: spaces.reduce((sum, { space_used_size }) => sum + space_used_size, 0),
  }
})()`

const requests = [
  // Two collections: what the first one finalizes, the second one frees.
  { method: 'HeapProfiler.collectGarbage' },
  { method: 'HeapProfiler.collectGarbage' },
  { method: 'Runtime.evaluate', params: { expression, returnByValue: true } },
]

/** What is in use after a collection, by the inspector of a process that was started with `inspected`. */
export async function heapOf(log: string): Promise<HeapUse> {
  const [url] = /ws:\/\/127\.0\.0\.1:\d+\/[0-9a-f-]+/.exec(log) ?? []
  if (url === undefined) throw new Error('the process has said nothing of an inspector')
  const { promise, resolve, reject } = Promise.withResolvers<HeapUse>()
  const socket = new WebSocket(url)
  const ask = (id: number): void => socket.send(JSON.stringify({ id, ...requests[id] }))
  socket.addEventListener('open', () => ask(0))
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = recordOf(JSON.parse(String(data)))
    if (typeof id !== 'number') return
    if (id + 1 < requests.length) return ask(id + 1)
    const { all, code } = recordOf(recordOf(recordOf(result)['result'])['value'])
    if (typeof all === 'number' && typeof code === 'number' && code > 0) resolve({ all, code })
    else reject(new Error(`the inspector answers ${String(data)}`))
  })
  socket.addEventListener('close', () => reject(new Error('the inspector closed the connection')))
  const limit = setTimeout(() => reject(new Error('the inspector does not answer')), longestMs)
  try {
    return await promise
  } finally {
    clearTimeout(limit)
    socket.close()
  }
}
