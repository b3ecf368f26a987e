import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/core/json.ts'
import { binding, objective, pool } from '../support/builders.ts'
import type { Manifest } from '../support/vectors.ts'
import { bindingsIn, checked, listOf, live, type CheckedBinding } from './checking.ts'

const around = [pool(), objective(), objective({ name: 'second' })]
const long = '2020-01-01T00:00:00Z'
const now = '2026-01-01T12:00:00Z'

/** As it is in the cluster: edited four times, with the status that the loop wrote then. */
const there = (status: JsonObject = {}, metadata: JsonObject = {}): Manifest => ({
  ...binding({ metadata: { generation: 5, ...metadata } }),
  status,
})

/** As it stands in a file. */
const written = (spec: JsonObject = {}): Manifest =>
  binding({ metadata: { uid: undefined, generation: undefined }, spec })

const peer = binding({ name: 'peer', spec: { objectiveRef: { name: 'second' } } })

async function applied(
  inCluster: readonly Manifest[],
  ...objects: readonly unknown[]
): Promise<readonly CheckedBinding[]> {
  const { stdout } = await checked(
    ['--live', '-f', '-', '-o', 'json'],
    listOf(objects),
    live(...around, ...inCluster),
  )
  return bindingsIn(stdout)
}

/** The generation that the status is about in the end. */
const generationAfter = async (...objects: readonly Manifest[]): Promise<unknown> =>
  (await applied([there()], ...objects)).at(-1)?.status['observedGeneration']

/** The status of a Ready binding, as the loop wrote it at its generation 5. */
async function readyStatus(): Promise<JsonObject> {
  const [ready] = await applied([], written())
  if (!ready) throw new Error('nothing was judged')
  const conditions = ready.status.conditions.map((one) => ({
    ...one,
    observedGeneration: 5,
    lastTransitionTime: long,
  }))
  return { ...ready.status, observedGeneration: 5, conditions }
}

describe('a binding that is applied again', () => {
  test('without a change keeps its generation and the times of its conditions', async () => {
    const status = await readyStatus()
    const [one] = await applied([there(status)], written())
    expect(one?.status).toEqual(status)
  })

  test('with another spec has the next generation, and moves only the times of what changes', async () => {
    const [one] = await applied([there(await readyStatus())], written({ objectiveRef: { name: 'gone' } }))
    expect(one?.status).toMatchObject({
      observedGeneration: 6,
      conditions: [
        { type: 'Ready', status: 'False', observedGeneration: 6, lastTransitionTime: now },
        { type: 'Conflict', status: 'False', observedGeneration: 6, lastTransitionTime: long },
        { type: 'InvalidRef', status: 'True', lastTransitionTime: now },
        { type: 'UnsafeSelector', status: 'False', lastTransitionTime: long },
        { type: 'RenderFailure', status: 'False', lastTransitionTime: long },
      ],
    })
  })

  test('twice in the files counts each change', async () => {
    const side = written({ containerName: 'side' })
    expect(await generationAfter(side, written())).toBe(7)
    expect(await generationAfter(side, side)).toBe(6)
    expect(await generationAfter(written(), written())).toBe(5)
  })

  test('does not come back if it is being deleted: it holds nothing, and keeps its status', async () => {
    const status = await readyStatus()
    const leaving = there(status, { deletionTimestamp: long })
    const [chat, other] = await applied([leaving], written(), peer)
    expect(chat).toMatchObject({ verdict: 'allow', findings: [], status, clusterSPIFFEID: null })
    expect(other).toMatchObject({ verdict: 'allow', findings: [] })
    expect(other?.clusterSPIFFEID).not.toBeNull()
    // The same without a deletion collides.
    expect((await applied([there(status)], written(), peer))[1]).toMatchObject({ verdict: 'deny' })
  })

  test('is refused by the CustomResourceDefinition for what is wrong with its spec, also while it is being deleted', async () => {
    const leaving = there({}, { deletionTimestamp: long })
    const wrong = written({ containerName: 'Main' })
    expect(await applied([leaving], wrong)).toMatchObject([
      { verdict: 'deny', findings: [{ reason: 'InvalidContainerName' }] },
    ])
    const wrongAlready = { ...wrong, metadata: { ...wrong.metadata, deletionTimestamp: long } }
    expect(await applied([wrongAlready], wrong)).toMatchObject([{ verdict: 'allow', findings: [] }])
  })

  test('is not deleted by what its manifest says', async () => {
    const exported = { ...written(), metadata: { ...written().metadata, deletionTimestamp: long } }
    expect((await applied([there()], exported))[0]?.clusterSPIFFEID).not.toBeNull()
  })
})
