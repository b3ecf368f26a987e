import { expect, test } from 'vitest'
import { asPrinted, findingsOfCore } from '../../deploy/crd-doors.ts'
import { recordOf } from '../../support/embedded/json.ts'
import type { Cluster } from '../support/cluster.ts'
import { tracesOf } from '../support/traces.ts'
import { wordsOfKubectl } from '../support/verdicts.ts'
import { workedCases, type Worked } from './worked-cases.ts'

/** Reasons that one binding proves by itself: the CRD alone can refuse it for them. */
const ownReasons =
  /: (?:InvalidRef\/InvalidPoolRef|InvalidRef\/InvalidObjectiveRef|RenderFailure\/(?:MissingObjectiveRef|UnsupportedMode|InvalidServiceAccountName|InvalidContainerName|UnexpectedContainerName)): /

/** Bindings without a poolRef are refused by `required`, which has words of its own. */
const hasPoolRef = ({ binding }: Worked): boolean => recordOf(binding.spec)['poolRef'] !== undefined

const provable = workedCases.filter(({ binding }) => findingsOfCore(binding.spec).length > 0)

/** The strict CRD without the webhook. */
export function crdAloneSuite(cluster: () => Cluster): void {
  test.each(provable.filter(hasPoolRef))(
    '$id $title: is refused in the words of the offline check',
    async ({ binding, words }) => {
      for (const how of [[], ['--server-side']]) {
        const input = JSON.stringify(binding)
        const result = await cluster().kubectl(['apply', '-f', '-', ...how], { input })
        expect(result.code).toBe(1)
        const own = words.denied.filter((line) => ownReasons.test(line))
        expect(wordsOfKubectl(result).denied.map(asPrinted)).toEqual(own.map(asPrinted))
      }
      expect(await tracesOf(cluster(), binding)).toMatchObject({ bindings: [], events: [] })
    },
  )

  test.each(provable.filter((one) => !hasPoolRef(one)))(
    '$id $title: is refused by the schema',
    async ({ binding }) => {
      const result = await cluster().kubectl(['apply', '-f', '-'], { input: JSON.stringify(binding) })
      expect(result.code).toBe(1)
      expect(wordsOfKubectl(result).denied).toContain('spec.poolRef: Required value')
    },
  )
}
