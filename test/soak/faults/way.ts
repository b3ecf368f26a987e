/** What goes wrong between a replica and its API server. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault as ProxyFault, Match } from '../../support/fault-proxy/faults.ts'
import type { FaultProxy } from '../../support/fault-proxy/proxy.ts'
import { slowRequestMs, type Blinds } from '../history.ts'
import type { Slot } from '../site.ts'
import { longMs, usualMs, type Fault, type Stage } from './stage.ts'

/** The replicas whose way to the API server a fault hits: all of them, the leader, or any one. */
async function chosen({ site, random }: Stage): Promise<{ slots: readonly Slot[]; hitsLeader: boolean }> {
  const leader = await site.leader()
  const slots = random.chance(0.4)
    ? site.slots
    : [leader && random.chance(0.8) ? leader : random.pick(site.slots)]
  return { slots, hitsLeader: leader === undefined || slots.includes(leader) }
}

/**
 * @param blinds what the leader can't do while it lasts
 * @param begin has it go wrong, and gives what ends that
 */
const onTheWay =
  (
    name: string,
    blinds: Exclude<Blinds, 'outputs'>,
    begin: (proxy: FaultProxy, stage: Stage) => Promise<() => Promise<void>>,
  ): Fault =>
  async (stage) => {
    const { site, recorder, random } = stage
    const { slots, hitsLeader } = await chosen(stage)
    const isBlinding = blinds === 'everything' && hitsLeader
    const over = recorder.fault(
      `${name} (${slots.length === 1 ? (hitsLeader ? 'the leader' : 'one that waits') : 'all'})`,
      hitsLeader ? blinds : 'nothing',
    )
    const ends = await Promise.all(slots.map(({ proxy }) => begin(proxy, stage)))
    const [shortest, longest] = random.chance(0.25) ? longMs : usualMs
    await sleep(random.between(shortest, longest))
    await Promise.all(ends.map((end) => end()))
    // The leader could not renew the Lease and has lost it: no replica acts until one of them has the Lease.
    if (isBlinding) await site.ledAgain()
    over()
  }

const injected =
  (fault: ProxyFault, match: Match = {}, times = Infinity) =>
  (proxy: FaultProxy): Promise<() => Promise<void>> => {
    const { lift } = proxy.faults.inject(match, fault, times)
    return Promise.resolve(() => Promise.resolve(lift()))
  }

const writes = /^(?:POST|PUT|PATCH|DELETE)$/
/** The requests of the loop. Those for the Lease are left out, since a replica that can't read the Lease does not lead. */
const ofTheLoop = /\/(?:clusterspiffeids|inferenceidentitybindings|inferencepools|inferenceobjectives)\b/
const nothing = (): Promise<void> => Promise.resolve()

export const wayFaults: Readonly<Record<string, Fault>> = {
  'API server answers 500': onTheWay('API server answers 500', 'everything', async (proxy) => {
    const end = await injected({ kind: 'status', code: 500 })(proxy)
    proxy.cutWatches()
    return end
  }),
  'API server answers 500 to writes': onTheWay(
    'API server answers 500 to writes',
    'everything',
    injected({ kind: 'status', code: 500 }, { method: writes }),
  ),
  'API server answers 500 to reads': onTheWay(
    'API server answers 500 to reads',
    'everything',
    injected({ kind: 'status', code: 500 }, { method: 'GET', watch: false, path: ofTheLoop }),
  ),
  'API server answers 429': onTheWay(
    'API server answers 429',
    'everything',
    injected({ kind: 'status', code: 429, retryAfterSeconds: 1 }, { watch: false }),
  ),
  'API server answers nothing': onTheWay('API server answers nothing', 'everything', async (proxy) => {
    const end = await injected({ kind: 'silence' }, { watch: false })(proxy)
    return async () => {
      await end()
      // Otherwise the replica would wait for the answers that never came until their time limit.
      await proxy.down()
      await proxy.up()
    }
  }),
  'API server is slow': onTheWay(
    'API server is slow',
    'haste',
    injected({ kind: 'slow', ms: slowRequestMs }),
  ),
  'answers are lost': onTheWay(
    'answers are lost',
    'nothing',
    injected({ kind: 'lostResponse' }, { method: writes }, 5),
  ),
  'API server is unreachable': onTheWay('API server is unreachable', 'everything', async (proxy) => {
    await proxy.down()
    return () => proxy.up()
  }),
  'watches are cut': onTheWay('watches are cut', 'nothing', (proxy) => {
    proxy.cutWatches()
    return Promise.resolve(nothing)
  }),
  'watches expire': onTheWay('watches expire', 'nothing', (proxy) => {
    proxy.expireWatches()
    return Promise.resolve(nothing)
  }),
}
