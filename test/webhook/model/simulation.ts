import { field, objectOr } from '../../../src/core/json.ts'
import { bindingResource, type Resource } from '../../../src/core/resources.ts'
import { leaseResource } from '../../../src/webhook/claim.ts'
import type { Manifest } from '../../support/vectors.ts'
import { failed, MemoryObjects, metaText } from '../memory-objects.ts'
import { Client } from './client.ts'
import type { Run } from './explore.ts'
import { Replica, type Call } from './replica.ts'
import { binding } from '../../support/builders.ts'

export type Scenario = {
  /** Each wants the one key, by a new binding or by a change of its own. */
  readonly clients: readonly { readonly name: string; readonly operation: 'CREATE' | 'UPDATE' }[]
  /** Whether the clients differ by their names alone. */
  readonly isSymmetric?: boolean
  /** How often a client tries, over what it is told. */
  readonly attempts: number
  /** Answers or calls that are lost, reviews that take too long, replicas that crash: how many in all. */
  readonly faults?: number
  /** How often half of the grace passes, */
  readonly halves?: number
  /** and how often so much that all replicas have seen what there was. */
  readonly ages?: number
  /** How often somebody deletes a binding, */
  readonly deletions?: number
  /** and claims are collected. */
  readonly collections?: number
  /** Whether the watch of claims brings something before everything stops. */
  readonly watchesClaims?: boolean
  readonly graceMs?: number
  readonly staleMs?: number
  readonly memory?: () => MemoryObjects
}

type Budget = 'faults' | 'halves' | 'ages' | 'deletions' | 'collections'

/** kube-apiserver's --request-timeout: a write that was admitted takes effect within it, or never. */
const requestMs = 60_000
const halfMs = 33_000

type Choice = { readonly label: string; readonly take: () => void }

/** Two replicas, an API server, clients and whatever may go wrong, one step at a time. */
export class Simulation implements Run {
  readonly #scenario: Scenario
  readonly #memory: MemoryObjects
  readonly #trace: string[] = []
  /** By replica: all that it was told, which is all that decides what it does. */
  readonly #told = new Map<string, string[]>()
  readonly #clients: readonly Client[]
  #replicas: readonly Replica[]
  #calls: readonly Call[] = []
  /** Under way from a replica that is no more. */
  #orphans: readonly Call[] = []
  #now = 0
  #left: Readonly<Record<Budget, number>>

  constructor(scenario: Scenario) {
    const { clients, attempts, faults = 0, halves = 0, ages = 0, deletions = 0, collections = 0 } = scenario
    this.#scenario = scenario
    this.#left = { faults, halves, ages, deletions, collections }
    this.#memory = scenario.memory?.() ?? new MemoryObjects()
    for (const { name, operation } of clients)
      if (operation === 'UPDATE') this.#memory.create(bindingResource, elsewhere(name))
    this.#replicas = ['one', 'two'].map((name) => this.#start(name))
    this.#clients = clients.map((one) => new Client({ ...one, attempts, memory: this.#memory }))
  }

  trace(): readonly string[] {
    return this.#trace
  }

  choices(): number {
    return this.#choices().length
  }

  async take(index: number): Promise<void> {
    const choice = this.#choices()[index]
    if (!choice) throw new Error(`there is no choice ${index} after ${this.#trace.join(', ')}`)
    await this.#do(choice)
  }

  state(): string {
    return JSON.stringify([
      this.#now,
      this.#left,
      this.#clients.map((client) => client.state()),
      this.#stored(),
      this.#replicas.map((replica) => [replica.seen(bindingResource), replica.seen(leaseResource)]),
      [...this.#told],
      this.#calls.map(({ label }) => label),
      this.#orphans.map(({ label }) => label),
    ])
  }

  problem(): string | undefined {
    const holders = this.#holders()
    return holders.length > 1 ? `${holders.join(' and ')} hold one key` : undefined
  }

  isAtRest(): boolean {
    return this.#calls.length === 0 && !this.#clients.some((client) => client.isBusy)
  }

  /** Once everything has stopped and the grace is over, the key is somebody's, or free for whoever asks. */
  async problemAtRest(): Promise<string | undefined> {
    this.#orphans = []
    this.#catchUp(leaseResource)
    await this.#do({ label: 'all rests', take: () => this.#pass(2 * halfMs) })
    this.#catchUp(bindingResource)
    const last = new Client({ name: 'last', operation: 'CREATE', attempts: 1, memory: this.#memory })
    const [, replica] = this.#replicas
    if (replica) await this.#do({ label: 'last asks', take: () => last.ask(replica, this.#now) })
    for (let [call] = this.#calls; call; [call] = this.#calls) {
      const { label, answer, effect } = call
      await this.#do({ label, take: () => this.#answer(call, () => answer(effect())) })
    }
    const [holder] = this.#holders()
    if (holder === undefined) return last.isAdmitted ? undefined : `nobody gets the key: ${last.answer}`
    return last.answer.includes(`collision with bindings ${holder}:`) && !last.answer.includes('try again')
      ? undefined
      : `${holder} has the key, but the answer is ${last.answer}`
  }

  #holders(): readonly string[] {
    return this.#memory
      .all(bindingResource)
      .filter(({ spec }) => JSON.stringify(spec) === JSON.stringify(binding().spec))
      .map((object) => metaText(object, 'name'))
  }

  /** All that is stored, in short:. */
  #stored(): string {
    return [...this.#memory.all(bindingResource), ...this.#memory.all(leaseResource)]
      .map((object) =>
        [
          metaText(object, 'name'),
          metaText(object, 'uid'),
          metaText(object, 'resourceVersion'),
          JSON.stringify(object['spec']),
          JSON.stringify(field(objectOr(object['metadata']), 'annotations')),
        ].join(' '),
      )
      .join('; ')
  }

  async #do({ label, take }: Choice): Promise<void> {
    this.#trace.push(label)
    take()
    // Nothing of what runs waits for a timer: one turn, and it has come to its next call.
    await new Promise((resolve) => setImmediate(resolve))
  }

  #choices(): readonly Choice[] {
    return [
      ...this.#clientChoices(),
      ...this.#callChoices(),
      ...this.#watchChoices(),
      ...this.#faultChoices(),
      ...this.#timeChoices(),
      ...this.#otherChoices(),
    ]
  }

  #clientChoices(): readonly Choice[] {
    // As long as nothing has happened, clients that want the same and replicas are all the same.
    const isStart = this.#trace.length === 0
    const clients = isStart && this.#scenario.isSymmetric ? this.#clients.slice(0, 1) : this.#clients
    const replicas = isStart ? this.#replicas.slice(0, 1) : this.#replicas
    return [
      ...clients
        .filter((client) => client.mayAsk)
        .flatMap((client) => replicas.flatMap((replica) => this.#askChoices(client, replica))),
      ...this.#clients
        .filter((client) => client.isAdmitted)
        .map((client) => ({ label: `${client.name} is written`, take: () => client.write() })),
    ]
  }

  /** What its watch has brought matters to a replica when it begins a review, so that is when it is brought. */
  #askChoices(client: Client, replica: Replica): readonly Choice[] {
    return Array.from({ length: replica.behind(bindingResource) + 1 }, (_, news) => ({
      label: `${client.name} asks ${replica.name}${news > 0 ? `, which has seen ${news} more` : ''}`,
      take: () => {
        for (let seen = 0; seen < news; seen += 1) replica.see(bindingResource)
        this.#tell(replica.name, `${news} ${client.name} asks`)
        client.ask(replica, this.#now)
      },
    }))
  }

  #callChoices(): readonly Choice[] {
    return [
      ...this.#calls.map((call) => ({
        label: call.label,
        take: () => this.#answer(call, () => call.answer(call.effect())),
      })),
      ...this.#orphans.map((call) => ({
        label: `${call.label}, from before its crash`,
        take: () => {
          this.#orphans = this.#orphans.filter((other) => other !== call)
          call.effect()
        },
      })),
    ]
  }

  /** Beside a review's beginning, deletions and claims are what a replica may hear of with effect. */
  #watchChoices(): readonly Choice[] {
    return this.#replicas.flatMap((replica) => [
      ...(replica.hasDeletionAhead ? [this.#seeChoice(replica, bindingResource)] : []),
      ...(this.#scenario.watchesClaims && replica.behind(leaseResource) > 0
        ? [this.#seeChoice(replica, leaseResource)]
        : []),
    ])
  }

  #seeChoice(replica: Replica, resource: Resource): Choice {
    return {
      label: `${replica.name} sees a ${resource.kind}`,
      take: () => {
        replica.see(resource)
        this.#tell(replica.name, `a ${resource.kind}`)
      },
    }
  }

  #faultChoices(): readonly Choice[] {
    if (this.#left.faults === 0) return []
    const faults = [
      ...this.#calls.flatMap((call) => [
        {
          label: `${call.label}, the answer is lost`,
          take: () =>
            this.#answer(call, () => {
              call.effect()
              call.answer(failed)
            }),
        },
        { label: `${call.label}, in vain`, take: () => this.#answer(call, () => call.answer(failed)) },
      ]),
      ...this.#clients.flatMap((client) => client.faults()),
      ...this.#replicas.map((replica) => ({
        label: `${replica.name} crashes`,
        take: () => this.#crash(replica),
      })),
    ]
    return faults.map(({ label, take }) => ({ label, take: this.#spending('faults', take) }))
  }

  #timeChoices(): readonly Choice[] {
    const { halves, ages } = this.#left
    const { staleMs = 180_000 } = this.#scenario
    return [
      ...(halves > 0
        ? [{ label: 'half of the grace passes', take: this.#spending('halves', () => this.#pass(halfMs)) }]
        : []),
      ...(ages > 0
        ? [
            {
              label: 'an age passes',
              take: this.#spending('ages', () => {
                this.#pass(Math.max(staleMs, requestMs) + 1)
                // Or it would answer nothing.
                this.#catchUp(bindingResource)
              }),
            },
          ]
        : []),
    ]
  }

  #otherChoices(): readonly Choice[] {
    const { deletions, collections } = this.#left
    const bindings = deletions > 0 ? this.#memory.all(bindingResource) : []
    return [
      ...bindings.map((object) => ({
        label: `${metaText(object, 'name')} is deleted`,
        take: this.#spending('deletions', () => {
          this.#memory.remove(bindingResource, { namespace: 'default', name: metaText(object, 'name') })
        }),
      })),
      ...(collections > 0 ? this.#replicas : []).map((replica) => ({
        label: `${replica.name} collects`,
        take: this.#spending('collections', () => {
          this.#tell(replica.name, 'collects')
          void replica.collect()
        }),
      })),
    ]
  }

  #spending(what: Budget, take: () => void): () => void {
    return () => {
      this.#left = { ...this.#left, [what]: this.#left[what] - 1 }
      take()
    }
  }

  #start(name: string): Replica {
    const { graceMs = 65_000, staleMs = 180_000 } = this.#scenario
    const called = (call: Call): void => void (this.#calls = [...this.#calls, call])
    return new Replica(name, { memory: this.#memory, now: () => this.#now, graceMs, staleMs, called })
  }

  #tell(replica: string, what: string): void {
    this.#told.set(replica, [...(this.#told.get(replica) ?? []), what])
  }

  #answer(call: Call, answer: () => void): void {
    this.#calls = this.#calls.filter((other) => other !== call)
    this.#tell(call.replica, `${this.#trace.at(-1)} ${this.#stored()}`)
    answer()
  }

  /** What it was doing is over; what it has asked of the API server may still take effect. */
  #crash({ name }: Replica): void {
    for (const client of this.#clients) client.lose(name)
    this.#orphans = [...this.#orphans, ...this.#calls.filter(({ replica }) => replica === name)]
    this.#calls = this.#calls.filter(({ replica }) => replica !== name)
    this.#replicas = this.#replicas.map((one) => (one.name === name ? this.#start(name) : one))
    this.#told.set(name, [JSON.stringify(this.#memory.all(leaseResource)), String(this.#now)])
  }

  /** No call lasts as long as half of the grace, and no request as long as all of it. */
  #pass(ms: number): void {
    this.#now += ms
    for (const client of this.#clients) client.expire(this.#now - requestMs)
    const calls = this.#calls
    this.#calls = []
    this.#orphans = []
    for (const { answer } of calls) answer(failed)
    for (const { name } of this.#replicas) this.#tell(name, `${ms} ms`)
  }

  #catchUp(resource: Resource): void {
    for (const replica of this.#replicas) while (replica.behind(resource) > 0) replica.see(resource)
  }
}

/** A binding that is there from the start, with another key. */
const elsewhere = (name: string): Manifest => binding({ name, spec: { containerName: 'side' } })
