import type { Dispatcher } from 'undici'

/**
 * Sends each request only if `mayStart` still says so right before it is written to its connection. A request can wait
 * for a connection, and a process can be frozen meanwhile: when it wakes, the connection is there, and the request would
 * be written before any timer of the process has run.
 *
 * A request that may not start fails, and closes the connection that it was meant for.
 */
export const atTheLastMoment =
  (mayStart: () => boolean): Dispatcher.DispatcherComposeInterceptor =>
  (dispatch) =>
  (options, handler) =>
    dispatch(options, {
      onRequestStart: (controller, context) => {
        handler.onRequestStart?.(controller, context)
        if (!mayStart()) controller.abort(new Error('it was too late to send the request'))
      },
      onRequestUpgrade: (...args) => handler.onRequestUpgrade?.(...args),
      onResponseStart: (...args) => handler.onResponseStart?.(...args),
      onResponseData: (...args) => handler.onResponseData?.(...args),
      onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
      onResponseError: (...args) => handler.onResponseError?.(...args),
    })
