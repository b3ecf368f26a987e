import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeMetadataList } from '../../src/kube/metadata-list.ts'

const varint = (value: number): readonly number[] =>
  value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))]

const field = (number: number, content: Buffer | string): Buffer => {
  const bytes = Buffer.from(content)
  return Buffer.concat([Buffer.from([...varint(number * 8 + 2), ...varint(bytes.length)]), bytes])
}

const numeral = (number: number, value: number): Buffer =>
  Buffer.from([...varint(number * 8), ...varint(value)])

const listOf = (
  items: readonly {
    readonly name: string
    readonly namespace: string
    readonly uid: string
    readonly resourceVersion: string
  }[],
  token: string,
): Buffer => {
  const raw = [
    field(1, Buffer.concat([field(2, '77'), field(3, token), numeral(4, items.length)])),
    ...items.map(({ name, namespace, uid, resourceVersion }) => {
      const meta = [
        field(1, name),
        field(3, namespace),
        field(5, uid),
        field(6, resourceVersion),
        numeral(7, 2 ** 40),
        field(17, 'fields of somebody'.repeat(20)),
      ]
      return field(2, field(1, Buffer.concat(meta)))
    }),
  ]
  return Buffer.concat([
    Buffer.from('k8s\0'),
    field(1, 'meta.k8s.io/v1'),
    field(2, Buffer.concat(raw)),
    field(3, ''),
  ])
}

const lists = fc.record({
  token: fc.string(),
  items: fc.array(
    fc.record({
      name: fc.string({ unit: 'grapheme' }),
      namespace: fc.string(),
      uid: fc.string(),
      resourceVersion: fc.string(),
    }),
  ),
})

test('a list is read as it was written, and the rest of it stepped over', () => {
  fc.assert(
    fc.property(lists, ({ items, token }) => {
      expect(decodeMetadataList(listOf(items, token))).toEqual({
        metadata: { resourceVersion: '77', continue: token, remainingItemCount: items.length },
        items: items.map((metadata) => ({ metadata })),
      })
    }),
  )
})

const problemIn = (bytes: Buffer): string => {
  try {
    decodeMetadataList(bytes)
    return ''
  } catch (error) {
    return String(error)
  }
}

test('a list that ends too soon is none', () => {
  const whole = listOf([{ name: 'a', namespace: 'b', uid: 'c', resourceVersion: '1' }], 'next')
  const from = 4 + field(1, 'meta.k8s.io/v1').length
  // The last field, which is empty and not asked for, may be missing.
  for (let length = from + 1; length < whole.length - 2; length++)
    expect(problemIn(whole.subarray(0, length))).toMatch('ends too soon')
})

test('whatever comes instead of a list ends in an error of ours or in a list', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const problem = problemIn(Buffer.concat([Buffer.from('k8s\0'), bytes]))
      expect(problem).toMatch(/^$|ends too soon|wire type|no list|no protobuf/)
    }),
  )
  expect(problemIn(Buffer.from('{"items":[]}'))).toMatch('no protobuf')
})
