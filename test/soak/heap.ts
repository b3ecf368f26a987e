import { recordOf } from '../support/embedded/json.ts'

/** Has a Node process listen for a debugger, on a port of its own choice, and say where. */
export const inspected = { NODE_OPTIONS: '--inspect=127.0.0.1:0' } as const

const longestMs = 20_000

/** Bytes that are in use after a collection, by the inspector of a process that was started with `inspected`. */
export async function heapOf(log: string): Promise<number> {
  const [url] = /ws:\/\/127\.0\.0\.1:\d+\/[0-9a-f-]+/.exec(log) ?? []
  if (url === undefined) throw new Error('the process has said nothing of an inspector')
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const socket = new WebSocket(url)
  const ask = (id: number, method: string): void => socket.send(JSON.stringify({ id, method }))
  // Two collections: what the first one finalizes, the second one frees.
  const next = (done: number): void =>
    ask(done, done < 2 ? 'HeapProfiler.collectGarbage' : 'Runtime.getHeapUsage')
  socket.addEventListener('open', () => next(0))
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = recordOf(JSON.parse(String(data)))
    if (typeof id !== 'number') return
    if (id < 2) next(id + 1)
    else resolve(Number(recordOf(result)['usedSize']))
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
