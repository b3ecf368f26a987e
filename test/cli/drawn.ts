import { pageOptions } from '../../src/cli/page-options.ts'
import { drawPage } from '../../src/cli/page/page.ts'
import type { CommandResult } from '../../src/result.ts'
import { binding, objective, pool, poolOnly } from '../support/builders.ts'
import type { PodOptions } from '../support/pods.ts'
import type { Manifest } from '../support/vectors.ts'
import { clusterWith, now, operator, readPodsOf, settled } from './looking.ts'

/** A cluster, and the pods of it. */
export type Scene = {
  readonly objects: readonly Manifest[]
  readonly pods: readonly PodOptions[] | 'forbidden'
}

/** Runs `kleym report` on a cluster that holds this scene. */
const reportOn = ({ objects, pods }: Scene, argv: readonly string[] = []): Promise<CommandResult> => {
  const parsed = pageOptions(argv, {})
  if (parsed.kind !== 'options') throw new Error(JSON.stringify(parsed))
  return drawPage(parsed.options, {
    now,
    readStdin: () => Promise.resolve(''),
    readCluster: clusterWith(objects),
    readOperator: () => Promise.resolve(operator()),
    readNamespace: () => Promise.resolve({}),
    readPods: readPodsOf(pods),
    readSpire: () => Promise.resolve({ kind: 'seen', leases: [] }),
  })
}

export const pageOf = async (scene: Scene): Promise<string> => (await reportOn(scene)).stdout

const decode = { app: 'vllm', role: 'decode' }

const inPlace = [
  pool({ selector: { matchLabels: decode } }),
  pool({ name: 'all', selector: { matchLabels: { app: 'vllm' } } }),
  objective(),
  objective({ name: 'batch' }),
  objective({ name: 'side' }),
]
const bindings = [
  binding(),
  binding({ name: 'batch', spec: { objectiveRef: { name: 'batch' } } }),
  binding({ name: 'side', spec: { objectiveRef: { name: 'side' }, containerName: 'side' } }),
  poolOnly({ name: 'everything', spec: { poolRef: { name: 'all' } } }),
  poolOnly({ name: 'lost', spec: { poolRef: { name: 'nowhere' } } }),
]

/** With a collision, overlaps, a pool that is not there, and pods of which some fit. */
export const scene: Scene = {
  objects: [...inPlace, ...(await allSettled(bindings, inPlace))],
  pods: [
    { name: 'decode-0', labels: decode, account: 'server', containers: ['main', 'side'] },
    { name: 'decode-1', labels: decode, account: 'default', containers: ['main'] },
    { name: 'prefill-0', labels: { app: 'vllm' }, account: 'server', containers: ['main'] },
  ],
}

/** The objects, each binding with the status that the loop gives it. */
async function allSettled(
  all: readonly Manifest[],
  others: readonly Manifest[],
): Promise<readonly Manifest[]> {
  const made = await Promise.all(
    all.map(async (one) => settled(one, [...all.filter((other) => other !== one), ...others])),
  )
  return made.flatMap((objects) =>
    objects.filter(({ kind, status }) => kind === 'ClusterSPIFFEID' || status !== undefined),
  )
}

const evil = `<img src=x onerror="document.title=1"></script><script>document.title=2</script><!--`

/** A binding whose status says what no operator says. */
export const hostile: Scene = {
  objects: [
    ...inPlace,
    {
      ...poolOnly({ name: 'evil', spec: { serviceAccountName: evil, poolRef: { name: evil } } }),
      status: {
        observedGeneration: 1,
        conditions: [
          {
            type: 'Ready',
            status: 'False',
            reason: 'TargetPoolNotFound',
            message: evil,
            observedGeneration: 1,
          },
          { type: 'InvalidRef', status: 'True', reason: 'TargetPoolNotFound', message: evil },
        ],
      },
    },
  ],
  pods: [{ name: evil, labels: { app: 'vllm' }, account: evil, containers: [evil] }],
}

/** A scene of pools with ten bindings each, and one pool with hundreds. */
export function manyBindings(count: number): Scene {
  const names = Array.from({ length: count }, (_, at) => String(at))
  const poolOf = (at: number): string => `pool-${at % 3 === 0 ? 0 : at % Math.ceil(count / 10)}`
  return {
    objects: [
      ...[...new Set(names.map((_, at) => poolOf(at)))].map((name) =>
        pool({ name, selector: { matchLabels: { app: name } } }),
      ),
      ...names.flatMap((name, at) => [
        objective({ name, poolRef: { name: poolOf(at) } }),
        binding({
          name: `binding-${name}`,
          spec: { poolRef: { name: poolOf(at) }, objectiveRef: { name }, containerName: `c-${name}` },
        }),
      ]),
    ],
    pods: [],
  }
}
