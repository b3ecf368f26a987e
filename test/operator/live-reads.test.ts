import { describe, expect, test } from 'vitest'
import { decodeBinding } from '../../src/core/binding.ts'
import type { Objects, Reply } from '../../src/core/objects.ts'
import { poolResources } from '../../src/core/resources.ts'
import type { Lost, Refused } from '../../src/kube/client.ts'
import { confirmation, liveLists, liveReads, isLabelledLenient } from '../../src/operator/live-reads.ts'
import { Undecided } from '../../src/webhook/undecided.ts'
import { binding, inventoryOf } from '../support/builders.ts'

const [pools] = poolResources
if (!pools) throw new Error('there is no kind of pools')

const at = { namespace: 'default', name: 'chat' }

describe('a review that can not read is undecided, and says why', () => {
  test.for<readonly [string, Reply, string]>([
    ['no answer', { kind: 'failed', cause: 'socket hang up', retryAfterMs: undefined }, 'socket hang up'],
    ['a refusal', { kind: 'refused', code: 403, message: 'not yours' }, 'not yours'],
    ['a conflict', { kind: 'conflict', message: 'try again' }, 'try again'],
  ])('an object: %s', async ([, reply, why]) => {
    const reading = liveReads({ get: () => Promise.resolve(reply) })(pools, at)
    await expect(reading).rejects.toBeInstanceOf(Undecided)
    await expect(reading).rejects.toThrow(`reading InferencePool default/chat: ${why}`)
  })

  test('a namespace', async () => {
    const reply: Reply = { kind: 'failed', cause: 'socket hang up', retryAfterMs: undefined }
    const objects: Pick<Objects, 'get'> = { get: () => Promise.resolve(reply) }
    await expect(isLabelledLenient(objects, 'default', new AbortController().signal)).rejects.toThrow(
      new Undecided('reading Namespace default: socket hang up'),
    )
  })

  test('a list', async () => {
    const lost: Lost | Refused = { kind: 'lost', error: new Error('socket hang up') }
    const list = liveLists({ call: () => Promise.resolve(lost) }, new AbortController().signal)
    await expect(list(pools, 'default', () => {})).rejects.toThrow(
      new Undecided('listing inferencepools.inference.networking.k8s.io in default: socket hang up'),
    )
  })
})

/** What comes of confirming that a binding's pool is missing, by a read with this reply. */
function confirmWith(reply: Reply) {
  const lost = binding()
  const confirm = confirmation(inventoryOf([lost]), { get: () => Promise.resolve(reply) })
  return confirm(decodeBinding(lost), 'targetPoolNotFound')
}

describe('a failure that can not be confirmed is retried as any call that failed', () => {
  test('after the time that the API server asks for', async () => {
    const reply: Reply = { kind: 'failed', cause: 'busy', code: 429, retryAfterMs: 30_000 }
    expect(await confirmWith(reply)).toMatchObject({ kind: 'retry', afterMs: 30_000 })
  })

  test.for<readonly [string, Reply]>([
    [
      '429 TooManyRequests',
      { kind: 'failed', cause: 'busy', code: 429, reason: 'TooManyRequests', retryAfterMs: 1 },
    ],
    [
      '503 ServiceUnavailable',
      { kind: 'failed', cause: 'away', code: 503, reason: 'ServiceUnavailable', retryAfterMs: 1 },
    ],
    ['403', { kind: 'refused', code: 403, message: 'not yours' }],
    ['no answer', { kind: 'failed', cause: 'socket hang up', retryAfterMs: undefined }],
  ])('with a cause of its own: %s', async ([cause, reply]) => {
    expect(await confirmWith(reply)).toMatchObject({ kind: 'retry', cause })
  })

  test('and not at all where it is confirmed', async () => {
    expect(await confirmWith({ kind: 'absent' })).toBe(true)
  })
})
