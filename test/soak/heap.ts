import { once } from 'node:events'
import { recordOf } from '../support/embedded/json.ts'

/** Has a Node process listen for a debugger, on a port of its own choice, and say where. */
export const inspected = { NODE_OPTIONS: '--inspect=127.0.0.1:0' } as const

const longestMs = 20_000

/** Bytes that are in use after a collection, by the inspector of a process that was started with `inspected`. */
export async function heapOf(log: string): Promise<number> {
  const [url] = /ws:\/\/127\.0\.0\.1:\d+\/[0-9a-f-]+/.exec(log) ?? []
  if (url === undefined) throw new Error('the process has said nothing of an inspector')
  const signal = AbortSignal.timeout(longestMs)
  const socket = new WebSocket(url)
  const close = (): void => socket.close()
  signal.addEventListener('abort', close)
  try {
    await once(socket, 'open', { signal })
    let id = 0
    const ask = async (method: string): Promise<unknown> => {
      id += 1
      const answered = once(socket, 'message', { signal })
      socket.send(JSON.stringify({ id, method }))
      const [message]: unknown[] = await answered
      const { data } = message instanceof MessageEvent ? message : { data: '' }
      return recordOf(JSON.parse(String(data)))['result']
    }
    // Twice: what the first one finalizes, the second one frees.
    await ask('HeapProfiler.collectGarbage')
    await ask('HeapProfiler.collectGarbage')
    return Number(recordOf(await ask('Runtime.getHeapUsage'))['usedSize'])
  } finally {
    signal.removeEventListener('abort', close)
    close()
  }
}
