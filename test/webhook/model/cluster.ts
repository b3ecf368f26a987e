import { field, objectOr } from '../../../src/core/json.ts'
import { leaseResource, bindingResource, type Resource } from '../../../src/core/resources.ts'
import { failed, metaText, type MemoryObjects } from '../memory-objects.ts'
import type { Client } from './client.ts'
import { Replica, type Call } from './replica.ts'

/** kube-apiserver's --request-timeout: a write that was admitted takes effect within it, or never. */
export const requestMs = 60_000

/** Two replicas, an API server and the calls between them, and everything that can be done to those. */
export class Cluster {
  readonly #memory: MemoryObjects
  readonly #clients: readonly Client[]
  readonly #limits: { readonly graceMs: number; readonly staleMs: number }
  /** All that each replica was told. Nothing else decides what it does. */
  readonly #told = new Map<string, string[]>()
  #replicas: readonly Replica[]
  #calls: readonly Call[] = []
  /** Calls that are under way from replicas that crashed. */
  #orphans: readonly Call[] = []
  #now = 0

  constructor(
    memory: MemoryObjects,
    clients: readonly Client[],
    limits: { readonly graceMs: number; readonly staleMs: number },
  ) {
    this.#memory = memory
    this.#clients = clients
    this.#limits = limits
    this.#replicas = ['one', 'two'].map((name) => this.#start(name))
  }

  get replicas(): readonly Replica[] {
    return this.#replicas
  }

  get calls(): readonly Call[] {
    return this.#calls
  }

  get orphans(): readonly Call[] {
    return this.#orphans
  }

  state(): unknown {
    return [
      this.#now,
      this.#stored(),
      this.#replicas.map((replica) => [replica.seen(bindingResource), replica.seen(leaseResource)]),
      [...this.#told],
      [...this.#calls, ...this.#orphans].map(({ label }) => label),
    ]
  }

  ask(client: Client, replica: Replica, news = 0): void {
    for (let seen = 0; seen < news; seen += 1) replica.see(bindingResource)
    this.#tell(replica.name, `${news} ${client.name} asks`)
    client.ask(replica, this.#now)
  }

  /** Answers a call. If the answer or the call is lost, the replica sees a failed connection. */
  answer(call: Call, how: 'answered' | 'answer lost' | 'call lost'): void {
    this.#calls = this.#calls.filter((other) => other !== call)
    this.#tell(call.replica, `${call.label} ${how} ${this.#stored()}`)
    const reply = how === 'call lost' ? failed : call.effect()
    call.answer(how === 'answered' ? reply : failed)
  }

  arrive(orphan: Call): void {
    this.#orphans = this.#orphans.filter((other) => other !== orphan)
    orphan.effect()
  }

  see(replica: Replica, resource: Resource): void {
    replica.see(resource)
    this.#tell(replica.name, `a ${resource.kind}`)
  }

  collect(replica: Replica): void {
    this.#tell(replica.name, 'collects')
    void replica.collect()
  }

  /** A replica crashes. Its reviews are over; calls that it has sent to the API server may still take effect. */
  crash({ name }: Replica): void {
    for (const client of this.#clients) client.lose(name)
    this.#orphans = [...this.#orphans, ...this.#calls.filter(({ replica }) => replica === name)]
    this.#calls = this.#calls.filter(({ replica }) => replica !== name)
    this.#replicas = this.#replicas.map((one) => (one.name === name ? this.#start(name) : one))
    this.#told.set(name, [`new ${this.#now} ${this.#stored()}`])
  }

  /** Lets time pass. No call lasts as long as half of the grace, and no request as long as all of it. */
  pass(ms: number): void {
    this.#now += ms
    for (const client of this.#clients) client.expire(this.#now - requestMs)
    const calls = this.#calls
    this.#calls = []
    this.#orphans = []
    for (const { answer } of calls) answer(failed)
    for (const { name } of this.#replicas) this.#tell(name, `${ms} ms`)
  }

  catchUp(resource: Resource): void {
    for (const replica of this.#replicas) while (replica.behind(resource) > 0) replica.see(resource)
  }

  #start(name: string): Replica {
    const called = (call: Call): void => void (this.#calls = [...this.#calls, call])
    return new Replica(name, { memory: this.#memory, now: () => this.#now, ...this.#limits, called })
  }

  #tell(replica: string, what: string): void {
    this.#told.set(replica, [...(this.#told.get(replica) ?? []), what])
  }

  /** All that is stored, in short. */
  #stored(): string {
    return [...this.#memory.all(bindingResource), ...this.#memory.all(leaseResource)]
      .map((object) => [
        ...['name', 'uid', 'resourceVersion'].map((name) => metaText(object, name)),
        JSON.stringify([object['spec'], field(objectOr(object['metadata']), 'annotations')]),
      ])
      .join('; ')
  }
}
