import type { Clock } from '../core/clock.ts'

type BudgetOptions = {
  /** How many runs may be under way at most. */
  readonly most: number
  readonly clock: Pick<Clock, 'now' | 'after'>
}

/** So many runs may always be under way: three for each of two cores, so that such an API server has something to do while we read its answers. */
const leastRuns = 6

/**
 * After this long a call hangs: on somebody's webhook, or on a connection that is dead. That costs the API server nothing, so another run
 * may begin; else a few such bindings would keep all others waiting until their calls have timed out.
 */
const hangsAfterMs = 2_000

/**
 * Answers that take this many times as long as calm ones show that the API server has more to do than it can. One call at a time has
 * answers of up to twice the shortest time, with nothing in its way but the API server's own work.
 */
const slowFrom = 3

/** What is left of the budget after a round of slow answers. */
const shrinkTo = 0.75

/** Fewer answers than these could be slow by chance. */
const leastAnswers = 8

/** A calm answer time counts for one to two of these, in which the API server may become another one. */
const calmForMs = 60_000

/**
 * How many runs of the loop may be under way. The API server serves people, too: with more of our calls than it has cores for, its
 * answers only take longer, those to others as well.
 *
 * As TCP finds out how much a network takes: after each round of answers in which they come as fast as when there is little to do,
 * one run more; after a round in which they are slow, a quarter less. A round is as many answers as there may be runs. It is
 * judged by its median, so that a pause of somebody's garbage collection does not count as much to do.
 */
export class Budget {
  readonly #most: number
  readonly #clock: BudgetOptions['clock']
  readonly #calm: CalmTimes
  #runs: number
  #hanging = 0
  #isLifted = false
  /** Of each answer of this round: how many times as long as a calm one it took. */
  #round: number[] = []
  #grown = Promise.withResolvers<void>()

  constructor({ most, clock }: BudgetOptions) {
    this.#most = most
    this.#clock = clock
    this.#calm = new CalmTimes(clock.now)
    this.#runs = Math.min(leastRuns, most)
  }

  get runsAllowed(): number {
    return this.#isLifted ? Infinity : this.#runs + this.#hanging
  }

  /** What a run has to wait for if it would be one of more than `runsAllowed`; to be asked again after each wait. */
  wait(number: number): Promise<void> | undefined {
    return number <= this.runsAllowed ? undefined : this.#grown.promise
  }

  /** Nobody waits any more. */
  lift(): void {
    this.#isLifted = true
    this.#grow()
  }

  /**
   * Measures a call of the API server. Calls of one kind take about the same time. `isAnswer` tells whether what the call resolves to
   * is an answer by which calls of its kind can be compared.
   */
  async measured<T>(kind: string, call: () => Promise<T>, isAnswer: (value: T) => boolean): Promise<T> {
    const started = this.#clock.now()
    using _ = this.#place()
    const value = await call()
    if (isAnswer(value)) this.#note(kind, this.#clock.now() - started)
    return value
  }

  /** What a call under way takes of the budget, until it hangs. */
  #place(): Disposable {
    let isHanging = false
    const cancel = this.#clock.after(hangsAfterMs, () => {
      isHanging = true
      this.#hanging += 1
      this.#grow()
    })
    return {
      [Symbol.dispose]: () => {
        cancel()
        if (isHanging) this.#hanging -= 1
      },
    }
  }

  #note(kind: string, ms: number): void {
    this.#round.push(ms / this.#calm.learn(kind, ms))
    if (this.#round.length < Math.max(this.#runs, leastAnswers)) return
    const isSlow = medianOf(this.#round) >= slowFrom
    this.#round = []
    if (isSlow) this.#runs = Math.max(Math.min(leastRuns, this.#most), Math.floor(this.#runs * shrinkTo))
    else if (this.#runs < this.#most) {
      this.#runs += 1
      this.#grow()
    }
  }

  #grow(): void {
    this.#grown.resolve()
    this.#grown = Promise.withResolvers()
  }
}

/** The shortest answer time of each kind of call, of this minute and the one before. */
class CalmTimes {
  readonly #now: () => number
  #before = new Map<string, number>()
  #current = new Map<string, number>()
  #since: number

  constructor(now: () => number) {
    this.#now = now
    this.#since = now()
  }

  /** Takes an answer time into account, and returns the calm one of its kind. */
  learn(kind: string, ms: number): number {
    const now = this.#now()
    if (now - this.#since >= calmForMs) {
      // Where there was no call for so long, the times are older than that.
      this.#before = now - this.#since < 2 * calmForMs ? this.#current : new Map()
      this.#current = new Map()
      this.#since = now
    }
    const shortest = Math.max(Math.min(ms, this.#current.get(kind) ?? ms), shortestMs)
    this.#current.set(kind, shortest)
    return Math.min(shortest, this.#before.get(kind) ?? shortest)
  }
}

/** No API server answers sooner, and what is measured in fractions of a millisecond is chance. */
const shortestMs = 1

const medianOf = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
