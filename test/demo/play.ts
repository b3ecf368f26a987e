import { join, relative, resolve } from 'node:path'
import type { Client } from '../support/embedded/client.ts'
import { apply, readManifests, type Applied } from './apply.ts'
import { eventually } from './cluster.ts'
import { done, failure, nameOf, warning } from './kubectl.ts'
import * as show from './show.ts'
import { identities, outcomeOf, steps, subjectOf, type Step } from './steps.ts'

const root = resolve(import.meta.dirname, '../..')
const examples = join(root, 'examples')

export type Say = (text: string) => void

/** Applies the examples one by one and says what kubectl would. Resolves to what was not as expected. */
export async function play(client: Client, say: Say): Promise<readonly string[]> {
  const surprises: string[] = []
  for (const step of steps) surprises.push(...(await playStep(client, step, say)))
  return [...surprises, ...(await showResult(client, say))]
}

/** Resolves to what was not as the step expects. */
export async function playStep(client: Client, step: Step, say: Say): Promise<readonly string[]> {
  const file = join(examples, step.file)
  const shown = relative(root, file)
  say(`\n== ${step.headline}\n\n$ kubectl apply -f ${shown}`)
  const happened: Record<string, string> = {}
  for (const manifest of await readManifests(file)) {
    const applied = await apply(client, manifest)
    say(wordsOf(applied))
    happened[subjectOf(applied)] = outcomeOf(applied)
  }
  const surprises = differences(shown, step.expect, happened)
  for (const [name, reason] of Object.entries(step.settles ?? {}))
    surprises.push(...(await settle(client, name, reason)))
  for (const name of Object.keys(step.settles ?? {}))
    say(`\n$ kubectl get iib ${name}\n${await show.bindingTable(client, name)}`)
  return surprises
}

function wordsOf(applied: Applied): string {
  const last = applied.kind === 'done' ? done(applied.object, applied.action) : failure(applied.status)
  return [...applied.warnings.map(warning), last].join('\n')
}

async function settle(client: Client, name: string, reason: string): Promise<readonly string[]> {
  let seen: string | undefined
  const settled = await eventually(async () => {
    seen = show.readyReason((await client.get(show.bindingPath(name))).body)
    return seen === reason
  })
  return settled ? [] : differences('the Ready condition', { [name]: reason }, { [name]: seen })
}

async function showResult(client: Client, say: Say): Promise<readonly string[]> {
  say('\n== What is there now: a refused binding left no trace')
  const surprises: string[] = []
  for (const name of Object.keys(identities)) surprises.push(...(await settle(client, name, 'Reconciled')))
  const all = await show.bindings(client)
  say(`\n$ kubectl get iib\n${await show.bindingTable(client)}`)
  say(`\nThe conditions of each:\n${show.conditionTable(all)}`)
  const ids = all.map((binding) => [nameOf(binding), show.spiffeIdOf(binding)])
  surprises.push(...differences('the bindings in the end', identities, Object.fromEntries(ids)))
  const ready = all.filter(show.isReady)
  const rendered = await Promise.all(ready.map((binding) => show.clusterSpiffeIdOf(client, binding)))
  const templates = ready.map((binding, at) => [nameOf(binding), show.templateOf(rendered[at] ?? {})])
  surprises.push(...differences('their ClusterSPIFFEIDs', identities, Object.fromEntries(templates)))
  const [first] = rendered
  if (first) say(`\n$ kubectl get clusterspiffeid ${nameOf(first)} -o yaml\n${show.asYaml(first)}`)
  return surprises
}

function differences(
  where: string,
  expected: Readonly<Record<string, string>>,
  actual: Readonly<Record<string, string | undefined>>,
): string[] {
  const names = new Set([...Object.keys(expected), ...Object.keys(actual)])
  return [...names]
    .filter((name) => expected[name] !== actual[name])
    .map(
      (name) =>
        `${where}: ${name}\n  expected: ${expected[name] ?? 'nothing'}\n  happened: ${actual[name] ?? 'nothing'}`,
    )
}

/**
 * A moment passes between the registration of the webhooks and the first review. A dry run that gets a warning
 * of theirs shows that it is over, and leaves no trace.
 */
export async function untilReviewed(client: Client): Promise<void> {
  const [binding] = await readManifests(join(examples, 'accepted/pool-missing.yaml'))
  const isReviewed = await eventually(async () => {
    const { warnings } = await client.post(`${show.bindingsPath}?dryRun=All`, binding ?? {})
    return warnings.length > 0
  })
  if (!isReviewed) throw new Error('the API server does not ask the webhook')
}
