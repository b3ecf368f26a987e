import { isDeepStrictEqual } from 'node:util'
import { bindingKey, decodeBinding, finalizer, type Binding } from '../../../src/core/binding.ts'
import {
  collisionKeyIn,
  decodeOutput,
  givesSameIdentity,
  type Output,
} from '../../../src/core/clusterspiffeid.ts'
import { summaryIn } from '../../../src/core/conditions.ts'
import { areOneRenamed } from '../../../src/core/rename.ts'
import {
  definitionResource,
  bindingResource,
  clusterSpiffeIdResource,
  crdName,
  gvk,
  allResources,
} from '../../../src/core/resources.ts'
import { serves } from '../../../src/kube/definition.ts'
import { decodeObject } from '../../../src/kube/object.ts'
import { inventoryOfState, planIn, type State } from '../../support/model.ts'
import { metaOf, placeOf, uidOf } from '../../support/world.ts'
import type { Happening } from './history.ts'

/** Tells what others than the loop wrote and deleted. The rest is the loop's. */
type Others = { readonly wrote: (version: number) => boolean; readonly deleted: (uid: string) => boolean }

type Moment = ReadonlyMap<string, Happening>

/** On how old a state the loop may act, in writes since then. */
const memory = 400

/**
 * Goes through what happened, write by write, and names each of the loop's that broke a promise which holds at every
 * moment, not only once all is settled.
 */
export class Judge {
  readonly #others: Others
  /** Outputs as the loop wrote them last, by uid. */
  readonly #ofTheLoop = new Set<string>()
  #now: Moment = new Map()
  #past: readonly Moment[] = []

  constructor(others: Others) {
    this.#others = others
  }

  judge(happenings: readonly Happening[]): readonly string[] {
    return happenings.flatMap((happening) => this.#next(happening))
  }

  #next(happening: Happening): readonly string[] {
    const key = keyOf(happening)
    const before = this.#now.get(key)
    const after = new Map(this.#now)
    if (happening.removed) after.delete(key)
    else after.set(key, happening)
    this.#past = [...this.#past.slice(-memory), after]
    this.#now = after
    const isTheirs = happening.removed
      ? this.#others.deleted(uidOf(happening.object)) || this.#isEnding(happening)
      : this.#others.wrote(happening.version)
    if (happening.resource === clusterSpiffeIdResource) return this.#ofOutput(happening, before, isTheirs)
    if (happening.resource === bindingResource && before && !isTheirs)
      return this.#ofBinding(happening, before)
    return []
  }

  /** Whether the kind of an object is going: then the API server, not the loop, deletes the object. */
  #isEnding({ resource }: Happening): boolean {
    const definition = this.#now.get(`${gvk(definitionResource)} /${crdName(resource)}`)
    return definition === undefined || 'deletionTimestamp' in metaOf(definition.object)
  }

  #ofOutput(happening: Happening, before: Happening | undefined, isTheirs: boolean): readonly string[] {
    const { removed, object, version } = happening
    const output = decodeOutput(object)
    const wasOfTheLoop = this.#ofTheLoop.has(output.uid)
    if (removed || isTheirs) this.#ofTheLoop.delete(output.uid)
    else this.#ofTheLoop.add(output.uid)
    if (isTheirs) return []
    const at = `${version}: ${output.name}`
    const isForeign = before !== undefined && decodeOutput(before.object).owner === undefined
    if (isForeign) return [`${at} is somebody else's and was ${removed ? 'deleted' : 'changed'}`]
    if (!removed) return this.#rivalsOf(output).map((rival) => `${at} ${rival}`)
    return wasOfTheLoop && !this.#wasUnwanted(output) ? [`${at} was withdrawn without a reason`] : []
  }

  #rivalsOf(output: Output): readonly string[] {
    const key = collisionKeyIn(output)
    return this.#outputs()
      .filter(({ uid }) => uid !== output.uid && this.#ofTheLoop.has(uid))
      .flatMap((other) => {
        if (other.owner === output.owner)
          return isSameIdentity(other, output) ? [] : [`and ${other.name} are two identities of one binding`]
        return key !== undefined && collisionKeyIn(other) === key && !this.#wereOneRenamed(output, other)
          ? [`and ${other.name} have one collision key`]
          : []
      })
  }

  /** Whether the outputs are of two bindings of which one was, for a moment, annotated to replace the other. */
  #wereOneRenamed(one: Output, other: Output): boolean {
    if (!isDeepStrictEqual(one.spec['spiffeIDTemplate'], other.spec['spiffeIDTemplate'])) return false
    return this.#past.some((moment) => {
      const inventory = inventoryOfState(stateIn(moment))
      const [a, b] = [one, other].map(({ owner }) => owner && inventory.binding(owner))
      return a && b && areOneRenamed(a, b)
    })
  }

  #wasUnwanted(output: Output): boolean {
    return this.#past.some((moment) => {
      const inventory = inventoryOfState(stateIn(moment))
      const binding = output.owner && inventory.binding(output.owner)
      if (!binding || binding.deleting) return true
      const plan = planIn(inventory, binding)
      return (
        plan.kind === 'withdraw' ||
        plan.wanted.metadata.name !== output.name ||
        !givesSameIdentity(output, plan.wanted)
      )
    })
  }

  #ofBinding({ object, removed, version }: Happening, before: Happening): readonly string[] {
    const [was, is] = [decodeBinding(before.object), decodeBinding(object)]
    const key = bindingKey(is.namespace, is.name)
    const left = this.#outputs().filter(({ owner, uid }) => owner === key && this.#ofTheLoop.has(uid))
    if (left.length === 0) return []
    const names = left.map(({ name }) => name).join(', ')
    const isLetGo = was.finalizers.includes(finalizer) && (removed || !is.finalizers.includes(finalizer))
    if (isLetGo && was.deleting) return [`${version}: ${key} was let go while ${names} was there`]
    return saysWithdrawn(was, is) ? [`${version}: ${key} was said to be failed while ${names} was there`] : []
  }

  #outputs(): readonly Output[] {
    return [...this.#now.values()]
      .filter(({ resource }) => resource === clusterSpiffeIdResource)
      .map(({ object }) => decodeOutput(object))
  }
}

const isSameIdentity = (a: Output, b: Output): boolean =>
  givesSameIdentity(a, {
    apiVersion: '',
    kind: '',
    metadata: { name: '', labels: {}, annotations: {} },
    spec: b.spec,
  })

function saysWithdrawn(was: Binding, is: Binding): boolean {
  const [before, after] = [summaryIn(was.status), summaryIn(is.status)]
  return (
    after !== undefined &&
    before?.reason !== after.reason &&
    !['Reconciled', 'ManagedOutputApplyFailed', 'Retrying'].includes(after.reason)
  )
}

const keyOf = ({ resource, object }: Happening): string => {
  const { namespace = '', name } = placeOf(object)
  return `${gvk(resource)} ${namespace}/${name}`
}

function stateIn(moment: Moment): State {
  const definitions = new Map(
    [...moment.values()]
      .filter(({ resource }) => resource === definitionResource)
      .flatMap(({ object }) => {
        const definition = decodeObject(object)
        return definition ? [[definition.metadata.name, definition] as const] : []
      }),
  )
  return {
    served: allResources.filter((resource) => {
      const definition = definitions.get(crdName(resource))
      return definition !== undefined && serves(definition, resource.version)
    }),
    objects: [...moment.values()].filter(({ resource }) => resource !== definitionResource),
  }
}
