import { randomInt } from 'node:crypto'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { definitionResource, allResources } from '../../src/core/resources.ts'
import { startFaultProxy } from '../support/fault-proxy/proxy.ts'
import { startLoop } from '../support/loop.ts'
import { whenSettled } from '../support/model.ts'
import { startWorld } from '../support/world.ts'
import { edits, type Edit } from './support/edits.ts'
import { History } from './support/history.ts'
import { Judge } from './support/judge.ts'
import { scenery } from './support/scenery.ts'
import { Walker } from './support/walker.ts'
import { brew, weathers, type Weather } from './support/weather.ts'

/** One walk for everybody, so that a failure is the change's own; `KLEYM_WALK_SEED=random` explores others. */
const chosen = process.env['KLEYM_WALK_SEED'] ?? '54'
const seed = chosen === 'random' ? randomInt(2 ** 31) : Number(chosen)
const bursts = Number(process.env['KLEYM_WALK_BURSTS'] ?? 30)

type Step = { readonly edit: Edit; readonly weather: Weather }

const burst: fc.Arbitrary<readonly Step[]> = fc.array(fc.record({ edit: edits, weather: weathers }), {
  minLength: 8,
  maxLength: 16,
})

const named = (title: string): string => `${title} (KLEYM_WALK_SEED=${seed})`

test(
  named('whatever is edited in whatever weather, the loop keeps its promises and settles on the model'),
  async () => {
    await using world = await startWorld()
    for (const manifest of scenery) await world.put(manifest)
    await using stack = new AsyncDisposableStack()
    const proxy = await startFaultProxy(world.api)
    stack.defer(() => proxy.stop())
    const history = stack.use(new History(world.client))
    for (const resource of [definitionResource, ...allResources]) await history.follow(resource)
    const loop = startLoop({
      kubeconfig: await proxy.kubeconfig(world.api.token),
      timings: { pageSize: 3 },
    })
    stack.defer(() => loop.stop())
    const walker = new Walker(world, history)
    const judge = new Judge({
      wrote: (version) => walker.wrote(version),
      deleted: (uid) => walker.deleted(uid),
    })
    for (const steps of fc.sample(burst, { seed, numRuns: bursts })) {
      for (const { edit, weather } of steps) {
        await brew(weather, proxy, world.api)
        await walker.do(edit)
      }
      proxy.faults.clear()
      await whenSettled(world)
      expect(judge.judge(await history.take())).toEqual([])
    }
    expect(loop.mistakes()).toEqual([])
  },
  170_000,
)
