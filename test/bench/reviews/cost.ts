import { decodeReview } from '../../../src/webhook/admission-review.ts'
import { validating } from '../../../src/webhook/review.ts'
import { blind } from '../../../src/webhook/workloads.ts'
import { addReferences, filledInventory, namespaceOf, type Layout } from '../inventory.ts'
import { range } from '../waiting.ts'
import { answerAs, cpuSeconds } from '../worker.ts'
import { admissionReview } from './review.ts'

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
  const namespace = namespaceOf(layout, beside)
  addReferences(inventory, namespace, index)
  const decoded = decodeReview(admissionReview(namespace, index))
  if (decoded.kind === 'problem') throw new Error(decoded.message)
  return decoded.request
})

const review = validating({
  world: inventory,
  isLenient: () => Promise.resolve(false),
  notices: () => [],
  read: () => () => Promise.reject(new Error('a review that allows reads nothing')),
  actions: {},
  reserve: () => Promise.reject(new Error('a dry run reserves nothing')),
  lookAtPods: blind,
  observe: () => {},
})
const { signal } = new AbortController()

answerAs(async () => {
  const before = cpuSeconds()
  for (let done = 0; done < reviews; done += candidates) {
    for (const request of requests) {
      const { kind } = await review(request, signal)
      if (kind !== 'allowed') throw new Error('a good binding was not allowed')
    }
  }
  return { micros: ((cpuSeconds() - before) / reviews) * 1e6 }
})
