import { expect, test } from 'vitest'
import { beforeAbort } from '../../src/kube/time-limit.ts'

test('work that fails after it was given up is no unhandled failure', async () => {
  const unhandled: unknown[] = []
  const note = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', note)
  try {
    const signal = AbortSignal.abort(new Error('nobody waits any more'))
    await expect(beforeAbort(signal, Promise.reject(new Error('no credentials')))).rejects.toThrow(
      'nobody waits any more',
    )
    await new Promise(setImmediate)
    expect(unhandled).toEqual([])
  } finally {
    process.off('unhandledRejection', note)
  }
})
