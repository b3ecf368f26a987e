import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Interning } from '../../src/core/interning.ts'

/** As it comes from the wire, so that nothing of it is shared with another one yet. */
const parsed = (value: unknown): { readonly [field: string]: unknown } => JSON.parse(JSON.stringify(value))

const json = fc.dictionary(fc.string(), fc.jsonValue())

test('what is shared is equal to what there was', () => {
  const interning = new Interning()
  fc.assert(
    fc.property(json, json, (spec, status) => {
      const object = parsed({ spec, status })
      const before = JSON.stringify(object)
      interning.object(object)
      expect(JSON.stringify(object)).toBe(before)
    }),
  )
})

test('equal conditions become one object, except Ready, which is rarely equal', () => {
  const interning = new Interning()
  const conflict = { type: 'Conflict', status: 'False', reason: 'NoConflict' }
  const ready = { type: 'Ready', status: 'True', reason: 'Reconciled' }
  const conditionsOf = (): readonly unknown[] => {
    const conditions = [structuredClone(ready), structuredClone(conflict)]
    interning.object({ status: { conditions } })
    return conditions
  }
  const [first, second] = [conditionsOf(), conditionsOf()]
  expect(second).toEqual([ready, conflict])
  expect(second[1]).toBe(first[1])
  expect(second[0]).not.toBe(first[0])
})

test('an object is shared for as long as an equal one comes now and then, and forgotten after that', () => {
  const interning = new Interning()
  const shared = (): unknown => {
    const conditions: unknown[] = [{ type: 'Conflict', status: 'False', reason: 'NoConflict' }]
    interning.object({ status: { conditions } })
    return conditions[0]
  }
  const first = shared()
  for (let times = 0; times < 3; times += 1) {
    interning.forgetOld()
    expect(shared()).toBe(first)
  }
  interning.forgetOld()
  interning.forgetOld()
  expect(shared()).not.toBe(first)
})
