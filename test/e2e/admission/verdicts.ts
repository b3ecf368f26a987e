import { describe, expect, onTestFinished, test } from 'vitest'
import { bindingResource } from '../../../src/core/resources.ts'
import { resourcePath } from '../../../src/kube/client.ts'
import type { KubectlResult } from '../../support/controlplane/run-kubectl.ts'
import { listOf, recordOf } from '../../support/embedded/json.ts'
import type { Cluster } from '../support/cluster.ts'
import { clearScene, setScene } from '../support/scene.ts'
import { tracesOf } from '../support/traces.ts'
import { wordsOfKubectl } from '../support/verdicts.ts'
import { operatorKnows } from '../support/webhook.ts'
import { workedCases, type Worked } from './worked-cases.ts'

const refused = workedCases.filter(({ words }) => words.denied.length > 0)
const admitted = workedCases.filter(({ words }) => words.denied.length === 0)
const idsOf = (cases: readonly Worked[]): readonly string[] => cases.map(({ id }) => id)

/** Every worked case, applied with the webhook on. */
export function verdictsSuite(cluster: () => Cluster): void {
  const stage = async (one: Worked): Promise<void> => {
    // Some cases have outputs of bindings that are not there yet. Admission does not look at them, so they are left out.
    const scene = { ...one, existing: [] }
    onTestFinished(() => clearScene(cluster(), scene))
    await setScene(cluster(), scene)
    for (const other of one.otherBindings) await operatorKnows(cluster(), other)
  }
  const apply = ({ binding }: Worked, ...flags: readonly string[]): Promise<KubectlResult> =>
    cluster().kubectl(['apply', '-f', '-', ...flags], { input: JSON.stringify(binding) })
  const post = ({ binding }: Worked) =>
    cluster().client.post(resourcePath(bindingResource, { namespace: binding.metadata.namespace }), binding)

  test('what the contract refuses is refused, and of what it warns there is a warning', () => {
    expect(idsOf(refused)).toEqual(
      expect.arrayContaining([...idsOf(workedCases.filter((one) => one.isToBeRefused))]),
    )
    const warned = workedCases.filter(({ words }) => words.warned.length > 0)
    expect(idsOf(warned)).toEqual(
      expect.arrayContaining([...idsOf(workedCases.filter((one) => one.isToBeWarnedOf))]),
    )
  })

  describe('a refusal says all that the offline check says, and leaves no trace', () => {
    test.each(refused)('$id $title', async (one) => {
      await stage(one)
      const before = await tracesOf(cluster(), one.binding)
      for (const flags of [[], ['--server-side']]) {
        const result = await apply(one, '-v=6', ...flags)
        expect(result.code).toBe(1)
        // The kubectl of 1.30 writes its log otherwise than later ones.
        expect(result.stderr).toMatch(/ (?:status=")?422 Unprocessable Entity/u)
        expect(wordsOfKubectl(result)).toEqual(one.words)
      }
      const { code, body } = await post(one)
      const { reason, details } = body
      const causes = listOf(recordOf(details)['causes']).map(recordOf)
      expect({ code, reason }).toEqual({ code: 422, reason: 'Invalid' })
      expect(causes.map(({ field, message }) => `${String(field)}: ${String(message)}`).toSorted()).toEqual(
        one.words.denied,
      )
      expect(await tracesOf(cluster(), one.binding)).toEqual({ ...before, bindings: [], outputs: [] })
      if (!one.isToBeRefused || one.reason === undefined) return
      expect(one.words.denied.join('\n')).toContain(`/${one.reason}: `)
    })
  })

  describe('what is admitted is stored, with the warnings of the offline check', () => {
    test.each(admitted.filter(({ words }) => words.warned.length > 0))('$id $title', async (one) => {
      await stage(one)
      const result = await apply(one)
      expect(wordsOfKubectl(result)).toEqual(one.words)
      expect(result).toMatchObject({ code: 0, stdout: expect.stringMatching(/ created\n$/) })
    })
  })

  describe('what is fine is stored without a word', () => {
    test.each(admitted.filter(({ words }) => words.warned.length === 0))('$id $title', async (one) => {
      await stage(one)
      expect(await post(one)).toMatchObject({ code: 201, warnings: [] })
    })
  })

  describe('a dry run has the verdict and writes nothing', () => {
    // C01 is a collision, in R03 the pool is missing, and in S04 nothing is wrong.
    test.each(['C01', 'R03', 'S04'])('%s', async (id) => {
      const one = workedCases.find((worked) => worked.id === id)
      if (!one) throw new Error(`${id} is no worked case`)
      await stage(one)
      const before = await tracesOf(cluster(), one.binding)
      for (const flags of [[], ['--server-side']]) {
        const result = await apply(one, '--dry-run=server', ...flags)
        expect(result.code).toBe(one.words.denied.length > 0 ? 1 : 0)
        expect(wordsOfKubectl(result)).toEqual(one.words)
      }
      expect(await tracesOf(cluster(), one.binding)).toEqual(before)
    })
  })
}
