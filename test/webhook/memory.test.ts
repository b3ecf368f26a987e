import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { bindingResource } from '../../src/core/resources.ts'
import type { AdmissionResponse } from '../../src/webhook/admission-review.ts'
import { setsOfObjects } from '../support/arbitraries.ts'
import { resourceOf, type Manifest } from '../support/vectors.ts'
import { stage } from './stage.ts'

const placeOf = ({ apiVersion, kind, metadata }: Manifest): string =>
  `${apiVersion} ${kind} ${metadata.namespace}/${metadata.name}`

const isAt =
  (place: Manifest) =>
  (one: Manifest): boolean =>
    placeOf(one) === placeOf(place)

/** Objects that differ have different versions. */
const versioned = (object: Manifest): Manifest => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion: JSON.stringify(object) },
})

const sets = setsOfObjects.map((objects) => objects.map(versioned))

const isHeardOf = fc.array(fc.constantFrom('as it is', 'as it is', 'not', 'as it was'), {
  minLength: 12,
  maxLength: 12,
})

/** An object that is applied to a cluster, what there is, and what there was: memory is a mixture of both. */
const scenes = fc
  .record({ now: sets, earlier: sets, at: fc.nat(), heard: isHeardOf })
  .map(({ now, earlier, at, heard }) => {
    const subject = now.at(at % now.length)
    if (!subject) throw new Error('nothing is applied')
    const before = earlier.find(isAt(subject))
    const live = [...now.filter((one) => !isAt(subject)(one)), ...(before ? [before] : [])]
    const gone = earlier.filter((one) => !live.some(isAt(one)))
    const wasOf = (one: Manifest): Manifest | undefined => earlier.find(isAt(one))
    return {
      subject,
      before,
      live,
      lacking: live.filter((_, index) => heard.at(index) !== 'not'),
      stale: [
        ...live.flatMap((one, index) => {
          const how = heard.at(index)
          return how === 'not' ? [] : ((how === 'as it was' ? wasOf(one) : one) ?? [])
        }),
        ...gone,
      ],
    }
  })

type Scene = typeof scenes extends fc.Arbitrary<infer T> ? T : never

/** The answer of a replica that remembers this. */
function answer(
  { subject, before, live }: Scene,
  remembered: readonly Manifest[],
): Promise<AdmissionResponse> {
  const replica = stage({ remembered, live })
  const operation = before ? 'UPDATE' : 'CREATE'
  const asked = { operation, ...(before && { oldObject: before }) } as const
  return resourceOf(subject) === bindingResource
    ? replica.validate(subject, asked)
    : replica.judge(subject, operation, asked)
}

const refusalIn = (response: AdmissionResponse): string | undefined =>
  response.kind === 'denied' ? response.status.message : undefined

test('a pool or an objective is refused alike, whatever memory lacks', async () => {
  await fc.assert(
    fc.asyncProperty(
      scenes.filter(({ subject }) => resourceOf(subject) !== bindingResource),
      async (scene) => {
        const refusal = refusalIn(await answer(scene, scene.lacking))
        expect(refusal).toBe(refusalIn(await answer(scene, scene.live)))
      },
    ),
    { numRuns: 500 },
  )
})

/** What is wrong by an answer, whether it is refused for it or was wrong before, and so is warned of. */
const reasonsIn = (response: AdmissionResponse): ReadonlySet<string> =>
  new Set(
    [refusalIn(response) ?? '', ...response.warnings].flatMap((text) =>
      [...text.matchAll(/(?<=\b[A-Za-z]+\/)[A-Za-z]+(?=: )/g)].map(([reason]) => reason),
    ),
  )

test('nothing is refused because of what is no longer there, or is another by now', async () => {
  await fc.assert(
    fc.asyncProperty(scenes, async (scene) => {
      const refused = await answer(scene, scene.stale)
      if (refused.kind === 'allowed') return
      const reasons = reasonsIn(await answer(scene, scene.live))
      expect(reasonsIn(refused).isDisjointFrom(reasons)).toBe(false)
    }),
    { numRuns: 2000 },
  )
})
