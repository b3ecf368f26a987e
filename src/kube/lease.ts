import type { Clock } from '../core/clock.ts'
import type { Client } from './client.ts'
import { sleep, systemClock } from './clock.ts'
import { LeaseLock } from './lease-lock.ts'
import { type Log, silent } from './log.ts'

export type LeaseTimings = {
  /** How long others leave the Lease alone after its last renewal; whole seconds. */
  readonly durationMs: number
  /** How long after the last renewal the leader still acts. */
  readonly deadlineMs: number
  readonly retryMs: number
}

/**
 * The timings of client-go's defaults, which cluster operators know: 15 s until others may take over, 10 s for the
 * leader itself, a try every 2 s.
 */
const usualLeaseTimings: LeaseTimings = { durationMs: 15_000, deadlineMs: 10_000, retryMs: 2000 }

export type CampaignOptions = {
  readonly client: Pick<Client, 'call'>
  readonly namespace: string
  readonly name: string
  /** Must belong to this process alone: a Lease with this holder counts as held by us. */
  readonly identity: string
  /** A term begins. */
  readonly onStartedLeading: () => void
  /** It ended. No other term begins before this is done. */
  readonly onStoppedLeading: () => void | Promise<void>
  readonly clock?: Clock
  readonly random?: () => number
  readonly log?: Log
  readonly timings?: LeaseTimings
}

export type Campaign = {
  /**
   * Whether this process may write; to be asked before every write. The local monotonic clock alone decides, so that a
   * process which was frozen and wakes gets a no.
   */
  readonly isLeading: () => boolean
  /** Who was last seen to hold the Lease; empty for nobody. */
  readonly holder: string
  /**
   * Ends the campaign. The Lease is kept until `drained` settles and only then given back, so that no successor begins
   * while work is under way.
   */
  readonly stop: (drained: Promise<void>) => Promise<void>
}

/** Stands for election, term after term, until it is stopped. The semantics are those of client-go's leaderelection. */
export function campaign(options: CampaignOptions): Campaign {
  const elector = new Elector(options)
  const running = elector.run()
  return {
    isLeading: () => elector.isLeading(),
    get holder() {
      return elector.holder
    },
    async stop(drained) {
      elector.windUp()
      await drained.catch(() => {})
      elector.resign()
      await running
    },
  }
}

class Elector {
  readonly #options: CampaignOptions
  readonly #timings: LeaseTimings
  readonly #clock: Clock
  readonly #log: Log
  readonly #lock: LeaseLock
  readonly #windingUp = new AbortController()
  readonly #resigned = new AbortController()
  /** By our clock, and counted from before the request that took or renewed the Lease. */
  #leadsUntil = Number.NEGATIVE_INFINITY

  constructor(options: CampaignOptions) {
    const { clock = systemClock, log = silent, timings = usualLeaseTimings } = options
    this.#options = options
    this.#timings = timings
    this.#clock = clock
    this.#log = log
    const { durationMs, deadlineMs } = timings
    this.#lock = new LeaseLock({ ...options, clock, log, durationMs, timeoutMs: deadlineMs / 2 })
  }

  get holder(): string {
    return this.#lock.holder
  }

  isLeading(): boolean {
    return this.#clock.now() < this.#leadsUntil
  }

  windUp(): void {
    this.#windingUp.abort()
  }

  resign(): void {
    this.#resigned.abort()
  }

  async run(): Promise<void> {
    const { random = Math.random } = this.#options
    while (!this.#windingUp.signal.aborted) {
      await this.#stand()
      if (this.isLeading()) await this.#lead()
      else await sleep(this.#clock, this.#timings.retryMs * (1 + 1.2 * random()), this.#windingUp.signal)
    }
  }

  async #stand(): Promise<void> {
    const before = this.#clock.now()
    if (!(await this.#lock.acquire())) return
    if (this.#windingUp.signal.aborted) await this.#lock.release()
    else this.#leadsUntil = before + this.#timings.deadlineMs
  }

  async #lead(): Promise<void> {
    const { onStartedLeading, onStoppedLeading, identity } = this.#options
    this.#log.info({ identity }, 'leading')
    await this.#guard(onStartedLeading)
    await this.#renewUntilOver()
    const isOurs = this.isLeading()
    this.#leadsUntil = Number.NEGATIVE_INFINITY
    if (isOurs) await this.#lock.release()
    else this.#log.error({ identity, holder: this.holder }, 'leadership was lost')
    await this.#guard(onStoppedLeading)
  }

  /** Returns once resigned, or once the term is lost: past its deadline, or the Lease in other hands. */
  async #renewUntilOver(): Promise<void> {
    for (;;) {
      // Not past the deadline, so that a term that can't be renewed ends there and not at the next try.
      const leftMs = this.#leadsUntil - this.#clock.now()
      await sleep(this.#clock, Math.min(this.#timings.retryMs, leftMs), this.#resigned.signal)
      if (this.#resigned.signal.aborted || !this.isLeading()) return
      const before = this.#clock.now()
      const renewed = await this.#lock.renew()
      // A renewal that comes after the deadline is too late: since then `isLeading` has said no, and nothing was written.
      if (!this.isLeading()) return
      if (renewed) {
        this.#leadsUntil = before + this.#timings.deadlineMs
      } else if (this.holder !== this.#options.identity) {
        this.#leadsUntil = Number.NEGATIVE_INFINITY
        return
      }
    }
  }

  async #guard(run: () => void | Promise<void>): Promise<void> {
    try {
      await run()
    } catch (error) {
      this.#log.error({ err: error }, 'a callback of leader election threw')
    }
  }
}
