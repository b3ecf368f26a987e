/**
 * Lists of metadata in protobuf, of which an API server makes one in a third of the time that it takes for JSON, and which
 * takes a reader no time at all: most of an object's metadata is about who set which field, and is stepped over.
 *
 * The numbers of the fields are those of generated.proto in k8s.io/apimachinery: runtime.Unknown, and in meta/v1
 * PartialObjectMetadataList, ListMeta, PartialObjectMetadata and ObjectMeta.
 */

export const protobufType = 'application/vnd.kubernetes.protobuf'

/** What is read of such a list, in the shape that its JSON has. */
export type MetadataList = {
  readonly metadata: {
    readonly resourceVersion: string
    readonly continue: string
    readonly remainingItemCount?: number
  }
  readonly items: readonly { readonly metadata: ItemMetadata }[]
}

type ItemMetadata = {
  readonly name: string
  readonly namespace: string
  readonly uid: string
  readonly resourceVersion: string
}

/** What stands before whatever Kubernetes encodes so. */
const magic = Buffer.from('k8s\0')

/** Throws where the bytes are no such list. */
export function decodeMetadataList(bytes: Buffer): MetadataList {
  if (!bytes.subarray(0, magic.length).equals(magic))
    throw new Error('the answer is no protobuf of Kubernetes')
  const list = fieldsOf(last(fieldsOf(bytes.subarray(magic.length)), 2))
  const listMeta = fieldsOf(last(list, 1))
  const resourceVersion = textIn(listMeta, 2)
  if (resourceVersion === '') throw new Error('the answer is no list')
  const left = listMeta.find(({ number, value }) => number === 4 && value !== undefined)?.value
  return {
    metadata: {
      resourceVersion,
      continue: textIn(listMeta, 3),
      ...(left !== undefined && { remainingItemCount: left }),
    },
    items: list.filter(({ number }) => number === 2).map(({ bytes: item }) => ({ metadata: itemIn(item) })),
  }
}

function itemIn(bytes: Buffer): ItemMetadata {
  const meta = fieldsOf(last(fieldsOf(bytes), 1))
  return {
    name: textIn(meta, 1),
    namespace: textIn(meta, 3),
    uid: textIn(meta, 5),
    resourceVersion: textIn(meta, 6),
  }
}

/** A field that has a length, which is a message, a string or bytes, or one that is a number and has no bytes. */
type Field = { readonly number: number; readonly bytes: Buffer; readonly value?: number }

const empty = Buffer.alloc(0)

/** Of a field that is there more than once, the last counts. */
const last = (fields: readonly Field[], number: number): Buffer =>
  fields.findLast((field) => field.number === number)?.bytes ?? empty

const textIn = (fields: readonly Field[], number: number): string => last(fields, number).toString('utf8')

/** The fields of a message, in order. */
function fieldsOf(bytes: Buffer): readonly Field[] {
  const fields: Field[] = []
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at]
      if (byte === undefined || scale > 2 ** 63) throw new Error('the protobuf ends too soon')
      at += 1
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const tag = varint()
    const wireType = tag & 7
    if (wireType === 0) fields.push({ number: Math.floor(tag / 8), bytes: empty, value: varint() })
    else if (wireType === 2) {
      const length = varint()
      fields.push({ number: Math.floor(tag / 8), bytes: bytes.subarray(at, at + length) })
      at += length
    } else throw new Error(`wire type ${wireType} is none that Kubernetes uses`)
  }
  if (at > bytes.length) throw new Error('the protobuf ends too soon')
  return fields
}
