/** Decides why a ClusterSPIFFEID of ours differs from the wanted one, and what is written in its place. */
import type { Binding } from '../core/binding.ts'
import {
  classNameLabel,
  decodeOutput,
  ownerAnnotation,
  type ClusterSpiffeId,
  type Output,
} from '../core/clusterspiffeid.ts'
import { outputUidIn } from '../core/conditions.ts'
import { field, objectOr, type JsonObject } from '../core/json.ts'
import { settingsIn } from '../core/stored-status.ts'
import { editorsOf } from './editors.ts'
import type { News } from './events.ts'
import type { JournalAction } from './journal.ts'

type Repair = {
  readonly action: Extract<JournalAction, 'adopted' | 'changed' | 'repaired'>
  readonly why: string
  /** Paths of the fields that differ. */
  readonly fields: readonly string[]
  /** Field managers that edited those fields, as far as the API server knows them. */
  readonly by: readonly string[]
}

/** Tells whether somebody edited the object, or the operator renders it otherwise than before. */
export function repairOf(
  { status }: Pick<Binding, 'status'>,
  wanted: ClusterSpiffeId,
  live: JsonObject,
  fields: readonly string[],
): Repair {
  const { annotated, uid, labels } = decodeOutput(live)
  const isShown = outputUidIn(status) === uid
  if (!annotated && !isShown) return { action: 'adopted', why: 'the former operator made it', fields, by: [] }
  const { others, areOurs } = editorsOf(live, fields)
  const statusSettings = settingsIn(status)
  const isOtherClass = statusSettings !== undefined && statusSettings.className !== wanted.spec['className']
  // Earlier versions of this operator did not write the class label. Nothing tells who removed a label, so a missing
  // one is taken for an object of such a version.
  const lacksLabel =
    !Object.hasOwn(labels, classNameLabel) && fields.every((path) => path.includes(classNameLabel))
  return others.length === 0 && (areOurs || isOtherClass || lacksLabel)
    ? { action: 'changed', why: 'the operator renders it otherwise than before', fields, by: [] }
    : { action: 'repaired', why: 'somebody edited it', fields, by: others }
}

export const repairNews = ({ name, uid, resourceVersion }: Output, { fields, by }: Repair): News => ({
  type: 'Warning',
  reason: 'Repaired',
  note: `ClusterSPIFFEID ${name} is put back in ${fields.join(', ')}, which ${by.length === 0 ? 'somebody' : by.join(', ')} edited`,
  about: `${uid}/${resourceVersion}`,
})

/** News that a ClusterSPIFFEID is created again, because somebody deleted the one that the status names. */
export function recreationNews({ status }: Pick<Binding, 'status'>, name: string): News {
  const note = `ClusterSPIFFEID ${name} was deleted by somebody, and is created again`
  return { type: 'Warning', reason: 'Repaired', note, about: String(outputUidIn(status)) }
}

/** The live object with our spec, labels and annotation; other labels and annotations are left alone. */
export function merged(live: JsonObject, wanted: ClusterSpiffeId): JsonObject {
  const metadata = objectOr(live['metadata'])
  const { [classNameLabel]: _, ...labels } = objectOr(field(metadata, 'labels'))
  return {
    ...live,
    metadata: {
      ...metadata,
      labels: { ...labels, ...wanted.metadata.labels },
      annotations: {
        ...objectOr(field(metadata, 'annotations')),
        [ownerAnnotation]: wanted.metadata.annotations[ownerAnnotation],
      },
    },
    spec: wanted.spec,
  }
}
