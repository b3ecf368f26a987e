/** Histories by hand, for the tests of the judge. */
import { decodeBinding, finalizer } from '../../../src/core/binding.ts'
import { retryingStatus, statusOf } from '../../../src/core/conditions.ts'
import { refusedOutput, refusedWith } from '../../../src/core/plan.ts'
import {
  eventResource,
  crdName,
  definitionResource,
  gvk,
  type Resource,
  allResources,
} from '../../../src/core/resources.ts'
import { binding, inventoryOf, objective, pool, renderedFrom, settings } from '../../support/builders.ts'
import { recordOf, type Json } from '../../support/embedded/json.ts'
import { planIn } from '../../support/model.ts'
import { resourceOf, type Manifest } from '../../support/vectors.ts'
import type { Blinds, Entry } from '../history.ts'
import { Judge } from './judge.ts'

type Stored = Manifest & { readonly status?: Json }

/** Writes a history down, at the times in seconds at which things happened. */
export class HistoryBuilder {
  readonly entries: Entry[] = []
  #version = 0

  constructor() {
    for (const resource of allResources) this.define(0, resource)
  }

  define(seconds: number, resource: Resource, going = false): this {
    const definition = {
      metadata: {
        name: crdName(resource),
        uid: gvk(resource),
        ...(going && { deletionTimestamp: 'now' }),
      },
      spec: { versions: [{ name: resource.version, served: true }] },
      status: { conditions: [{ type: 'Established', status: 'True' }] },
    }
    return this.#write(seconds, definitionResource, definition, false, true)
  }

  /** Somebody else than the operator writes these objects. */
  has(seconds: number, ...manifests: readonly Manifest[]): this {
    for (const manifest of manifests) this.#write(seconds, resourceOf(manifest), manifest, false, true)
    return this
  }

  lacks(seconds: number, manifest: Manifest): this {
    return this.#write(seconds, resourceOf(manifest), manifest, true, true)
  }

  /** The operator writes. */
  writes(seconds: number, ...manifests: readonly Manifest[]): this {
    for (const manifest of manifests) this.#write(seconds, resourceOf(manifest), manifest, false, false)
    return this
  }

  deletes(seconds: number, manifest: Manifest): this {
    return this.#write(seconds, resourceOf(manifest), manifest, true, false)
  }

  retries(seconds: number, { metadata }: Manifest): this {
    const { namespace, name } = metadata
    const event = { metadata: { namespace, name: `${name}.1` }, reason: 'Retrying', regarding: { name } }
    return this.#write(seconds, eventResource, event, false, false)
  }

  fault(from: number, to: number, blinds: Blinds): this {
    const id = this.entries.length
    const mark = { kind: 'fault', id, name: 'some fault', blinds } as const
    this.entries.push(
      { ...mark, phase: 'begins', at: from * 1000 },
      { ...mark, phase: 'ends', at: to * 1000 },
    )
    return this
  }

  calm(since: number, until: number): this {
    this.entries.push({ kind: 'calm', since: since * 1000, at: until * 1000 })
    return this
  }

  /** What a judge says of this history, with a tick every half second. */
  verdict(until: number): readonly string[] {
    const ticks = Array.from({ length: until * 2 }, (_, at) => ({ kind: 'tick' as const, at: at * 500 }))
    const judge = new Judge()
    const found = [...this.entries, ...ticks]
      .toSorted((a, b) => a.at - b.at)
      .flatMap((one) => judge.next(one))
    return found.map(({ rule, at, about, history }) =>
      history.length === 0 ? 'a violation without a history' : `${Math.floor(at / 1000)} ${rule} ${about}`,
    )
  }

  #write(
    seconds: number,
    resource: Resource,
    object: Json | Manifest,
    removed: boolean,
    byOthers: boolean,
  ): this {
    this.#version += 1
    const metadata = { resourceVersion: String(this.#version), ...recordOf(object['metadata']) }
    this.entries.push({
      kind: 'change',
      at: seconds * 1000,
      version: this.#version,
      resource,
      removed,
      byOthers,
      object: { ...object, metadata },
    })
    return this
  }
}

export const finalizers = [finalizer]
export const chat = binding({ metadata: { finalizers } })
export const scene = [pool(), objective(), objective({ name: 'other' })]
export const uid = 'uid-of-output'

export const outputOf = (one: Manifest, objects: readonly Manifest[] = scene): Manifest => {
  const rendered = renderedFrom(one, inventoryOf([...objects, one]))
  return { ...rendered, metadata: { ...rendered.metadata, uid: `${uid}-${rendered.metadata.name}` } }
}

/** A binding with the status that the contract gives it among these. */
export function settled(one: Manifest, objects: readonly Manifest[] = scene): Stored {
  const inventory = inventoryOf([...objects, one])
  const decoded = decodeBinding(one)
  const plan = planIn(inventory, decoded)
  const outcome =
    plan.kind === 'render'
      ? {
          kind: 'ready' as const,
          identity: plan.identity,
          output: {
            name: plan.wanted.metadata.name,
            uid: String(outputOf(one, objects).metadata['uid']),
            generation: 1,
          },
        }
      : plan.outcome
  const status = statusOf(outcome, {
    settings,
    generation: decoded.generation,
    previous: {},
    now: new Date(0),
  })
  return { ...one, status }
}

export const refused = (one: Manifest): Stored => {
  const outcome = refusedOutput(outputOf(one).metadata.name, refusedWith(403, 'not in this house'))
  const { generation } = decodeBinding(one)
  return { ...one, status: statusOf(outcome, { settings, generation, previous: {}, now: new Date(0) }) }
}

export const retrying = (one: Manifest): Stored => ({
  ...one,
  status: retryingStatus({ observedGeneration: -1 }, 'no answer', new Date(0)),
})
