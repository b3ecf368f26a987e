import { beforeAll, describe, expect, test, vi } from 'vitest'
import { readyIn } from '../../src/core/conditions.ts'
import { bindingResource, clusterSpiffeIdResource } from '../../src/core/resources.ts'
import { binding, clusterSpiffeId, objective, pool } from '../support/builders.ts'
import { recordOf } from '../support/embedded/json.ts'
import { startLoop } from '../support/loop.ts'
import { whenSettled } from '../support/model.ts'
import type { Manifest } from '../support/vectors.ts'
import { placeOf, startWorld, type World } from '../support/world.ts'
import { mortal, type Death, type Mortal } from './support/mortal.ts'
import { recordOfRun } from './support/record.ts'

type Scenario = {
  readonly title: string
  /** The objects on which the loop has settled before the change. */
  readonly given: readonly Manifest[]
  /** Changes the cluster while no loop runs. */
  readonly change: (world: World) => Promise<unknown>
  /** How many writes the loop makes because of the change. */
  readonly writes: number
}

const place = { namespace: 'default', name: 'chat' }
const scene = [pool(), objective(), objective({ name: 'other' })]

/** As the former operator left it: no annotation, no namespaceSelector, another hash where the name differs. */
const ofTheReference = (hash: string): Manifest =>
  clusterSpiffeId(
    `kleym-default-chat-objective-${hash}`,
    {
      labels: {
        'kleym.sonda.red/managed-by': 'kleym',
        'kleym.sonda.red/binding-name': 'chat',
        'kleym.sonda.red/binding-namespace': 'default',
      },
    },
    {
      spiffeIDTemplate: 'spiffe://example.org/ns/default/objective/chat',
      podSelector: { matchLabels: { app: 'chat' } },
      workloadSelectorTemplates: [
        'k8s:container-name:main',
        'k8s:ns:default',
        'k8s:pod-label:app:chat',
        'k8s:sa:server',
      ],
      fallback: false,
      hint: 'default/chat',
    },
  )

const rightHash = 'd964193d'

const scenarios: readonly Scenario[] = [
  {
    title: 'a binding becomes Ready for the first time',
    given: scene,
    change: ({ put }) => put(binding()),
    writes: 4,
  },
  {
    title: 'a failure withdraws the output',
    given: [...scene, binding()],
    change: ({ put }) => put(pool({ selector: {} })),
    writes: 3,
  },
  {
    title: 'another ID takes the place of the first',
    given: [...scene, binding()],
    change: ({ put }) => put(binding({ spec: { objectiveRef: { name: 'other' } } })),
    writes: 4,
  },
  {
    title: 'other selectors take the place of the first',
    given: [...scene, binding()],
    change: ({ put }) => put(binding({ spec: { serviceAccountName: 'worker' } })),
    writes: 4,
  },
  {
    title: 'a newcomer collides with an incumbent',
    given: [...scene, binding()],
    change: ({ put }) => put(binding({ name: 'rival', spec: { objectiveRef: { name: 'other' } } })),
    writes: 6,
  },
  {
    title: 'a collision is released by an edit',
    given: [...scene, binding(), binding({ name: 'rival', spec: { objectiveRef: { name: 'other' } } })],
    change: ({ put }) =>
      put(binding({ name: 'rival', spec: { objectiveRef: { name: 'other' }, containerName: 'side' } })),
    writes: 8,
  },
  {
    title: 'a binding is deleted',
    given: [...scene, binding()],
    change: ({ remove }) => remove(bindingResource, place),
    writes: 2,
  },
  {
    title: 'a collision is released by a deletion',
    given: [...scene, binding(), binding({ name: 'rival', spec: { objectiveRef: { name: 'other' } } })],
    change: ({ remove }) => remove(bindingResource, { ...place, name: 'rival' }),
    writes: 5,
  },
  {
    title: 'an output of the former operator is adopted under its name',
    given: [],
    change: async ({ put }) => {
      for (const one of [...scene, ofTheReference(rightHash), binding()]) await put(one)
    },
    writes: 4,
  },
  {
    title: 'an output of the former operator gives way to one of another name',
    given: [],
    change: async ({ put }) => {
      for (const one of [...scene, ofTheReference('00000000'), binding()]) await put(one)
    },
    writes: 5,
  },
  {
    title: 'what others changed of an output is repaired',
    given: [...scene, binding()],
    change: async ({ list, patch }) => {
      for (const output of await list(clusterSpiffeIdResource))
        await patch(clusterSpiffeIdResource, placeOf(output), {
          metadata: { labels: null },
          spec: { admin: true },
        })
    },
    writes: 3,
  },
  {
    title: 'an output that others deleted is created again',
    given: [...scene, binding()],
    change: async ({ list, remove }) => {
      for (const output of await list(clusterSpiffeIdResource))
        await remove(clusterSpiffeIdResource, placeOf(output))
    },
    writes: 3,
  },
  {
    title: 'an output of the former operator outlives a failure of the spec alone',
    given: [],
    change: async ({ put }) => {
      const modeless = binding({ spec: { objectiveRef: undefined, containerName: undefined } })
      for (const one of [...scene, ofTheReference(rightHash), modeless]) await put(one)
    },
    writes: 3,
  },
]

async function arrange({ given, change }: Scenario): Promise<World> {
  const world = await startWorld()
  for (const manifest of given) await world.put(manifest)
  await run(world)
  await change(world)
  return world
}

/** Starts a process and lets it work until all is done or it dies. One worker, so that the writes have an order. */
async function run(world: World, death?: Death): Promise<Mortal> {
  const life = mortal(death)
  const loop = startLoop({ kubeconfig: world.api.kubeconfig, workers: 1, through: life.through })
  await whenSettled(world, life.isDead)
  await (life.isDead() ? loop.crash() : loop.stop())
  expect(loop.mistakes()).toEqual([])
  return life
}

/** Starts one process after another, each of which dies at its first write, until one has nothing left to write. */
async function runMortals(world: World, death: Death): Promise<number> {
  for (let deaths = 0; deaths < 20; deaths += 1) {
    const { isDead } = await run(world, death)
    if (!isDead()) return deaths
  }
  throw new Error('no process gets any further')
}

test('an output of the former operator that outlives a failure keeps its class once that is mended', async () => {
  await using world = await startWorld()
  const former = ofTheReference(rightHash)
  const modeless = binding({ spec: { objectiveRef: undefined, containerName: undefined } })
  const classed = { ...former, spec: { ...recordOf(former.spec), className: 'old' } }
  for (const one of [...scene, classed, modeless]) await world.put(one)
  await using stack = new AsyncDisposableStack()
  const loop = startLoop({ kubeconfig: world.api.kubeconfig })
  stack.defer(() => loop.stop())
  const status = async () => recordOf((await world.find(bindingResource, place))?.['status'])
  const has = (reason: string): Promise<boolean> =>
    vi.waitUntil(async () => readyIn(await status())?.reason === reason, { timeout: 20_000, interval: 10 })
  await has('MissingObjectiveRef')
  expect((await status())['clusterSPIFFEIDClassName']).toBe('old')
  await world.patch(bindingResource, place, { spec: recordOf(binding().spec) })
  await has('Reconciled')
  const [output] = await world.list(clusterSpiffeIdResource)
  expect(recordOf(output?.['spec'])['className']).toBe('old')
})

describe.each(scenarios)('$title', (scenario) => {
  let undisturbed: Awaited<ReturnType<typeof recordOfRun>>

  beforeAll(async () => {
    await using world = await arrange(scenario)
    const first = await run(world)
    expect(first.writes()).toBe(scenario.writes)
    undisturbed = await recordOfRun(world)
  })

  // What a process knows dies with it. Since each dies at its first write, together they die at every write.
  test.each<{ readonly title: string; readonly death: Death }>([
    { title: 'after each write, before it hears of it', death: 'unheard' },
    { title: 'between any two writes', death: 'heard' },
  ])('settles as if nothing had happened when the process dies $title', async ({ death }) => {
    await using world = await arrange(scenario)
    expect(await runMortals(world, death)).toBeGreaterThanOrEqual(scenario.writes - 1)
    expect(await recordOfRun(world)).toEqual(undisturbed)
    const last = await run(world)
    expect(last.writes()).toBe(0)
  })
})
