export type StopSignals = {
  readonly first: Promise<NodeJS.Signals>
  readonly second: Promise<NodeJS.Signals>
}

/**
 * The first signal asks the operator to stop, the second one to stop at once. The listeners are added before the
 * operator is loaded, because process 1 of a container ignores signals that it has no listener for.
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
