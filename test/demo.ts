import { constants } from 'node:os'
import { installDefinitions, startCluster } from './demo/cluster.ts'
import { manual } from './demo/manual.ts'
import { parseOptions, usage, type Options } from './demo/options.ts'
import { play, untilReviewed } from './demo/play.ts'
import { trustDomain } from './demo/steps.ts'
import { createClient } from './support/embedded/client.ts'
import { startOperator } from './support/operator.ts'

const say = (text: string): void => void process.stdout.write(`${text}\n`)
const complain = (text: string): void => void process.stderr.write(`${text}\n`)

type Ended = { readonly kind: 'signal'; readonly signal: NodeJS.Signals } | { readonly kind: 'closed' }

/** Resolves with the first signal, or when nobody reads any more. A second signal ends the process at once. */
const interruption = new Promise<Ended>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => resolve({ kind: 'signal', signal }))
  process.stdout.on('error', () => resolve({ kind: 'closed' }))
})

/** Resolves to the exit code. */
async function demo({ real, serve }: Options): Promise<number> {
  const started = performance.now()
  await using running = new AsyncDisposableStack()
  const show = async (): Promise<number | Ended> => {
    say(`== An API server${real ? '' : ' in memory'}, the CRDs, the operator and its webhook\n`)
    const cluster = await startCluster(real, say)
    running.defer(() => cluster.stop())
    say(`API server  ${cluster.server}`)
    const client = createClient(cluster)
    running.defer(() => client.close())
    for (const name of (await installDefinitions(client)).toSorted()) say(`CRD         ${name}`)
    const operator = await startOperator({ kubeconfig: cluster.kubeconfig, trustDomain })
    running.defer(async () => void (await operator.stop()))
    await operator.ready()
    await untilReviewed(client)
    say(`Operator    trust domain ${trustDomain}, webhook at ${operator.webhookUrl}`)

    const surprises = await play(client, say)
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    if (surprises.length > 0) {
      complain(
        `\nNot as the examples say:\n${surprises.join('\n')}\n\nThe operator's log:\n${operator.log()}`,
      )
      return 1
    }
    say(`\n== All as the examples say, after ${seconds} s`)
    if (!serve) return 0
    say(manual(cluster))
    return interruption
  }
  const ended = await Promise.race([show(), interruption])
  if (typeof ended === 'number') return ended
  // With --serve the demo is meant to end by a signal, so that is exit code 0.
  return ended.kind === 'signal' && !serve ? 128 + constants.signals[ended.signal] : 0
}

async function main(): Promise<number> {
  const parsed = parseOptions(process.argv.slice(2))
  switch (parsed.kind) {
    case 'help':
      say(usage)
      return 0
    case 'usage':
      complain(`${parsed.problem}\n\n${usage}`)
      return 4
    case 'options':
      try {
        return await demo(parsed.options)
      } catch (error) {
        complain(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`)
        return 1
      }
  }
}

// Something that was interrupted may still wait for a server that is gone, so the process is ended.
process.exit(await main())
