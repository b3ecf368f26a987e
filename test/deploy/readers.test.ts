import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { retryingStatus, statusOf, type Outcome } from '../../src/core/conditions.ts'
import { evaluate } from '../../src/core/evaluate.ts'
import { rules, type RuleName } from '../../src/core/findings.ts'
import { objectOr, type JsonObject } from '../../src/core/json.ts'
import { bindingIn, inventoryOf, settings } from '../support/builders.ts'
import { describeGitOps, gitOpsBinaries } from '../support/real.ts'
import { ruleNames, rulesOfTheSpec } from '../support/rule-names.ts'
import { runProgram } from '../support/run-program.ts'
import { reconcileCases, servedIn, type Manifest } from '../support/vectors.ts'
import { at, deploy, textAt } from './manifests.ts'

const generation = 3
const now = new Date('2026-01-01T12:00:00Z')
const inTime = { settings, generation, previous: {}, now }

const manifest = {
  apiVersion: 'kleym.sonda.red/v1alpha1',
  kind: 'InferenceIdentityBinding',
  metadata: { name: 'chat', namespace: 'default', generation },
}

type Case = { readonly title: string; readonly status: JsonObject | undefined }

const failed = (rule: RuleName): Outcome => ({ kind: 'failed', rule, message: `because of ${rule}` })
/** How each worked case ends, as the loop would write it. */
const settled = reconcileCases.map((one) => {
  const all = [...one.pools, ...one.objectives, ...one.otherBindings, one.binding]
  const inventory = inventoryOf(all, { trustDomain: one.trustDomain, served: servedIn(one) })
  const { findings, identity } = evaluate(bindingIn(inventory, one.binding), inventory)
  const [first] = findings
  if (first) return { one, rule: first.rule, outcome: { ...failed(first.rule), message: first.message } }
  if (!identity) throw new Error('neither a finding nor an identity')
  const output = { name: 'out', uid: 'u', generation: 1 }
  const ready: Outcome = { kind: 'ready', identity, output }
  return { one, rule: undefined, outcome: ready }
})

const expectedOf = (rule: RuleName | undefined): keyof typeof inArgo => {
  if (rule === undefined) return 'Current'
  return rulesOfTheSpec.has(rule) ? 'Failed' : 'InProgress'
}

/** The same three answers, in Argo CD's words. */
const inArgo = { Current: 'Healthy', InProgress: 'Progressing', Failed: 'Degraded' } as const

describeGitOps('kstatus and the health script of deploy/argocd', () => {
  let script: string
  beforeAll(async () => {
    const patch: unknown = parse(await readFile(join(deploy, 'argocd/health.yaml'), 'utf8'))
    const name = 'resource.customizations.health.kleym.sonda.red_InferenceIdentityBinding'
    script = textAt(patch, 'data', name)
    expect(script).not.toBe('')
  })

  const readings = async (objects: readonly JsonObject[]): Promise<readonly JsonObject[]> => {
    const directory = await mkdtemp(join(tmpdir(), 'health-'))
    const file = join(directory, 'health.lua')
    await writeFile(file, script)
    const input = objects.map((object) => `${JSON.stringify(object)}\n`).join('')
    const program = gitOpsBinaries()['read-status']
    const { code, stdout, stderr } = await runProgram(program, ['-health', file], { env: {}, input })
    await rm(directory, { recursive: true })
    if (code !== 0) throw new Error(stderr)
    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => objectOr(JSON.parse(line)))
  }

  const reading = async ({ status }: Pick<Case, 'status'>): Promise<JsonObject> => {
    const [one = {}] = await readings([{ ...manifest, ...(status && { status }) }])
    return one
  }

  const stalled = { ...failed('managedOutputApplyFailed'), stalls: true }
  const old = statusOf(failed('invalidPoolRef'), { ...inTime, generation: generation - 1 })
  const unseen = { observedGeneration: -1 }

  test.each<Case>([
    { title: 'was created a moment ago', status: unseen },
    { title: 'was edited a moment ago', status: old },
    { title: 'can not be judged yet', status: retryingStatus(unseen, 'no route to host', now) },
    { title: 'can not be judged since its last edit', status: retryingStatus(old, 'no route to host', now) },
    {
      title: 'has an output whose write will be tried again',
      status: statusOf(failed('managedOutputApplyFailed'), inTime),
    },
  ])('wait for a binding that $title', async (one) => {
    expect(await reading(one)).toMatchObject({
      kstatus: { status: 'InProgress' },
      argo: { status: 'Progressing' },
    })
  })

  test('give up on an output that is refused for good', async () => {
    expect(await reading({ status: statusOf(stalled, inTime) })).toMatchObject({
      kstatus: { status: 'Failed' },
      argo: { status: 'Degraded', message: 'ManagedOutputApplyFailed: because of managedOutputApplyFailed' },
    })
  })

  test.each(ruleNames)(
    'after %s wait or give up, as another object can mend it or not, and say why',
    async (rule) => {
      const words = `because of ${rule}`
      const expected = expectedOf(rule)
      expect(await reading({ status: statusOf(failed(rule), inTime) })).toEqual({
        kstatus: { status: expected, message: expect.stringContaining(words) },
        argo: { status: inArgo[expected], message: `${rules[rule].reason}: ${words}` },
      })
    },
  )

  test('agree on how each worked case ends', async () => {
    const objects = settled.map(({ one: { binding }, outcome }) => ({
      ...plain(binding),
      status: statusOf(outcome, inTime),
    }))
    const found = await readings(objects)
    expect(found.map((one) => [at(one, 'kstatus', 'status'), at(one, 'argo', 'status')])).toEqual(
      settled.map(({ rule }) => [expectedOf(rule), inArgo[expectedOf(rule)]]),
    )
    expect(new Set(settled.map(({ rule }) => expectedOf(rule))).size).toBe(3)
  })

  describe('under the CustomResourceDefinition of the former operator, which lacks both fields,', () => {
    test('the script still waits for the last edit', async () => {
      expect(await reading({ status: reference(old) })).toMatchObject({ argo: { status: 'Progressing' } })
      expect(await reading({ status: undefined })).toMatchObject({ argo: { status: 'Progressing' } })
    })
  })
})

/** What that CustomResourceDefinition keeps of a status. */
const reference = (status: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(status).filter(([field]) => field !== 'observedGeneration'))

/** Every case is one binding that is there, whatever else it is about. */
const plain = ({ metadata: { name, namespace }, ...rest }: Manifest): JsonObject => ({
  ...rest,
  metadata: { name, namespace: namespace ?? 'default', generation },
})
