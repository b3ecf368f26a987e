import { decodeBinding, type BindingKey } from '../../../src/core/binding.ts'
import { decodeOutput } from '../../../src/core/clusterspiffeid.ts'
import { readyIn } from '../../../src/core/conditions.ts'
import { eventResource, bindingResource, clusterSpiffeIdResource } from '../../../src/core/resources.ts'
import { recordOf, textOf } from '../../support/embedded/json.ts'
import { placeOf } from '../../support/world.ts'
import type { Change, Entry } from '../history.ts'

type Line = { readonly at: number; readonly text: string }

/** How much of it is shown with a violation. */
const shown = { lines: 40, ms: 150_000 }

/** The history in words, by the binding that it is about; what is about none is about all. */
export class Chronicle {
  readonly #lines = new Map<BindingKey | '', readonly Line[]>()

  note(entry: Entry): void {
    if (entry.kind === 'tick') return
    if (entry.kind === 'change') return this.#add(subjectOf(entry), entry.at, told(entry))
    const text =
      entry.kind === 'fault' ? `fault ${entry.name} ${entry.phase}` : 'all edits and faults are over'
    this.#add('', entry.at, text)
  }

  about(key: BindingKey, at: number): readonly string[] {
    return [...(this.#lines.get(key) ?? []), ...(this.#lines.get('') ?? [])]
      .filter((line) => line.at >= at - shown.ms)
      .toSorted((a, b) => a.at - b.at)
      .slice(-shown.lines)
      .map((line) => `${(line.at / 1000).toFixed(1)} s  ${line.text}`)
  }

  #add(key: BindingKey | '', at: number, text: string): void {
    const lines = this.#lines.get(key) ?? []
    this.#lines.set(key, [...lines.slice(-4 * shown.lines), { at, text }])
  }
}

function subjectOf({ resource, object }: Change): BindingKey | '' {
  const { namespace = '', name } = placeOf(object)
  if (resource === bindingResource) return `${namespace}/${name}`
  if (resource === clusterSpiffeIdResource) return decodeOutput(object).owner ?? ''
  if (resource === eventResource) return `${namespace}/${textOf(recordOf(object['regarding'])['name'])}`
  return ''
}

function told(change: Change): string {
  const { resource, object, removed, byOthers, version } = change
  const { namespace, name } = placeOf(object)
  const who = byOthers ? ', by others' : ''
  const where = namespace === undefined ? name : `${namespace}/${name}`
  return `${version} ${resource.kind} ${resource.group} ${where} ${removed ? 'removed' : detailOf(change)}${who}`
}

function detailOf({ resource, object }: Change): string {
  if (resource === bindingResource) {
    const { generation, deleting, status, spec } = decodeBinding(object)
    const ready = readyIn(status)
    const { poolRef, objectiveRef, containerName } = spec
    const asks = JSON.stringify([poolRef.name, objectiveRef?.name, containerName])
    return `generation ${generation} ${asks}${deleting ? ' deleting' : ''}: ${ready ? `Ready=${ready.status} ${ready.reason} of ${ready.observedGeneration}` : 'no status'}`
  }
  if (resource === clusterSpiffeIdResource) {
    const { uid, spec } = decodeOutput(object)
    return `uid ${uid.slice(0, 8)} ${String(spec['spiffeIDTemplate'])} ${JSON.stringify(spec['workloadSelectorTemplates'])}`
  }
  if (resource === eventResource)
    return `${textOf(object['reason'])}: ${textOf(object['note']).slice(0, 200)}`
  return `is ${JSON.stringify(object['spec'] ?? {}).slice(0, 160)}`
}
