import type { Log } from '../../../src/log.ts'
import { pair, serving } from '../serving.ts'

/** A webhook in a process of its own, so that the memory which it reports when asked is of the webhook alone. */
const errors: string[] = []
const ignore = (): void => {}
const error = (_fields: object, message: string): void => void errors.push(message)
const log: Log = { debug: ignore, info: ignore, warn: ignore, error }

const timeouts = { handshake: 2000, headers: 300, body: 300, idle: 500 }
const { url } = await serving({ timeouts, log })

process.on('message', () => {
  globalThis.gc?.()
  process.send?.({ url, ca: pair.ca, heap: process.memoryUsage().heapUsed, errors })
})
process.once('disconnect', () => process.kill(process.pid))
