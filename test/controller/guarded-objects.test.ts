import { expect, test } from 'vitest'
import { measured } from '../../src/controller/guarded-objects.ts'
import type { Objects, Reply } from '../../src/core/objects.ts'
import { bindingResource, clusterSpiffeIdResource } from '../../src/core/resources.ts'

test('each kind of call is measured, those that fail apart from answers', async () => {
  let reply: Reply = { kind: 'done', object: {} }
  const answer = (): Promise<Reply> => Promise.resolve(reply)
  const objects: Objects = {
    get: answer,
    create: answer,
    replace: answer,
    replaceStatus: answer,
    mergePatch: answer,
    remove: answer,
  }
  const learnt: unknown[] = []
  const watched = measured(objects, {
    measured: async (kind, call, isAnswer) => {
      const value = await call()
      learnt.push([kind, isAnswer(value)])
      return value
    },
  })
  await watched.create(clusterSpiffeIdResource, {})
  await watched.get(clusterSpiffeIdResource, { name: 'a' })
  reply = { kind: 'refused', code: 422, message: 'no' }
  await watched.replaceStatus(bindingResource, {})
  reply = { kind: 'failed', cause: 'no answer', retryAfterMs: undefined }
  expect(
    await watched.remove(clusterSpiffeIdResource, { name: 'a' }, { uid: 'a', resourceVersion: '1' }),
  ).toBe(reply)
  expect(learnt).toStrictEqual([
    ['create clusterspiffeids', true],
    ['get clusterspiffeids', true],
    ['replaceStatus inferenceidentitybindings', true],
    ['remove clusterspiffeids', false],
  ])
})
