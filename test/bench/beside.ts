import { setTimeout as wait } from 'node:timers/promises'
import type { Samples } from './statistics.ts'
import { timed } from './waiting.ts'

/** A pause between two requests, so that the requests alone do not keep anybody busy. */
const pauseMs = 10

/** How long a request takes, sent again and again, one after the other, for as long as some work lasts. */
export async function beside(
  request: () => Promise<unknown>,
  work: () => Promise<unknown>,
): Promise<Samples> {
  const taken: number[] = []
  const over = new AbortController()
  const asking = async (): Promise<void> => {
    while (!over.signal.aborted) {
      taken.push(await timed(request))
      await wait(pauseMs)
    }
  }
  await Promise.all([work().finally(() => over.abort()), asking()])
  return taken
}
