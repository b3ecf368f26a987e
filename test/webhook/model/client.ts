import type { JsonObject } from '../../../src/core/json.ts'
import { bindingResource } from '../../../src/core/resources.ts'
import { binding } from '../../support/builders.ts'
import type { MemoryObjects } from '../memory-objects.ts'
import { requestFor } from '../request.ts'
import type { Replica } from './replica.ts'

type Options = {
  readonly name: string
  readonly operation: 'CREATE' | 'UPDATE'
  readonly attempts: number
  readonly memory: MemoryObjects
}

/** Where one attempt has come to. Times are those of its start. */
type Phase =
  | { readonly kind: 'idle' }
  | { readonly kind: 'reviewed'; readonly by: string; readonly since: number }
  | { readonly kind: 'admitted'; readonly since: number; readonly object: JsonObject }
  | { readonly kind: 'written' }

const tooLate = new Error('the time for this review is over')

/** Somebody who wants the key, together with the API server, which has the request reviewed and stores what is admitted. */
export class Client {
  readonly name: string
  /** What came of the last attempt. */
  answer = ''
  readonly #operation: 'CREATE' | 'UPDATE'
  readonly #attempts: number
  readonly #memory: MemoryObjects
  #made = 0
  #phase: Phase = { kind: 'idle' }
  /** Ends the wait for the review that is under way. */
  #stop = new AbortController()

  constructor({ name, operation, attempts, memory }: Options) {
    this.name = name
    this.#operation = operation
    this.#attempts = attempts
    this.#memory = memory
  }

  get mayAsk(): boolean {
    return this.#phase.kind === 'idle' && this.#made < this.#attempts && this.#wanted() !== undefined
  }

  get isAdmitted(): boolean {
    return this.#phase.kind === 'admitted'
  }

  get isBusy(): boolean {
    return this.#phase.kind === 'reviewed' || this.isAdmitted
  }

  state(): unknown {
    return [this.#made, this.#phase]
  }

  ask(replica: Replica, now: number): void {
    const wanted = this.#wanted()
    if (!wanted) return
    this.#made += 1
    this.#stop = new AbortController()
    const phase: Phase = { kind: 'reviewed', by: replica.name, since: now }
    this.#phase = phase
    void this.#reviewed(phase, replica, wanted)
  }

  async #reviewed(
    phase: Extract<Phase, { kind: 'reviewed' }>,
    replica: Replica,
    { object, oldObject }: { readonly object: JsonObject; readonly oldObject: JsonObject | undefined },
  ): Promise<void> {
    const request = requestFor(object, { operation: this.#operation, oldObject })
    const decision = await replica.review(request, this.#stop.signal).catch(() => undefined)
    // The API server may have given up on this review.
    if (this.#phase !== phase) return
    this.answer = decision?.kind === 'denied' ? decision.status.message : (decision?.kind ?? 'no answer')
    this.#phase =
      decision?.kind === 'allowed' ? { kind: 'admitted', since: phase.since, object } : { kind: 'idle' }
  }

  /** Undefined where there is nothing to change. */
  #wanted(): { readonly object: JsonObject; readonly oldObject: JsonObject | undefined } | undefined {
    const { name } = this
    if (this.#operation === 'CREATE')
      return {
        object: binding({ name, metadata: { uid: `${name}-${this.#made + 1}` } }),
        oldObject: undefined,
      }
    const oldObject = this.#memory.find(bindingResource, { namespace: 'default', name })
    return oldObject && { object: { ...oldObject, spec: binding().spec }, oldObject }
  }

  write(): void {
    const phase = this.#phase
    if (phase.kind !== 'admitted') return
    const reply =
      this.#operation === 'CREATE'
        ? this.#memory.create(bindingResource, phase.object)
        : this.#memory.replace(bindingResource, phase.object)
    this.answer = reply.kind
    this.#phase = reply.kind === 'done' ? { kind: 'written' } : { kind: 'idle' }
  }

  /** The faults that can hit this client's request at this moment. */
  faults(): readonly { readonly label: string; readonly take: () => void }[] {
    const giveUp = (): void => this.#giveUp()
    switch (this.#phase.kind) {
      case 'reviewed':
        return [{ label: `the review of ${this.name} takes too long`, take: giveUp }]
      case 'admitted':
        return [
          { label: `${this.name} is never written`, take: giveUp },
          {
            label: `${this.name} is written, the answer is lost`,
            take: () => {
              this.write()
              this.#phase = { kind: 'idle' }
            },
          },
        ]
      case 'idle':
      case 'written':
        return []
    }
  }

  /** A replica is gone, and with it the review, if it was under way there. */
  lose(replica: string): void {
    if (this.#phase.kind === 'reviewed' && this.#phase.by === replica) this.#giveUp()
  }

  /** Ends the review that is under way, and a request that began before this time. */
  expire(before: number): void {
    if (this.#phase.kind === 'reviewed' || (this.#phase.kind === 'admitted' && this.#phase.since < before))
      this.#giveUp()
  }

  #giveUp(): void {
    this.#stop.abort(tooLate)
    this.answer = 'no answer'
    this.#phase = { kind: 'idle' }
  }
}
