import { createHash } from 'node:crypto'

/** What the API server says of a bearer token: unknown, known without the permission, or known with it. */
export type Authorization = 'allowed' | 'unauthenticated' | 'forbidden'

/** Rejects when the API server gave no answer. */
export type Authorize = (token: string) => Promise<Authorization>

/** Short, since a permission that is withdrawn should be gone; two scrapes may share an answer. */
const lifetimeMs = 10_000

/** Whoever sends made-up tokens pushes out answers, and gets no memory for it. */
const mostAnswers = 256

/**
 * Asks once for the same token within a short while, also while the answer is under way. Keeps a digest
 * only, so that a heap dump holds no tokens. A failure is not remembered.
 */
export function remembering(authorize: Authorize, now: () => number = () => performance.now()): Authorize {
  const answers = new Map<string, { readonly at: number; readonly answer: Promise<Authorization> }>()
  return (token) => {
    const digest = createHash('sha256').update(token).digest('base64')
    const known = answers.get(digest)
    if (known !== undefined && now() - known.at < lifetimeMs) return known.answer
    const answer = authorize(token)
    const entry = { at: now(), answer }
    // Deleted first, so that the order of the map is the order of age.
    answers.delete(digest)
    answers.set(digest, entry)
    const [oldest] = answers.keys()
    if (answers.size > mostAnswers && oldest !== undefined) answers.delete(oldest)
    answer.catch(() => {
      if (answers.get(digest) === entry) answers.delete(digest)
    })
    return answer
  }
}
