import { expect, test } from 'vitest'
import { listOf, recordOf, type Json } from '../embedded/json.ts'
import { widget, type Subject } from './subject.ts'

const causes = (body: Json): readonly string[] =>
  listOf(recordOf(body['details'])['causes'])
    .map(recordOf)
    .map(({ reason, field, message }) => `${String(reason)} ${String(field)}: ${String(message)}`)
    .toSorted()

/** What a definition's schema does to an object. */
export const schemaSuite = (subject: () => Subject): void => {
  test('defaults are filled in, inside defaults too', async () => {
    const { client, widgets } = subject()
    const { body } = await client.post(widgets, widget(subject(), 'defaults', { size: 1, color: null }))
    expect(body['spec']).toEqual({ size: 1, color: 'red', nested: { deep: 'x' } })
  })

  test('unknown fields are dropped with a warning, where the schema does not keep them', async () => {
    const { client, widgets } = subject()
    const spec = { size: 1, junk: 1, nested: { deep: 'y', junk: 2 }, free: { any: { thing: 1 } } }
    const { code, body, warnings } = await client.post(widgets, widget(subject(), 'pruned', spec))
    expect(code).toBe(201)
    expect(body['spec']).toEqual({
      size: 1,
      color: 'red',
      nested: { deep: 'y' },
      free: { any: { thing: 1 } },
    })
    expect(warnings.map((warning) => warning.replaceAll('\\', ''))).toEqual([
      'unknown field "spec.junk"',
      'unknown field "spec.nested.junk"',
    ])
  })

  test('unknown fields are refused where the client wants it strict', async () => {
    const { client, widgets } = subject()
    const object = widget(subject(), 'strict', { size: 1, junk: 1 })
    expect(await client.post(`${widgets}?fieldValidation=Strict`, object)).toMatchObject({
      code: 400,
      body: {
        reason: 'BadRequest',
        message:
          'Widget in version "v1" cannot be handled as a Widget: strict decoding error: unknown field "spec.junk"',
      },
    })
  })

  test('every violation is a cause, in the words of the API server', async () => {
    const { client, widgets, group } = subject()
    const spec = {
      size: 11,
      color: 'green',
      note: 'toolongnote',
      tags: ['a', 'b', 'c'],
      labels: { a: 1 },
      port: 1.5,
    }
    const { code, body } = await client.post(widgets, widget(subject(), 'wrong', spec))
    expect(code).toBe(422)
    expect(body).toMatchObject({ reason: 'Invalid', details: { name: 'wrong', group, kind: 'Widget' } })
    expect(causes(body)).toEqual([
      'FieldValueInvalid spec.size: Invalid value: 11: spec.size in body should be less than or equal to 10',
      'FieldValueNotSupported spec.color: Unsupported value: "green": supported values: "red", "blue"',
      'FieldValueTooLong spec.note: Too long: may not be more than 8 bytes',
      'FieldValueTooMany spec.tags: Too many: 3: must have at most 2 items',
      'FieldValueTypeInvalid spec.labels.a: Invalid value: "integer": spec.labels.a in body must be of type string: "integer"',
      'FieldValueTypeInvalid spec.port: Invalid value: "number": spec.port in body must be of type integer,string: "number"',
    ])
  })

  test('what is required and wrong is said with its field', async () => {
    const { client, widgets, group } = subject()
    const wrong = await client.post(widgets, widget(subject(), 'wrong', { note: 'A' }))
    expect(causes(wrong.body)).toEqual([
      `FieldValueInvalid spec.note: Invalid value: "A": spec.note in body should match '^[a-z]*$'`,
      'FieldValueRequired spec.size: Required value',
    ])
    const one = await client.post(widgets, widget(subject(), 'wrong', {}))
    expect(one.body['message']).toBe(`Widget.${group} "wrong" is invalid: spec.size: Required value`)
  })

  test('the data must be of the kind and version of its path', async () => {
    const { client, widgets, group } = subject()
    const object = widget(subject(), 'other', { size: 1 })
    expect(await client.post(widgets, { ...object, apiVersion: `${group}/v2` })).toMatchObject({ code: 400 })
    expect(await client.post(widgets, { ...object, kind: 'Gadget' })).toMatchObject({ code: 422 })
    expect(await client.post(widgets, widget(subject(), 'B_b', { size: 1 }))).toMatchObject({
      code: 422,
      body: { details: { causes: [{ field: 'metadata.name' }] } },
    })
  })
}
