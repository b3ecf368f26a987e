import { setTimeout as wait } from 'node:timers/promises'
import { resourcePath } from '../../../src/kube/path.ts'
import type { Benchmark } from '../benchmark.ts'
import { beside } from '../beside.ts'
import { startRealCluster, type Cluster } from '../cluster.ts'
import { allReady, fillCrowd, quiet, shared } from '../crowd.ts'
import { resourceOf } from '../manifests.ts'
import { runOperator } from '../operator.ts'
import { quantile, type Samples } from '../statistics.ts'
import { condition, timed } from '../waiting.ts'
import { ask, askEcho, doorOf, type Asked } from './asked.ts'

type Change = {
  readonly what: string
  /** The value to which one label of the pool is changed. */
  readonly role: string
  readonly code: number
}

const changes: readonly Change[] = [
  { what: 'a change that takes all identities', role: '', code: 403 },
  { what: 'a change that gives them to other pods', role: 'prefill', code: 200 },
]

/** A pool that all bindings of a namespace use is changed, again and again, while another binding is reviewed. */
export const crowdedPool: Benchmark = async (report, { quick }) => {
  const [size, rounds] = quick ? [200, 10] : [5_000, 100]
  await using cluster = await startRealCluster()
  await fillCrowd(cluster, size)
  await using operator = await runOperator(cluster, { webhook: true })
  await allReady(operator, size)
  await using validated = ask(await doorOf(cluster, 'validating'), quiet)
  await using mutated = ask(await doorOf(cluster, 'mutating'), quiet)
  await using echoed = await askEcho(quiet)
  const asked: Others<Asked> = { validated, mutated, echoed }
  for (const change of changes) {
    await condition(async () => (await answerTo(cluster, change)) === change.code, {
      what: `that ${change.what} is judged`,
    })
    let unjudged = 0
    const changing = (): Promise<Samples> =>
      inTurn(rounds, () =>
        timed(async () => {
          if ((await answerTo(cluster, change)) !== change.code) unjudged += 1
        }),
      )
    const began = performance.now()
    const taken = await changing()
    const changingMs = performance.now() - began
    // For as long as the changes take, since the worst of many is worse than the worst of few.
    const alone = await besideEach(asked, () => wait(changingMs))
    const others = await besideEach(asked, changing)
    report.figure({
      name: `${change.what}, of a pool that ${size} bindings use, 99th percentile`,
      unit: 'ms',
      samples: [quantile(taken, 0.99)],
      wanted: { of: 'value', atMost: 500 },
    })
    const added = (who: keyof typeof asked): Samples => [Math.max(...others[who]) - Math.max(...alone[who])]
    const echo = { name: 'echoed by another process', samples: added('echoed') }
    report.figure({
      name: 'added meanwhile to the worst review of another binding by /mutate, which asks the API server nothing',
      unit: 'ms',
      samples: added('mutated'),
      floor: echo,
      wanted: { of: 'value', atMost: 50 },
    })
    report.figure({
      name: 'the same by /validate, which looks at pods',
      unit: 'ms',
      samples: added('validated'),
      floor: echo,
      wanted: { of: 'value', atMost: 50 },
    })
    report.figure({
      name: 'of them let in without having been judged in time',
      unit: '',
      samples: [unjudged],
      wanted: { of: 'value', atMost: 0 },
    })
    report.note(`changes: ${told(taken)}`)
    for (const who of ['validated', 'mutated', 'echoed'] as const)
      report.note(`${who} meanwhile: ${told(others[who])}; alone: ${told(alone[who])}`)
  }
}

type Others<T> = Readonly<Record<'validated' | 'mutated' | 'echoed', T>>

/** How long reviews take, of each sort one after the other, while some work lasts. */
async function besideEach(asked: Others<Asked>, work: () => Promise<unknown>): Promise<Others<Samples>> {
  const lasting = work()
  const taken = ({ review }: Asked): Promise<Samples> => beside(review, () => lasting)
  const [validated, mutated, echoed] = await Promise.all([
    taken(asked.validated),
    taken(asked.mutated),
    taken(asked.echoed),
  ])
  return { validated, mutated, echoed }
}

async function inTurn(rounds: number, measure: () => Promise<number>): Promise<Samples> {
  const taken: number[] = []
  for (let round = 0; round < rounds; round++) taken.push(await measure())
  return taken
}

const told = (samples: Samples): string =>
  `${samples.length}, p50 ${quantile(samples, 0.5).toFixed(1)} ms, p99 ${quantile(samples, 0.99).toFixed(1)} ms, worst ${Math.max(...samples).toFixed(1)} ms`

/** Changes the pool by a dry run, so that each change is one of the same pool. Returns the code of the answer. */
async function answerTo({ client }: Cluster, { role }: Change): Promise<number | string> {
  const answer = await client.call({
    method: 'PATCH',
    path: resourcePath(resourceOf(shared), shared.metadata),
    query: { dryRun: 'All' },
    body: { spec: { selector: { matchLabels: { 'llm-d.ai/role': role } } } },
  })
  return answer.kind === 'lost' ? answer.error.message : answer.code
}
