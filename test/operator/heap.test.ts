import { expect, test } from 'vitest'
import { createHeap } from '../../src/operator/heap.ts'

const mebibyte = 2 ** 20

/** A heap of which a collection leaves 40 MiB, looked at by hand. */
function heapAt({ used, load }: { readonly used: number; readonly load: number }) {
  const state = { used: 40 * mebibyte, load, collections: 0, looks: [] as (() => void)[] }
  const heap = createHeap({
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

test('nothing is looked at after the end', () => {
  const { heap, state, look } = heapAt({ used: 90, load: 0 })
  heap.stop()
  look()
  expect(state.collections).toBe(1)
})

test('where Node offers no collection there is none', () => {
  const heap = createHeap({
    collect: undefined,
    used: () => 0,
    load: () => 0,
    every: () => {
      throw new Error('it is looked at for nothing')
    },
  })
  heap.release()
  heap.stop()
})
