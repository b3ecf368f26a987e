export type StopSignals = {
  readonly first: Promise<NodeJS.Signals>
  readonly second: Promise<NodeJS.Signals>
}

/**
 * The first signal asks to stop, the second one to do so at once. Both are listened for before the operator is even
 * loaded: as process 1 of a container, nothing but a listener ends the process.
 */
export function stopSignals(): StopSignals {
  const first = Promise.withResolvers<NodeJS.Signals>()
  const second = Promise.withResolvers<NodeJS.Signals>()
  let asked = false
  const stop = (signal: NodeJS.Signals): void => {
    if (asked) second.resolve(signal)
    else first.resolve(signal)
    asked = true
  }
  process.on('SIGTERM', stop).on('SIGINT', stop)
  return { first: first.promise, second: second.promise }
}
