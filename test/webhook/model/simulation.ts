import { objectOr, type JsonObject } from '../../../src/core/json.ts'
import { leaseResource, bindingResource, type Resource } from '../../../src/core/resources.ts'
import { binding } from '../../support/builders.ts'
import { MemoryObjects, metaText } from '../memory-objects.ts'
import { Client } from './client.ts'
import { Cluster, requestMs } from './cluster.ts'
import type { Run } from './explore.ts'
import type { Replica } from './replica.ts'

export type Scenario = {
  /** Each wants the same key, for a new binding or for a change of its binding. */
  readonly clients: readonly {
    readonly name: string
    readonly operation: 'CREATE' | 'UPDATE'
    /** How often it tries, whatever it is told; once unless given. */
    readonly attempts?: number
  }[]
  /** Whether the clients differ by their names alone. */
  readonly isSymmetric?: boolean
  /** How many faults there are at most: a lost answer or call, a review that takes too long, a crash of a replica. */
  readonly faults?: number
  /** How often at most half of the grace passes. */
  readonly halves?: number
  /** How often at most so much time passes that every replica has seen everything. */
  readonly ages?: number
  /** How often at most somebody deletes a binding. */
  readonly deletions?: number
  /** How often at most a binding gets another version while its spec stays: the loop writes its status. */
  readonly touches?: number
  /** How often at most a binding that has the key is edited, so that it no longer has it. */
  readonly leaves?: number
  /** How often at most claims are collected. */
  readonly collections?: number
  /** Whether the watch of claims brings something before everything stops. */
  readonly watchesClaims?: boolean
  readonly graceMs?: number
  readonly staleMs?: number
  readonly memory?: () => MemoryObjects
}

type Budget = 'faults' | 'halves' | 'ages' | 'deletions' | 'touches' | 'leaves' | 'collections'

type Choice = { readonly label: string; readonly take: () => void }

/** More than half of the grace, and more than half of the time that a request may last. */
const halfMs = 33_000

const wanted = JSON.stringify(binding().spec)

/** What can happen among two replicas, an API server, clients and whatever may go wrong, one step at a time. */
export class Simulation implements Run {
  readonly #scenario: Scenario
  readonly #memory: MemoryObjects
  readonly #clients: readonly Client[]
  readonly #cluster: Cluster
  readonly #trace: string[] = []
  readonly #staleMs: number
  #left: Readonly<Record<Budget, number>>
  #next: readonly Choice[] | undefined

  constructor(scenario: Scenario) {
    const { clients, graceMs = 65_000, staleMs = 180_000 } = scenario
    const {
      faults = 0,
      halves = 0,
      ages = 0,
      deletions = 0,
      touches = 0,
      leaves = 0,
      collections = 0,
    } = scenario
    this.#scenario = scenario
    this.#left = { faults, halves, ages, deletions, touches, leaves, collections }
    this.#staleMs = staleMs
    this.#memory = scenario.memory?.() ?? new MemoryObjects()
    for (const { name, operation } of clients)
      if (operation === 'UPDATE')
        this.#memory.create(bindingResource, binding({ name, spec: { containerName: 'side' } }))
    this.#clients = clients.map((one) => new Client({ attempts: 1, ...one, memory: this.#memory }))
    this.#cluster = new Cluster(this.#memory, this.#clients, { graceMs, staleMs })
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
    await this.#do(choice.label, choice.take)
  }

  state(): string {
    return JSON.stringify([this.#left, this.#clients.map((client) => client.state()), this.#cluster.state()])
  }

  problem(): string | undefined {
    const holders = this.#holders()
    return holders.length > 1 ? `${holders.join(' and ')} hold one key` : undefined
  }

  isAtRest(): boolean {
    return this.#cluster.calls.length === 0 && !this.#clients.some((client) => client.isBusy)
  }

  /** Once everything has stopped and the grace is over, a binding has the key, or whoever asks for the key gets it. */
  async problemAtRest(): Promise<string | undefined> {
    const cluster = this.#cluster
    cluster.catchUp(leaseResource)
    await this.#do('all rests', () => cluster.pass(2 * halfMs))
    cluster.catchUp(bindingResource)
    const last = new Client({ name: 'last', operation: 'CREATE', attempts: 1, memory: this.#memory })
    const [, replica] = cluster.replicas
    if (replica) await this.#do('last asks', () => cluster.ask(last, replica))
    for (let [call] = cluster.calls; call; [call] = cluster.calls) {
      const answered = call
      await this.#do(answered.label, () => cluster.answer(answered, 'answered'))
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
      .filter(({ spec }) => JSON.stringify(spec) === wanted)
      .map((object) => metaText(object, 'name'))
  }

  async #do(label: string, take: () => void): Promise<void> {
    this.#trace.push(label)
    this.#next = undefined
    take()
    // Nothing here waits for a timer, so after one turn of the event loop each review has come to its next call.
    await new Promise((resolve) => setImmediate(resolve))
  }

  #choices(): readonly Choice[] {
    this.#next ??= [
      ...this.#clientChoices(),
      ...this.#callChoices(),
      ...this.#watchChoices(),
      ...this.#costly('faults', () => this.#faultChoices()),
      ...this.#costly('halves', () => [
        { label: 'half of the grace passes', take: () => this.#cluster.pass(halfMs) },
      ]),
      ...this.#costly('ages', () => [{ label: 'an age passes', take: () => this.#age() }]),
      ...this.#costly('deletions', () => this.#deletionChoices()),
      ...this.#costly('touches', () =>
        this.#editChoices('gets a status', () => ({ status: { touched: true } })),
      ),
      ...this.#costly('leaves', () =>
        this.#editChoices('lets go of the key', ({ spec }) => ({
          spec: { ...objectOr(spec), containerName: 'side' },
        })),
      ),
      ...this.#costly('collections', () =>
        this.#cluster.replicas.map((replica) => ({
          label: `${replica.name} collects`,
          take: () => this.#cluster.collect(replica),
        })),
      ),
    ]
    return this.#next
  }

  #costly(budget: Budget, choices: () => readonly Choice[]): readonly Choice[] {
    if (this.#left[budget] === 0) return []
    return choices().map(({ label, take }) => ({
      label,
      take: () => {
        this.#left = { ...this.#left, [budget]: this.#left[budget] - 1 }
        take()
      },
    }))
  }

  #clientChoices(): readonly Choice[] {
    // At the start all replicas are equal, and so are clients that want the same: one of each is enough.
    const isStart = this.#trace.length === 0
    const clients = isStart && this.#scenario.isSymmetric ? this.#clients.slice(0, 1) : this.#clients
    const replicas = isStart ? this.#cluster.replicas.slice(0, 1) : this.#cluster.replicas
    return [
      ...clients
        .filter((client) => client.mayAsk)
        .flatMap((client) => replicas.flatMap((replica) => this.#askChoices(client, replica))),
      ...this.#clients
        .filter((client) => client.isAdmitted)
        .map((client) => ({ label: `${client.name} is written`, take: () => client.write() })),
    ]
  }

  /** Events of bindings only matter when a replica begins a review, so that is when its watch brings them. */
  #askChoices(client: Client, replica: Replica): readonly Choice[] {
    return Array.from({ length: replica.behind(bindingResource) + 1 }, (_, news) => ({
      label: `${client.name} asks ${replica.name}${news > 0 ? `, which has seen ${news} more` : ''}`,
      take: () => this.#cluster.ask(client, replica, news),
    }))
  }

  #callChoices(): readonly Choice[] {
    return [
      ...this.#cluster.calls.map((call) => ({
        label: call.label,
        take: () => this.#cluster.answer(call, 'answered'),
      })),
      ...this.#cluster.orphans.map((call) => ({
        label: `${call.label}, from before its crash`,
        take: () => this.#cluster.arrive(call),
      })),
    ]
  }

  /** Events that have an effect at any time, not only when a review begins: deletions and claims. */
  #watchChoices(): readonly Choice[] {
    const see = (replica: Replica, resource: Resource): Choice => ({
      label: `${replica.name} sees a ${resource.kind}`,
      take: () => this.#cluster.see(replica, resource),
    })
    return this.#cluster.replicas.flatMap((replica) => [
      ...(replica.hasDeletionAhead ? [see(replica, bindingResource)] : []),
      ...(this.#scenario.watchesClaims && replica.behind(leaseResource) > 0
        ? [see(replica, leaseResource)]
        : []),
    ])
  }

  #faultChoices(): readonly Choice[] {
    return [
      ...this.#cluster.calls.flatMap((call) =>
        (['answer lost', 'call lost'] as const).map((how) => ({
          label: `${call.label}: ${how}`,
          take: () => this.#cluster.answer(call, how),
        })),
      ),
      ...this.#clients.flatMap((client) => client.faults()),
      ...this.#cluster.replicas.map((replica) => ({
        label: `${replica.name} crashes`,
        take: () => this.#cluster.crash(replica),
      })),
    ]
  }

  #deletionChoices(): readonly Choice[] {
    return this.#memory.all(bindingResource).map((object) => {
      const name = metaText(object, 'name')
      return {
        label: `${name} is deleted`,
        take: () => this.#memory.remove(bindingResource, { namespace: 'default', name }),
      }
    })
  }

  /** Edits, of any binding, that concern no claim on the key. */
  #editChoices(what: string, edit: (binding: JsonObject) => JsonObject): readonly Choice[] {
    return this.#memory.all(bindingResource).map((object) => ({
      label: `${metaText(object, 'name')} ${what}`,
      take: () => this.#memory.replace(bindingResource, { ...object, ...edit(object) }),
    }))
  }

  /** Lets so much time pass that every replica has seen everything, since a replica that has not would answer no review. */
  #age(): void {
    this.#cluster.pass(Math.max(this.#staleMs, requestMs) + 1)
    this.#cluster.catchUp(bindingResource)
  }
}
