/**
 * Waits for work that takes no signal of its own, such as an exec plugin for credentials, which can hang.
 *
 * @throws the reason of the signal, where that aborts first
 */
export async function beforeAbort<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  // After an abort nobody waits for the work any more: its failure would end the process as an unhandled rejection.
  work.catch(() => {})
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const give = (): void => reject(signal.reason)
  signal.addEventListener('abort', give)
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', give)
  }
}

/** The caller's signal and a time limit in one. Cheaper than AbortSignal.any on a signal that lives for hours. */
export function timeLimit(
  ms: number,
  signal: AbortSignal | undefined,
): { readonly signal: AbortSignal } & Disposable {
  const cut = new AbortController()
  const follow = () => cut.abort(signal?.reason)
  const timer = setTimeout(() => cut.abort(new Error(`no answer within ${ms / 1000} s`)), ms)
  if (signal?.aborted) follow()
  signal?.addEventListener('abort', follow)
  return {
    signal: cut.signal,
    [Symbol.dispose]() {
      clearTimeout(timer)
      signal?.removeEventListener('abort', follow)
    },
  }
}
