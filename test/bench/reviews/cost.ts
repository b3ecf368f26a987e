import { filledInventory, namespaceOf, type Layout } from '../inventory.ts'
import { range } from '../waiting.ts'
import { answerAs } from '../worker.ts'
import { costOfReviews, requestIn } from './alone.ts'

/** Reviews without HTTP, among so many bindings. Each question is answered with the µs of CPU one review took. */
const [size = '', layoutName] = process.argv.slice(2)
const layout: Layout = layoutName === 'together' ? 'together' : 'spread'

/** The same number of different requests at every size, or the caches of the processor would be what is measured. */
const candidates = 100
const reviews = 10_000

const bindings = Number(size)
const inventory = filledInventory(bindings, layout)
const requests = range(candidates, bindings).map((index) => {
  // Beside bindings that are there, all over the inventory.
  const beside = Math.floor(((index - bindings) * bindings) / candidates)
  return requestIn(inventory, namespaceOf(layout, beside), index)
})

answerAs(async () => ({ micros: await costOfReviews(inventory, requests, reviews) }))
