import type { Inventory } from '../../../src/core/inventory.ts'
import { decodeReview, type AdmissionRequest } from '../../../src/webhook/admission-review.ts'
import { validating } from '../../../src/webhook/review.ts'
import { withoutPods } from '../../../src/webhook/workloads.ts'
import { addReferences } from '../inventory.ts'
import { cpuSeconds } from '../worker.ts'
import { admissionReview } from './review.ts'

/** A request to create a binding, whose pool and objective are added to the inventory. */
export function requestIn(inventory: Inventory, namespace: string, index: number): AdmissionRequest {
  addReferences(inventory, namespace, index)
  const decoded = decodeReview(admissionReview(namespace, index))
  if (decoded.kind === 'problem') throw new Error(decoded.message)
  return decoded.request
}

/**
 * Answers the requests in turns, without HTTP, until so many reviews are done. Resolves to the µs of CPU that one took.
 *
 * @throws Error where a review does not allow
 */
export async function costOfReviews(
  inventory: Inventory,
  requests: readonly AdmissionRequest[],
  reviews: number,
): Promise<number> {
  const review = validating({
    world: inventory,
    isLenient: () => Promise.resolve(false),
    notices: () => [],
    read: () => () => Promise.reject(new Error('a review that allows reads nothing')),
    actions: {},
    reserve: () => Promise.reject(new Error('a dry run reserves nothing')),
    lookAtPods: withoutPods,
    observe: () => {},
  })
  const { signal } = new AbortController()
  const before = cpuSeconds()
  for (let done = 0; done < reviews; done += requests.length) {
    for (const request of requests) {
      const { kind } = await review(request, signal)
      if (kind !== 'allowed') throw new Error('a good binding was not allowed')
    }
  }
  return ((cpuSeconds() - before) / reviews) * 1e6
}
