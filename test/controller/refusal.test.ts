import { expect, test, vi } from 'vitest'
import type { Objects, Reply } from '../../src/core/objects.ts'
import { bindingResource, clusterSpiffeIdResource } from '../../src/core/resources.ts'
import { binding, objective, pool } from '../support/builders.ts'
import { startLoop } from '../support/loop.ts'
import { startWorld, versionOf } from '../support/world.ts'

const chat = { namespace: 'default', name: 'chat' }

/**
 * Refuses every creation of a ClusterSPIFFEID, each time in other words, as a policy does that names the request.
 *
 * @param code of the answer with this number
 */
function refusing(
  objects: Objects,
  answers: string[],
  code: (number: number) => number = () => 403,
): Objects {
  const refuse = (): Reply => {
    answers.push(`denied by policy, request ${answers.length}`)
    return { kind: 'refused', code: code(answers.length), message: answers.at(-1) ?? '' }
  }
  return {
    ...objects,
    create: (resource, ...rest) =>
      resource === clusterSpiffeIdResource ? Promise.resolve(refuse()) : objects.create(resource, ...rest),
  }
}

/** A binding whose ClusterSPIFFEID the API server refuses. */
async function startRefused(stack: AsyncDisposableStack, code?: (number: number) => number) {
  const world = stack.use(await startWorld())
  for (const one of [pool(), objective(), binding()]) await world.put(one)
  const answers: string[] = []
  const loop = startLoop({
    kubeconfig: world.api.kubeconfig,
    through: (objects) => refusing(objects, answers, code),
  })
  stack.defer(() => loop.stop())
  return { answers, stored: async () => (await world.find(bindingResource, chat)) ?? {} }
}

test('a refusal that is worded in another way each time is written once', async () => {
  await using stack = new AsyncDisposableStack()
  const { answers, stored } = await startRefused(stack)
  await vi.waitUntil(() => answers.length > 3, { timeout: 10_000 })
  const written = await stored()
  await vi.waitUntil(() => answers.length > 6, { timeout: 10_000 })
  expect(JSON.stringify(written)).toContain('denied by policy, request 0')
  expect(versionOf(await stored())).toBe(versionOf(written))
})

test('a refusal of another kind has its own words at once', async () => {
  await using stack = new AsyncDisposableStack()
  const { stored } = await startRefused(stack, (number) => (number > 3 ? 422 : 403))
  const text = async (): Promise<string> => JSON.stringify(await stored())
  await vi.waitUntil(async () => (await text()).includes('"Stalled"'), { timeout: 10_000 })
  expect(await text()).toContain('denied by policy, request 3')
})
