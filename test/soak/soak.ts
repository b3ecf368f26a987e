import { setTimeout as sleep } from 'node:timers/promises'
import type { Binaries } from '../support/controlplane/binaries.ts'
import { stateOf, unsettled } from '../support/model.ts'
import { edit, put, firstScene, type Desk } from './edits.ts'
import { clusterFaults } from './faults/cluster.ts'
import { replicaFaults } from './faults/replicas.ts'
import type { Fault, Stage } from './faults/stage.ts'
import { wayFaults } from './faults/way.ts'
import { heapOf } from './heap.ts'
import type { Violation } from './history.ts'
import { Judge } from './judge/judge.ts'
import { createRandom, dealer, type Random } from './random.ts'
import { Recorder } from './recorder.ts'
import { describeViolation, type HeapSample, type Report } from './report.ts'
import { runScm } from './scm.ts'
import { startSite } from './site.ts'

/**
 * Two groups of faults; of each group at most one fault lasts at a time. All that can keep the leader from writing is in the first
 * group, so two such faults never add up.
 */
export const faultKinds = [{ ...wayFaults, ...replicaFaults }, clusterFaults] as const

export type SoakOptions = {
  readonly binaries: Binaries
  readonly seed: number
  /** At least: a storm that has begun is seen to its end, and to the calm after it. */
  readonly minutes: number
  /** How long edits and faults begin in one storm. */
  readonly stormMs?: readonly [number, number]
  readonly say: (line: string) => void
}

const usualStormMs = [20_000, 45_000] as const
/** How long edits go on after the last fault. */
const drizzleMs = 6_000
/** A little more than what the judge allows, so that it sees what takes longer. */
const calmWithinMs = 70_000
const quietMs = 4_000
const heapEveryMinutes = 2

/** Storms of edits and faults, each followed by a calm in which all must become as the contract says. */
export async function soak({
  binaries,
  seed,
  minutes,
  stormMs = usualStormMs,
  say,
}: SoakOptions): Promise<Report> {
  await using stack = new AsyncDisposableStack()
  const site = stack.use(await startSite(binaries))
  const { admin } = site
  const recorder = stack.use(new Recorder(admin.client))
  const random = createRandom(seed)
  const [edits, faults] = [new Map<string, number>(), new Map<string, number>()]
  const violations: Violation[] = []
  const heap: HeapSample[] = []
  const judge = new Judge()
  const dealers = faultKinds.map((kinds) => dealer(Object.entries(kinds), random.fork()))
  const hear = (): void => {
    for (const found of recorder.drain().flatMap((entry) => judge.next(entry))) {
      violations.push(found)
      say(describeViolation(found))
    }
  }
  const hearing = setInterval(hear, 500)
  stack.defer(() => clearInterval(hearing))
  const over = new AbortController()
  const scm = runScm({ admin, recorder }, over.signal)
  stack.defer(async () => {
    over.abort()
    await scm
  })
  const sampleHeap = async (): Promise<void> => {
    for (const [index, { replica }] of site.slots.entries()) {
      if (!replica) continue
      heap.push({
        ...(await heapOf(replica.log())),
        replica: `slot ${index + 1}, process ${replica.pid}`,
        minutes: recorder.now() / 60_000,
      })
    }
  }
  for (const manifest of firstScene) await put({ admin, recorder, random }, manifest)
  await calm(recorder, admin)
  await sampleHeap()
  let [rounds, sampledAt] = [0, 0]
  while (rounds === 0 || recorder.now() < minutes * 60_000) {
    const desk = { admin, recorder, random: random.fork() }
    await storm(desk, random.between(...stormMs), { site, recorder, random: random.fork() }, dealers, {
      edits,
      faults,
    })
    const { tookMs, left } = await calm(recorder, admin)
    rounds += 1
    say(
      `${(recorder.now() / 60_000).toFixed(1)} min, round ${rounds}: settled after ${(tookMs / 1000).toFixed(1)} s${left.length === 0 ? '' : `, but ${left.join('; ')}`}`,
    )
    if (recorder.now() / 60_000 - sampledAt < heapEveryMinutes && recorder.now() < minutes * 60_000) continue
    sampledAt = recorder.now() / 60_000
    await sampleHeap()
  }
  // The last entries are given once no other can come before them.
  await sleep(quietMs)
  hear()
  const logs = site.slots.flatMap(({ logs: before, replica }, index) =>
    [...before, replica?.log() ?? ''].map((text, process) => ({
      replica: `slot-${index + 1}-process-${process + 1}`,
      text,
    })),
  )
  return {
    seed,
    minutes: recorder.now() / 60_000,
    rounds,
    edits,
    faults,
    judged: judge.judged,
    slowest: judge.slowest,
    heap,
    accidents: logs.flatMap(({ text }) => accidentsIn(text)),
    logs,
    violations,
  }
}

type Counted = { readonly edits: Map<string, number>; readonly faults: Map<string, number> }

async function storm(
  desk: Desk,
  forMs: number,
  stage: Stage,
  dealers: readonly (() => readonly [string, Fault])[],
  { edits, faults }: Counted,
): Promise<void> {
  const { recorder, random } = desk
  const until = recorder.now() + forMs
  const over = new AbortController()
  const editing = async (own: Random): Promise<void> => {
    while (!over.signal.aborted) {
      const { name, outcome } = await edit({ ...desk, random: own })
      count(edits, outcome === 'made' ? name : `${name}, ${outcome}`)
      await sleep(own.between(50, 900))
    }
  }
  const failing = async (deal: () => readonly [string, Fault], own: Random): Promise<void> => {
    await sleep(own.between(0, 2_000))
    while (recorder.now() < until) {
      const [name, fault] = deal()
      count(faults, name)
      await fault({ ...stage, random: own })
      await sleep(own.between(0, 4_000))
    }
  }
  const edited = Promise.all([editing(random.fork()), editing(random.fork())])
  await Promise.all(dealers.map((deal) => failing(deal, random.fork())))
  // A fault may hide what an edit would show: whoever begins to lead looks at everything.
  await sleep(drizzleMs)
  over.abort()
  await edited
}

/** Waits until nothing is left to do and nothing is done, or until it can't be waited for any longer. */
async function calm(
  recorder: Recorder,
  admin: Desk['admin'],
): Promise<{ readonly tookMs: number; readonly left: readonly string[] }> {
  const since = recorder.now()
  for (;;) {
    const left = await stateOf(admin).then(unsettled, (error: unknown) => [String(error)])
    const now = recorder.now()
    const isQuiet = left.length === 0 && now - Math.max(since, recorder.heardAt()) > quietMs
    if (isQuiet || now - since > calmWithinMs) {
      recorder.calm(since)
      return { tookMs: now - since, left }
    }
    await sleep(500)
  }
}

const count = (counted: Map<string, number>, name: string): void =>
  void counted.set(name, (counted.get(name) ?? 0) + 1)

/**
 * A promise that nobody waited for would have ended the process; a bug in a run or a review is logged. That a Lease was
 * lost comes of the faults.
 */
const accidentsIn = (log: string): readonly string[] =>
  log
    .split('\n')
    .filter((line) => /unhandled|uncaught|"level":"error"/i.test(line))
    .filter((line) => !line.includes('leadership was lost'))
