import type { Clock } from '../core/clock.ts'
import { leaseResource } from '../core/resources.ts'
import { isAbsent } from './answer.ts'
import { type Answer, type Call, type Client, failureWords, resourcePath } from './client.ts'
import { decodeLease, type LeaseRecord, newLease, releasedLease, takenLease } from './lease-record.ts'
import type { Log } from './log.ts'

type LockOptions = {
  readonly client: Pick<Client, 'call'>
  readonly namespace: string
  readonly name: string
  readonly identity: string
  readonly durationMs: number
  /** For one request, in ms. Shorter than the deadline, so that a renewal that hangs leaves time for another. */
  readonly timeoutMs: number
  readonly clock: Clock
  readonly log: Log
}

/** One Lease, taken and kept by compare-and-swap on its resourceVersion. */
export class LeaseLock {
  readonly #options: LockOptions
  readonly #seconds: number
  readonly #path: string
  /**
   * The Lease as last seen, and when its term last changed by our own clock. Times that others wrote into the Lease
   * decide nothing, since clocks differ.
   */
  #observed: { readonly record: LeaseRecord; readonly since: number } | undefined

  constructor(options: LockOptions) {
    this.#options = options
    this.#seconds = Math.round(options.durationMs / 1000)
    this.#path = resourcePath(leaseResource, { namespace: options.namespace, name: options.name })
  }

  /** Empty for nobody. */
  get holder(): string {
    return this.#observed?.record.holder ?? ''
  }

  /**
   * Writes over the version that this replica wrote last. The Lease is read only if that version is no longer the
   * current one, so that a renewal usually is one request.
   */
  async renew(): Promise<boolean> {
    if (!this.#observed || !this.#isOurs(this.#observed.record)) return this.acquire()
    const answer = await this.#take(this.#observed.record)
    return answer.kind === 'ok' || ((isConflict(answer) || isAbsent(answer)) && (await this.acquire()))
  }

  /** Takes the Lease if nobody holds it, if its holder let it lapse, or if it is ours already. */
  async acquire(): Promise<boolean> {
    const { clock, log } = this.#options
    const answer = await this.#look()
    if (isAbsent(answer)) return this.#create()
    if (answer.kind !== 'ok' || !this.#observed) return false
    const { record, since } = this.#observed
    const isFree = record.holder === '' || this.#isOurs(record) || clock.now() >= since + record.durationMs
    if (!isFree) {
      log.debug({ holder: record.holder }, 'the Lease is held by another')
      return false
    }
    return (await this.#take(record)).kind === 'ok'
  }

  /**
   * Gives the Lease back if this replica holds it. After a conflict once more: a renewal whose answer was lost may
   * have arrived.
   */
  async release(): Promise<void> {
    for (let tries = 0; tries < 2; tries += 1) {
      if (!this.#observed || !this.#isOurs(this.#observed.record)) return
      const body = releasedLease(this.#observed.record, this.#options.clock.date())
      if (!isConflict(await this.#send({ method: 'PUT', path: this.#path, body }))) return
      await this.#look()
    }
  }

  #isOurs({ holder }: LeaseRecord): boolean {
    return holder === this.#options.identity
  }

  #take(record: LeaseRecord): Promise<Answer> {
    const { identity, clock } = this.#options
    return this.#send({
      method: 'PUT',
      path: this.#path,
      body: takenLease(record, identity, this.#seconds, clock.date()),
    })
  }

  async #create(): Promise<boolean> {
    const { namespace, name, identity, clock } = this.#options
    const body = newLease(namespace, name, identity, this.#seconds, clock.date())
    const answer = await this.#send({
      method: 'POST',
      path: resourcePath(leaseResource, { namespace }),
      body,
    })
    return answer.kind === 'ok'
  }

  #look(): Promise<Answer> {
    return this.#send({ method: 'GET', path: this.#path })
  }

  async #send(call: Call): Promise<Answer> {
    const { client, clock, timeoutMs, log } = this.#options
    const cut = new AbortController()
    const cancel = clock.after(timeoutMs, () =>
      cut.abort(new Error(`no answer within ${timeoutMs / 1000} s`)),
    )
    const answer = await client.call({ ...call, signal: cut.signal })
    cancel()
    if (answer.kind === 'ok') this.#observe(answer.body)
    else if (!isAbsent(answer))
      log.warn({ why: failureWords(answer), method: call.method }, 'a Lease request failed')
    return answer
  }

  #observe(body: unknown): void {
    const record = decodeLease(body)
    const sameTerm = record !== undefined && record.term === this.#observed?.record.term
    const since = sameTerm && this.#observed ? this.#observed.since : this.#options.clock.now()
    this.#observed = record && { record, since }
  }
}

const isConflict = (answer: Answer): boolean => answer.kind === 'refused' && answer.code === 409
