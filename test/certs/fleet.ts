import { generateKeyPairSync } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { createAuthority, issueLeaf } from '../../certs/authority.ts'
import { handshakeProblem, type Lives, type Trusted } from '../../certs/certificates.ts'
import type { Issuer } from '../../certs/issuance.ts'
import type { WebhookConfigurations, Registration } from '../../certs/registration.ts'
import type { SecretData } from '../../certs/rotation.ts'
import { ensureCertificates, type SecretAccess } from '../../certs/store.ts'
import { tokensFrom } from '../../certs/token.ts'
import { Trust } from '../../certs/trust.ts'
import { createLog } from '../../src/log.ts'
import { manualClock, type ManualClock } from '../support/manual-clock.ts'

export const names = { dnsNames: ['kleym-webhook.kleym-system.svc'], ipAddresses: ['127.0.0.1'] }

/** Weak, and used again and again: thousands of certificates are made here, and none guards anything. */
const pool = Array.from({ length: 16 }, () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 512,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  return { publicPem: publicKey, privatePem: privateKey }
})

let taken = 0
const keys = async () => {
  taken += 1
  const [pair] = pool.slice(taken % pool.length)
  if (!pair) throw new Error('the pool of keys is empty')
  return pair
}

const weakIssuer: Issuer = {
  authority: (options) => createAuthority({ ...options, keys }),
  leaf: (authority, options) => issueLeaf(authority, { ...options, keys }),
}

type Stored<T> = { readonly value: T; readonly resourceVersion: string }

type FleetOptions = {
  readonly lives: Lives
  /** The next random number below the limit. */
  readonly random: (limit: number) => number
  /** How long one request takes at most, each way, in ms. */
  readonly requestMs: number
  /** After how long a watch tells a replica of a change at the latest, in ms. */
  readonly watchMs: number
  /** After how long an API server knows of a changed configuration at the latest, in ms. */
  readonly lagMs: number
}

type Replica = {
  readonly trust: Trust
  served: Trusted['pair'] | undefined
  accepted: readonly string[]
}

/** How many more requests of a held-up replica go through, and what the requests after them wait for. */
type Hold = { left: number; readonly released: Promise<void> }

/**
 * Several replicas, the Secret and the two configurations of one cluster, in time that is moved by hand: every
 * request and every event takes a random time. It counts the calls that an API server would have failed.
 */
export class Fleet {
  readonly clock: ManualClock = manualClock()
  readonly lines: string[] = []
  readonly replaced: string[] = []
  /** What was refused, with when. Only counted from when `watchful` is set. */
  readonly failures: string[] = []
  /** The most tokens that a replica remembered at the same time as ones that others were shown. */
  mostShownAtOnce = 0
  watchful = false
  /** How often replicas wrote a configuration. */
  writes = 0
  secret: Stored<SecretData> | undefined
  readonly #options: FleetOptions
  readonly #log = createLog({ level: 'debug', destination: { write: (line) => void this.lines.push(line) } })
  readonly #configurations: Stored<Registration>[] = ['validating', 'mutating'].map(() => ({
    value: { caBundle: '', token: '' },
    resourceVersion: '0',
  }))
  readonly #replicas = new Map<string, Replica>()
  readonly #holds = new Map<string, Hold>()
  readonly #leaves = new Set<string>()
  /** Everything that was registered with the time at which it was replaced. */
  readonly #past: { readonly registration: Registration; readonly until: number }[] = []
  readonly #verdicts = new Map<string, string | undefined>()
  #version = 0

  constructor(options: FleetOptions) {
    this.#options = options
  }

  get bundles(): readonly string[] {
    return this.#configurations.map(({ value }) => value.caBundle)
  }

  /** What the path of each configuration ends in. */
  get tokens(): readonly string[] {
    return this.#configurations.map(({ value }) => value.token)
  }

  get remarks(): readonly (string | undefined)[] {
    return [...this.#replicas.values()].map(({ trust }) => trust.remark)
  }

  /** How many different leaves have been served. */
  get leaves(): number {
    return this.#leaves.size
  }

  get problems(): readonly (string | undefined)[] {
    return [...this.#replicas.values()].map(({ trust }) => trust.problem)
  }

  get served(): readonly (Trusted['pair'] | undefined)[] {
    return [...this.#replicas.values()].map(({ served }) => served)
  }

  /** Starts a replica, or starts it again. Its clock is off by `skewMs`. */
  start(name: string, skewMs = 0): void {
    void this.#replicas.get(name)?.trust.stop()
    const date = (): Date => new Date(this.clock.date().getTime() + skewMs)
    const secret = this.#secretAccess(name)
    const tokens = tokensFrom({ secret, now: date, log: this.#log, lives: this.#options.lives })
    const trust = new Trust({
      names,
      log: this.#log,
      clock: { ...this.clock, date },
      certificates: (view) =>
        ensureCertificates({
          secret,
          names,
          now: date,
          log: this.#log,
          view,
          lives: this.#options.lives,
          issuer: weakIssuer,
          replaced: (why) => void this.replaced.push(why),
        }),
      tokens: (view) => {
        this.mostShownAtOnce = Math.max(this.mostShownAtOnce, view.shown.size)
        return tokens(view)
      },
      accept: (accepted) => {
        const replica = this.#replicas.get(name)
        if (replica?.trust !== trust) return
        replica.accepted = accepted
        this.#check()
      },
      registered: () => this.#registered(name),
      use: (pair) => {
        const replica = this.#replicas.get(name)
        if (replica?.trust !== trust) return
        replica.served = pair
        this.#leaves.add(pair.cert)
        this.#check()
      },
    })
    this.#replicas.set(name, { trust, served: undefined, accepted: [] })
    trust.refresh()
  }

  /** Every replica is told that others were shown a token. */
  show(token: string): void {
    for (const { trust } of this.#replicas.values()) trust.replaceToken(token)
  }

  /** Has a replica look, and holds it up after some of its requests until what is returned is called. */
  holdUp(name: string, after: number): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#holds.set(name, { left: after, released: promise })
    this.#replicas.get(name)?.trust.refresh()
    return () => {
      this.#holds.delete(name)
      resolve()
    }
  }

  /** Somebody else writes the Secret. */
  putSecret(data: SecretData | undefined): void {
    this.secret = data && { value: data, resourceVersion: this.#next() }
    this.#tell()
  }

  /** Somebody else writes a configuration. */
  put(index: number, change: Partial<Registration>): void {
    const before = this.#configurations[index]
    if (!before) throw new Error(`there is no configuration ${index}`)
    this.#past.push({ registration: before.value, until: this.clock.now() })
    this.#configurations[index] = {
      value: { ...before.value, ...change },
      resourceVersion: this.#next(),
    }
    this.#tell()
    this.#check()
  }

  /** Lets time pass, with everything that is due in it. */
  async run(ms: number): Promise<void> {
    const end = this.clock.now() + ms
    for (;;) {
      await new Promise((resolve) => void setImmediate(resolve))
      const [wait] = this.clock.waits()
      if (wait === undefined || this.clock.now() + wait > end) break
      this.clock.advance(wait)
    }
    this.clock.advance(end - this.clock.now())
    this.#check()
  }

  #next(): string {
    this.#version += 1
    return String(this.#version)
  }

  #tell(): void {
    for (const name of this.#replicas.keys()) {
      this.clock.after(this.#options.random(this.#options.watchMs), () =>
        this.#replicas.get(name)?.trust.refresh(),
      )
    }
  }

  async #travel(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.clock.after(this.#options.random(this.#options.requestMs), resolve)
    return promise
  }

  /** A request takes effect some time after it was sent, and is answered some time later. */
  async #request<T>(name: string, effect: () => T): Promise<T> {
    const hold = this.#holds.get(name)
    if (hold && hold.left-- <= 0) await hold.released
    await this.#travel()
    const result = effect()
    await this.#travel()
    return result
  }

  #secretAccess(name: string): SecretAccess {
    const put = (data: SecretData, isExpected: () => boolean) =>
      this.#request(name, (): 'written' | 'conflict' => {
        if (!isExpected()) return 'conflict'
        this.putSecret(data)
        return 'written'
      })
    return {
      read: () =>
        this.#request(
          name,
          () => this.secret && { data: this.secret.value, resourceVersion: this.secret.resourceVersion },
        ),
      create: (data) => put(data, () => this.secret === undefined),
      replace: (data, version) => put(data, () => this.secret?.resourceVersion === version),
    }
  }

  async #registered(name: string): Promise<WebhookConfigurations> {
    const seen = await Promise.all(
      this.#configurations.keys().map((index) => this.#request(name, () => this.#configurations[index])),
    )
    return {
      webhooks: seen.flatMap((one) => one?.value ?? []),
      missing: undefined,
      publish: async (registration) => {
        let kind: 'standing' | 'written' = 'standing'
        for (const [index, before] of seen.entries()) {
          if (isDeepStrictEqual(before?.value, registration)) continue
          kind = 'written'
          const isWritten = await this.#request(name, () => {
            if (this.#configurations[index]?.resourceVersion !== before?.resourceVersion) return false
            this.writes += 1
            this.put(index, registration)
            return true
          })
          if (!isWritten) return { kind: 'overtaken' }
        }
        return { kind }
      },
    }
  }

  /** Whatever is served has to be accepted by whatever an API server may still trust, and its calls be served. */
  #check(): void {
    if (!this.watchful) return
    const recent = this.#past.filter(({ until }) => until >= this.clock.now() - this.#options.lagMs)
    const registrations = [
      ...this.#configurations.map(({ value }) => value),
      ...recent.map(({ registration }) => registration),
    ]
    const trusted = new Set(registrations.map(({ caBundle }) => caBundle))
    const called = new Set(registrations.map(({ token }) => token))
    for (const [name, { served, accepted }] of this.#replicas) {
      for (const caBundle of served ? trusted : []) {
        const refusal = served && this.#refusal({ pair: served, caBundle })
        if (refusal !== undefined) this.failures.push(`${name} at ${this.clock.now()}: ${refusal}`)
      }
      for (const token of served ? called : [])
        if (!accepted.includes(token))
          this.failures.push(`${name} at ${this.clock.now()}: a token is not accepted`)
    }
  }

  /** The answer is kept: a chain does not change, and the replicas' own looks see to certificates that expire. */
  #refusal(trusted: Trusted): string | undefined {
    const key = `${trusted.pair.cert}${trusted.caBundle}`
    if (!this.#verdicts.has(key)) {
      this.#verdicts.set(key, handshakeProblem(trusted, { names, now: this.clock.date() }))
    }
    return this.#verdicts.get(key)
  }
}
