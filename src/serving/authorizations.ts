import { createHash } from 'node:crypto'

/** The API server's verdict on a bearer token: its owner is unknown, or lacks the permission, or has it. */
export type Authorization = 'allowed' | 'unauthenticated' | 'forbidden'

/** Rejects if the API server gives no answer. */
export type Authorize = (token: string) => Promise<Authorization>

/** How long a verdict is remembered. Two scrapes may share one; a withdrawn permission must not last much longer. */
const lifetimeMs = 10_000

/** How many verdicts are remembered, so that a client that sends made-up tokens can't use up memory. */
const mostAnswers = 256

/**
 * Asks only once for the same token within a short time, also while the first answer is outstanding. Tokens are
 * remembered by digest, so that a heap dump contains none. Failures are not remembered.
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
