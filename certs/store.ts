import type { Log } from '../src/log.ts'
import { blankView, usualLives, type Certificates, type Lives, type View } from './certificates.ts'
import type { Names } from './inspect.ts'
import { dataOf, reissued, remade, restored, spread, usualIssuer, type Issuer } from './issuance.ts'
import { stateOf, type SecretData, type State, type CertificateNeeds } from './rotation.ts'

/**
 * The Secret that all replicas share. That somebody else wrote first is an answer, `conflict`.
 *
 * @throws Error from each function for any other failure: a lost connection, a missing permission
 */
export type SecretAccess = {
  read(): Promise<{ readonly data: SecretData; readonly resourceVersion: string } | undefined>
  create(data: SecretData): Promise<'written' | 'conflict'>
  /** Only if the Secret is still at the version; a Secret that is gone by now is a conflict too. */
  replace(data: SecretData, resourceVersion: string): Promise<'written' | 'conflict'>
}

type Options = {
  readonly secret: SecretAccess
  readonly names: Names
  readonly now: () => Date
  readonly log: Log
  readonly view?: View
  readonly lives?: Lives
  readonly issuer?: Issuer
  /**
   * Called with the reason when certificates that could not be used were replaced: somebody damaged or deleted them.
   */
  readonly replaced?: (why: string) => void
}

/**
 * Each lost attempt means that another replica wrote first. Replicas are fewer than this, so only a Secret that
 * something else keeps rewriting uses up all of them.
 */
const attempts = 10

/**
 * How long after a failed renewal it is tried again. The old certificate is good for months yet, so 5 s is soon enough
 * and spares the API server.
 */
const retryMs = 5000

/**
 * The certificates that every replica serves, from the Secret that all replicas share. Three states lead to a write:
 *
 *     unusable   there is no Secret, or its CA is of no use    CA and leaf are made anew at once
 *     leafless   the CA can sign, the leaf is of no use        the leaf alone is made anew at once
 *     usable     and old enough for the next step              one step of rotation.ts
 *
 * The invariant: a Secret is only replaced at the resourceVersion that was read. So of several replicas that write at once
 * one wins, and the others read again and serve what the winner wrote. A crash at any moment leaves the Secret of before or
 * the Secret of after.
 *
 * @throws Error where the Secret can't be read, or is unusable and can't be written
 */
export async function ensureCertificates(options: Options): Promise<Certificates> {
  const { secret, log } = options
  let last: Pending | undefined
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const stored = await secret.read()
    const needs = { names: options.names, now: options.now(), lives: options.lives ?? usualLives }
    const change = changeOf(stateOf(stored?.data, needs), needs, options)
    if (change.kind === 'none') return change.certificates
    last = change
    try {
      const data = await change.make()
      const outcome = await (stored
        ? secret.replace({ ...stored.data, ...data }, stored.resourceVersion)
        : secret.create(data))
      note(change, outcome, stored?.data['tls.crt'] !== undefined, options)
    } catch (error) {
      if (change.kind === 'repair') throw error
      log.warn({ err: error, reason: change.reason }, 'the webhook certificates could not be renewed yet')
      return change.certificates
    }
  }
  if (last?.kind === 'rotation') return last.certificates
  throw new Error(
    `the webhook certificates are still unusable after ${attempts} attempts to write them: ${last?.reason}`,
  )
}

type SecretChange = { readonly kind: 'none'; readonly certificates: Certificates } | Pending

type Pending =
  | { readonly kind: 'repair'; readonly reason: string; readonly make: () => Promise<SecretData> }
  | {
      readonly kind: 'rotation'
      readonly reason: string
      readonly make: () => Promise<SecretData>
      /** What is served if the write does not succeed: the certificates of before are still good. */
      readonly certificates: Certificates
    }

function note(
  { kind, reason }: Pending,
  outcome: 'written' | 'conflict',
  existed: boolean,
  { log, view, replaced }: Options,
): void {
  if (outcome === 'conflict') {
    log.debug({ reason }, 'another replica wrote the webhook certificates first')
  } else if (kind === 'rotation' || !(existed || view?.served)) {
    log.info({ reason }, 'wrote new webhook certificates')
  } else {
    log.warn({ reason }, 'replaced the webhook certificates')
    replaced?.(reason)
  }
}

function changeOf(
  state: State,
  needs: CertificateNeeds,
  { view = blankView, issuer = usualIssuer }: Options,
): SecretChange {
  switch (state.kind) {
    case 'unusable':
      return { kind: 'repair', reason: state.reason, make: () => remade(issuer, needs, view) }
    case 'leafless': {
      const make = () => restored(issuer, needs, state, view)
      return { kind: 'repair', reason: state.reason, make }
    }
    case 'usable':
      return rotationOf(state, needs, { view, issuer })
  }
}

function rotationOf(
  state: Extract<State, { kind: 'usable' }>,
  needs: CertificateNeeds,
  { view, issuer }: { readonly view: View; readonly issuer: Issuer },
): SecretChange {
  const { step, certificates, authority, bundle } = state
  const { settleMs } = needs.lives
  const later = (ms: number): Certificates => ({
    ...certificates,
    renewAt: new Date(needs.now.getTime() + ms),
  })
  const rotation = (reason: string, make: () => Promise<SecretData>): SecretChange => ({
    kind: 'rotation',
    reason,
    make,
    certificates: later(retryMs),
  })
  const settled = (change: () => SecretChange): SecretChange => {
    const remainingMs = settleMs - view.standingMs(certificates)
    return remainingMs <= 0 ? change() : { kind: 'none', certificates: later(remainingMs) }
  }
  switch (step.kind) {
    case 'rest':
      return { kind: 'none', certificates }
    case 'renew':
      return rotation('two thirds of the life of the certificate are over', () =>
        reissued(issuer, needs, { authority, bundle }, view),
      )
    case 'spread':
      return rotation('two thirds of the life of the CA are over', () => spread(issuer, needs, certificates))
    case 'swap':
      return settled(() =>
        rotation('the new CA is trusted', () => reissued(issuer, needs, { authority, bundle }, view)),
      )
    case 'retire':
      return settled(() =>
        rotation('the old CA is no longer needed', () =>
          Promise.resolve(dataOf(certificates.pair, authority.certPem, authority.keyPem)),
        ),
      )
  }
}
