import { describe, expect, test } from 'vitest'
import { summaryIn } from '../../../../src/core/conditions.ts'
import { bindingResource } from '../../../../src/core/resources.ts'
import { binding, objective, pool } from '../../../support/builders.ts'
import type { WatchEvent } from '../../../support/embedded/client.ts'
import { listOf, recordOf, type Json } from '../../../support/embedded/json.ts'
import { metaOf } from '../../support/cluster.ts'
import { record } from '../../support/recording.ts'
import type { Stage } from './stage.ts'
import { eventsOn, eventually, newTenant, versionOf, type Tenant } from './tenant.ts'

const ready = 'Ready/Reconciled'
const noPool = 'InvalidRef/TargetPoolNotFound'

const statusOf = ({ object }: WatchEvent): Json => recordOf(object['status'])

/** Whether a status says something: the default of a new binding does not. */
const isWritten = ({ observedGeneration }: Json): boolean => observedGeneration !== -1

/** Those events that show another status than the one before. */
const withNewStatus = (events: readonly WatchEvent[]): readonly WatchEvent[] =>
  events.filter((event, index) => {
    const [before] = events.slice(Math.max(0, index - 1), index).map(statusOf)
    return isWritten(statusOf(event)) && JSON.stringify(statusOf(event)) !== JSON.stringify(before ?? {})
  })

/** What is written and announced when something does change. */
export const transitionSuite = (stage: () => Stage): void => {
  const statusWrites = async ({ namespace }: Tenant) =>
    (await stage().audit.requests()).filter(
      (one) => one.namespace === namespace && one.subresource === 'status' && one.verb === 'update',
    )

  describe.concurrent('a transition', () => {
    test('is written to the status once, and announced once, before that', async () => {
      const tenant = await newTenant(stage().cluster)
      const recording = await record(stage().cluster, bindingResource, tenant.namespace)
      await tenant.has(binding())
      await tenant.settles({ chat: noPool })
      await tenant.has(pool())
      await tenant.settles({ chat: 'InvalidRef/TargetObjectiveNotFound' })
      await tenant.has(objective())
      await tenant.settles({ chat: ready })
      await tenant.loses(objective(), pool())
      await tenant.settles({ chat: noPool })
      const last = versionOf((await tenant.find(binding())) ?? {})
      const watched = await recording.until(({ object }) => versionOf(object) === last)
      recording.stop()
      const shown = withNewStatus(watched)
      const reasons = shown.map((event) => summaryIn(statusOf(event))?.reason)
      expect((await statusWrites(tenant)).filter(({ code }) => code === 200)).toHaveLength(shown.length)
      const announced = await eventsOn(stage().cluster, tenant.namespace, 'chat')
      expect(announced.map(({ reason }) => reason)).toEqual(reasons)
      const pairs = shown.map(({ object }, index) => [versionOf(announced[index] ?? {}), versionOf(object)])
      expect(pairs.filter(([event = 0, status = 0]) => event > status)).toEqual([])
    })

    test('is only ever told of a generation that was evaluated', async () => {
      const tenant = await newTenant(stage().cluster)
      await tenant.has(pool(), objective())
      const recording = await record(stage().cluster, bindingResource, tenant.namespace)
      await tenant.has(binding())
      const containers = new Map([[1, 'main']])
      for (const edit of Array.from({ length: 20 }).keys()) {
        const containerName = `main-${edit}`
        const changed = await tenant.changes(binding(), { spec: { containerName } })
        containers.set(Number(metaOf(changed)['generation']), containerName)
      }
      await tenant.settles({ chat: ready })
      const last = versionOf((await tenant.find(binding())) ?? {})
      const shown = withNewStatus(await recording.until(({ object }) => versionOf(object) === last))
      recording.stop()
      const mistakes = shown.filter(({ object }) => {
        const { conditions, renderedSelectors, observedGeneration } = recordOf(object['status'])
        const generations = [{ observedGeneration }, ...listOf(conditions)].map((one) =>
          Number(recordOf(one)['observedGeneration']),
        )
        const [observed = 0] = generations
        const selector = `"k8s:container-name:${containers.get(observed)}"`
        return (
          new Set(generations).size !== 1 ||
          observed > Number(metaOf(object)['generation']) ||
          !JSON.stringify(renderedSelectors).includes(selector)
        )
      })
      expect(shown).not.toEqual([])
      expect(mistakes).toEqual([])
    })

    test('is announced once, though the status cannot be written at first', async () => {
      const tenant = await newTenant(stage().cluster)
      const path = new RegExp(`/${tenant.namespace}/.*/status`)
      const failures = stage().proxy.faults.inject({ method: 'PUT', path }, { kind: 'status', code: 500 }, 4)
      const loss = stage().proxy.faults.inject(
        { method: 'POST', path: new RegExp(`/${tenant.namespace}/events`) },
        { kind: 'lostResponse' },
      )
      await tenant.has(binding())
      await tenant.settles({ chat: noPool })
      expect([failures.hits(), loss.hits()]).toEqual([4, 1])
      expect(await tenant.events('chat')).toEqual(['TargetPoolNotFound'])
    })
  })

  test('a transition is announced once, though somebody else writes to the binding meanwhile', async () => {
    const tenant = await newTenant(stage().cluster)
    await tenant.has(pool(), objective(), binding())
    await tenant.settles({ chat: ready })
    const bindings = { path: /inferenceidentitybindings/ }
    expect(stage().proxy.silenceWatches(bindings)).toBe(1)
    await tenant.changes(binding(), { metadata: { annotations: { 'example.org/note': 'unseen' } } })
    await tenant.loses(pool())
    await eventually(async () =>
      expect((await statusWrites(tenant)).filter(({ code }) => code === 409)).not.toEqual([]),
    )
    stage().proxy.cutWatches(bindings)
    await tenant.settles({ chat: noPool })
    expect(await tenant.events('chat')).toEqual(['Reconciled', 'TargetPoolNotFound'])
  })
}
