import { describe, expect, test } from 'vitest'
import type { Objects, Reply } from '../../src/core/objects.ts'
import { poolResources } from '../../src/core/resources.ts'
import type { Lost, Refused } from '../../src/kube/client.ts'
import { liveLists, liveReads, isLabelledLenient } from '../../src/operator/live-reads.ts'
import { Undecided } from '../../src/webhook/undecided.ts'

const [pools] = poolResources
if (!pools) throw new Error('there is no kind of pools')

const at = { namespace: 'default', name: 'chat' }

describe('a review that can not read is undecided, and says why', () => {
  test.for<readonly [string, Reply, string]>([
    ['no answer', { kind: 'failed', cause: 'socket hang up', retryAfterMs: undefined }, 'socket hang up'],
    ['a refusal', { kind: 'refused', code: 403, message: 'not yours' }, 'not yours'],
    ['a conflict', { kind: 'conflict', message: 'try again' }, 'try again'],
  ])('an object: %s', async ([, reply, why]) => {
    const read = liveReads({ get: () => Promise.resolve(reply) })
    await expect(read(pools, at)).rejects.toThrow(new Undecided(`reading InferencePool default/chat: ${why}`))
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
