import { describe, expect, test } from 'vitest'
import { retryOf } from '../../src/controller/run-result.ts'
import { Troubles } from '../../src/controller/troubles.ts'
import type { Reply } from '../../src/core/objects.ts'

/** The failures of one key, each at a time in seconds. Each step tells whether the failure is said then. */
function story() {
  let seconds = 0
  const troubles = new Troubles<string>(() => seconds * 1000)
  return {
    fails: (at: number, cause: string, began = at) => {
      seconds = at
      return troubles.note('a', began * 1000, { words: `${cause} in words`, cause })
    },
    isReported: (cause: string) => troubles.reported('a', { words: '', cause }),
    lasting: () => troubles.lasting(),
    succeeds: (at: number) => {
      seconds = at
      return troubles.over('a')
    },
  }
}

describe('a key that does not succeed', () => {
  test('is reported after 10 s, and is tried again by then', () => {
    const { fails } = story()
    expect(fails(1, '500')).toEqual({ due: undefined, withinMs: 10_000 })
    expect(fails(9, '500')).toEqual({ due: undefined, withinMs: 2000 })
    expect(fails(11, '500')).toEqual({ due: expect.any(String), withinMs: undefined })
  })

  test('is reported at once after a call that took that long', () => {
    expect(story().fails(12, '500', 1).due).toBeDefined()
  })

  test('is reported until log, Event and status have it, then only when its cause changes', () => {
    const { fails, isReported } = story()
    fails(0, '500')
    const first = fails(11, '500').due
    expect(fails(12, '500').due).toBe(first)
    isReported('500')
    expect(fails(13, '500').due).toBeUndefined()
    const second = fails(14, '429').due
    expect(second).toBeDefined()
    isReported('429')
    expect(fails(15, '500').due).not.toBe(first)
    expect(fails(15, '500').due).not.toBe(second)
  })

  test('is among the lasting ones from its report until it succeeds', () => {
    const { fails, isReported, succeeds, lasting } = story()
    fails(0, '500')
    fails(11, '500')
    expect(lasting()).toEqual([])
    isReported('500')
    expect(lasting()).toEqual(['500'])
    succeeds(20)
    expect(lasting()).toEqual([])
  })

  test('starts anew once it has succeeded, and a success is news only after a report', () => {
    const { fails, isReported, succeeds } = story()
    fails(0, '500')
    expect(succeeds(5)).toBeUndefined()
    fails(6, '500')
    expect(fails(17, '500').due).toBeDefined()
    isReported('500')
    expect(succeeds(20)).toBe(14_000)
    expect(fails(21, '500').due).toBeUndefined()
  })
})

const causeOf = (reply: Exclude<Reply, { kind: 'done' }>): unknown => {
  const result = retryOf('writing', reply)
  return result.kind === 'retry' ? result.cause : undefined
}
const failed = (
  cause: string,
  code?: number,
  reason = 'InternalError',
): Exclude<Reply, { kind: 'done' }> => ({
  kind: 'failed',
  cause,
  retryAfterMs: undefined,
  ...(code !== undefined && { code, reason }),
})
const calling = (webhook: string, rest: string): string =>
  `failed calling webhook "${webhook}": failed to call webhook: Post "https://x:9443": ${rest}`

describe('the cause of a failure', () => {
  test('is the same whatever ports, addresses and times its words name', () => {
    const one = causeOf(failed(calling('a.example.org', 'dial tcp 10.0.0.1:9443: connection refused'), 500))
    expect(one).toBe('500 InternalError a.example.org')
    expect(causeOf(failed(calling('a.example.org', 'context deadline exceeded'), 500))).toBe(one)
    expect(causeOf(failed('connect ECONNREFUSED 127.0.0.1:1'))).toBe(causeOf(failed('no answer within 30 s')))
  })

  test('differs by code, reason and the webhook that failed', () => {
    const causes = [
      failed(calling('a.example.org', 'x'), 500),
      failed(calling('b.example.org', 'x'), 500),
      failed('x', 500),
      failed('x', 500, 'Timeout'),
      failed('x', 503),
      failed('x'),
      { kind: 'conflict', message: 'x' } as const,
      { kind: 'refused', code: 403, message: 'x' } as const,
      { kind: 'refused', code: 422, message: 'x' } as const,
      { kind: 'absent' } as const,
    ].map(causeOf)
    expect(new Set(causes).size).toBe(causes.length)
  })
})
