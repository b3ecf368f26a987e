import { expect, test } from 'vitest'
import { createHeap } from '../../src/operator/heap.ts'

const mebibyte = 2 ** 20

/** A heap of which a collection leaves 40 MiB, looked at by hand. */
function heapAt({ used, load }: { readonly used: number; readonly load: number }) {
  const state = { used: 40 * mebibyte, load, collections: 0, forgotten: 0, looks: [] as (() => void)[] }
  const heap = createHeap({
    forget: () => void (state.forgotten += 1),
    collect: () => {
      state.collections += 1
      state.used = 40 * mebibyte
    },
    used: () => state.used,
    load: () => state.load,
    every: (_ms, run) => {
      state.looks.push(run)
      return () => void (state.looks.length = 0)
    },
  })
  heap.release()
  state.used = used * mebibyte
  return { heap, state, look: () => state.looks.forEach((run) => run()) }
}

test('what a burst left is collected once at rest', () => {
  const { state, look } = heapAt({ used: 90, load: 0 })
  look()
  look()
  expect(state.collections).toBe(2)
})

test('nothing is collected while much is going on, however much there is', () => {
  const { state, look } = heapAt({ used: 90, load: 0.5 })
  look()
  expect(state.collections).toBe(1)
  state.load = 0
  look()
  expect(state.collections).toBe(2)
})

test('the garbage of a process that rests is left to Node', () => {
  const { state, look } = heapAt({ used: 55, load: 0 })
  look()
  expect(state.collections).toBe(1)
})

test('what is no longer of use is forgotten at each look, however much is going on, and before a collection', () => {
  const { state, look } = heapAt({ used: 90, load: 0.5 })
  look()
  expect(state).toMatchObject({ forgotten: 1, collections: 1 })
  state.load = 0
  look()
  expect(state).toMatchObject({ forgotten: 2, collections: 2 })
})

test('nothing is looked at after the end', () => {
  const { heap, state, look } = heapAt({ used: 90, load: 0 })
  heap.stop()
  look()
  expect(state).toMatchObject({ forgotten: 0, collections: 1 })
})

test('where Node offers no collection things are forgotten all the same', () => {
  const looks = new Set<() => void>()
  let forgotten = 0
  const heap = createHeap({
    forget: () => void (forgotten += 1),
    collect: undefined,
    used: () => 0,
    load: () => 0,
    every: (_ms, run) => {
      looks.add(run)
      return () => looks.clear()
    },
  })
  heap.release()
  for (const look of looks) look()
  expect(forgotten).toBe(1)
  heap.stop()
  expect(looks.size).toBe(0)
})
