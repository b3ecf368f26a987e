import * as fc from 'fast-check'
import type { Fault, Match } from '../../support/fault-proxy/faults.ts'
import type { FaultProxy } from '../../support/fault-proxy/proxy.ts'

/** What befalls the way to the API server. */
export type Weather =
  | { readonly kind: 'fault'; readonly of: 'writes' | 'all'; readonly fault: Fault; readonly times: number }
  | { readonly kind: 'cutWatches' | 'silenceWatches' | 'expireWatches'; readonly of: string }
  | { readonly kind: 'forgetHistory' | 'outage' | 'calm' }

export const weathers: fc.Arbitrary<Weather> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ kind: 'calm' }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('fault'),
      of: fc.constantFrom('writes', 'all'),
      times: fc.integer({ min: 1, max: 6 }),
      fault: fc.constantFrom<Fault>(
        { kind: 'status', code: 500 },
        { kind: 'status', code: 429, retryAfterSeconds: 0 },
        { kind: 'expired' },
        { kind: 'reset' },
        { kind: 'lostResponse' },
        { kind: 'lostResponse' },
        { kind: 'silence' },
        { kind: 'slow', ms: 100 },
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('cutWatches', 'silenceWatches', 'expireWatches'),
      // Either all watches fall silent or those of one kind, which then lags behind the others.
      of: fc.constantFrom('', 'clusterspiffeids', 'inferenceidentitybindings'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('forgetHistory', 'outage') }) },
)

const writes: Match = { method: /^(?:POST|PUT|PATCH|DELETE)$/ }

export async function brew(
  weather: Weather,
  proxy: FaultProxy,
  api: { readonly forgetHistory: () => void },
): Promise<void> {
  switch (weather.kind) {
    case 'fault':
      proxy.faults.inject(weather.of === 'writes' ? writes : {}, weather.fault, weather.times)
      break
    case 'cutWatches':
    case 'silenceWatches':
    case 'expireWatches':
      proxy[weather.kind]({ path: new RegExp(weather.of) })
      break
    case 'forgetHistory':
      api.forgetHistory()
      break
    case 'outage':
      await proxy.down()
      await proxy.up()
      break
    case 'calm':
      break
  }
}
