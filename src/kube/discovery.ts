import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../core/clock.ts'
import { definitionResource, crdName, gvk, type Resource } from '../core/resources.ts'
import { isAbsent } from './answer.ts'
import { backoffMs, waitMs, usualBackoff } from './backoff.ts'
import { type Client, failureWords, resourcePath } from './client.ts'
import { sleep, systemClock } from './clock.ts'
import { servedVersions, serves, slim, type Summarise } from './definition.ts'
import { type Log, silent } from './log.ts'
import { decodeObject, type KubeObject } from './object.ts'
import { Reflector, type ReflectorOptions } from './reflector.ts'

export type KindsOptions = {
  readonly client: Pick<Client, 'call' | 'watch'>
  readonly resources: readonly Resource[]
  /**
   * Called for each kind once it is known whether it is served, and again when that, the CRD's uid or its `summary`
   * changes, or the versions that are served. `definition` is the CRD without schemas, undefined where there is none.
   */
  readonly changed: (resource: Resource, served: boolean, definition: KubeObject | undefined) => void
  /** What to keep of a whole CRD, as the definition's `summary`. */
  readonly summarise?: Summarise
  readonly log?: Log
  readonly clock?: Clock
  readonly random?: () => number
  readonly timings?: ReflectorOptions['timings']
}

export type Kinds = {
  readonly start: () => void
  readonly stop: () => Promise<void>
  /** Whether it is known, for every kind, if the kind is served. */
  readonly synced: boolean
}

/**
 * CRDs per page of a list. A CRD can have a megabyte, so that a page of the usual 100 would be too much memory at
 * once.
 */
const pageSize = 50

type KindState = { readonly served: boolean; readonly definition: KubeObject | undefined }
type Question = { readonly cut: AbortController; readonly answered: Promise<void> }

/**
 * Tells which kinds the API server serves, by its CustomResourceDefinitions (CRDs). A kind is served if its CRD is Established and
 * serves the version. A kind counts as not served only after a live read of its CRD has shown so: the watch may lag, the
 * API server's discovery answers 200 without the group for a moment after a restart, and without permission nothing is known.
 */
export function watchKinds(options: KindsOptions): Kinds {
  const { client, resources, changed, summarise = () => ({}), timings } = options
  const { log = silent, clock = systemClock, random = Math.random } = options
  const kindsOf = Map.groupBy(resources, crdName)
  const states = new Map<Resource, KindState>()
  const questions = new Map<Resource, Question>()

  function announce(resource: Resource, state: KindState): void {
    const before = states.get(resource)
    states.set(resource, state)
    if (before && isDeepStrictEqual(essence(before), essence(state))) return
    try {
      changed(resource, state.served, state.definition)
    } catch (error) {
      log.error({ err: error, kind: gvk(resource) }, 'a handler of served kinds threw')
    }
  }

  const judge = (resource: Resource, definition: KubeObject): void =>
    announce(resource, { served: serves(definition, resource.version), definition })

  function reduce(definition: KubeObject): KubeObject {
    try {
      return slim(definition, summarise(definition))
    } catch (error) {
      log.error({ err: error, crd: definition.metadata.name }, 'a CRD could not be summarised')
      return slim(definition, {})
    }
  }

  /** The last question about a kind is dropped: what the watch says now is younger than its answer. */
  function ask(resource: Resource): void {
    questions.get(resource)?.cut.abort()
    const cut = new AbortController()
    questions.set(resource, { cut, answered: confirm(resource, cut.signal) })
  }

  async function confirm(resource: Resource, signal: AbortSignal): Promise<void> {
    const path = resourcePath(definitionResource, { name: crdName(resource) })
    for (let failures = 1; ; failures += 1) {
      const answer = await client.call({ method: 'GET', path, signal })
      if (signal.aborted) return
      const definition = answer.kind === 'ok' ? decodeObject(answer.body) : undefined
      if (definition) return judge(resource, reduce(definition))
      if (isAbsent(answer)) return announce(resource, { served: false, definition })
      const why = answer.kind === 'ok' ? 'the answer is no object' : failureWords(answer)
      log[failures === 1 ? 'warn' : 'debug'](
        { kind: gvk(resource), why },
        'it is unknown if this kind is served',
      )
      const retryAfterMs = answer.kind === 'refused' ? answer.retryAfterMs : undefined
      await sleep(clock, waitMs(backoffMs(usualBackoff, failures, random), retryAfterMs), signal)
    }
  }

  const reflector = new Reflector({
    client,
    resource: definitionResource,
    log,
    clock,
    random,
    timings: { pageSize, ...timings },
    reduce: (crd) => (kindsOf.has(crd.metadata.name) ? reduce(crd) : undefined),
    handler: {
      upserted(definition) {
        for (const resource of kindsOf.get(definition.metadata.name) ?? []) {
          if (!serves(definition, resource.version)) {
            ask(resource)
            continue
          }
          questions.get(resource)?.cut.abort()
          judge(resource, definition)
        }
      },
      removed({ name }) {
        for (const resource of kindsOf.get(name) ?? []) ask(resource)
      },
      synced() {
        for (const resource of resources) if (!states.has(resource) && !questions.has(resource)) ask(resource)
      },
    },
  })

  return {
    start: () => reflector.start(),
    async stop() {
      await reflector.stop()
      for (const { cut } of questions.values()) cut.abort()
      await Promise.all(Array.from(questions.values(), ({ answered }) => answered))
    },
    get synced() {
      return reflector.synced && states.size === resources.length
    },
  }
}

const essence = ({ served, definition }: KindState): unknown => [
  served,
  definition && servedVersions(definition),
  definition?.metadata.uid,
  definition?.['summary'],
]
