import { readFile } from 'node:fs/promises'
import { kill } from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { parse } from 'yaml'
import {
  admissionLabel,
  definitionResource,
  leaseResource,
  optionalResources,
} from '../../src/core/resources.ts'
import { resourcePath } from '../../src/kube/client.ts'
import { startBalancer, type Balancer } from '../e2e/support/balancer.ts'
import { settings } from '../support/builders.ts'
import type { Binaries } from '../support/controlplane/binaries.ts'
import { startControlPlane } from '../support/controlplane/start.ts'
import { recordOf, textOf } from '../support/embedded/json.ts'
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy/proxy.ts'
import { startOperator, type RunningOperator } from '../support/operator.ts'
import { createAdmin, type Admin } from '../support/world.ts'
import { inspected } from './heap.ts'

/** One that refuses, one that only warns, and one that nobody edits. */
export const namespaces = { strict: 'team-a', lenient: 'team-b', steady: 'steady' } as const

/** A place for a replica, with a way to the API server of its own; the replicas in it come and go. */
export type Slot = {
  readonly proxy: FaultProxy
  readonly kubeconfig: string
  replica: RunningOperator | undefined
  frozen: boolean
  /** What the replicas before this one wrote. */
  readonly logs: string[]
}

export type Site = AsyncDisposable & {
  readonly admin: Admin
  readonly balancer: Balancer
  readonly slots: readonly Slot[]
  readonly start: (slot: Slot) => Promise<void>
  /** Undefined while none that runs holds the Lease. */
  readonly leader: () => Promise<Slot | undefined>
  /** Resolves once a replica that runs has taken or renewed the Lease since. */
  readonly ledAgain: () => Promise<void>
}

const leasePath = resourcePath(leaseResource, { namespace: 'kleym-system', name: 'a558cee8.sonda.red' })
const bindingCrd = new URL('../../deploy/crd/inferenceidentitybindings.yaml', import.meta.url)

export async function startSite(binaries: Binaries): Promise<Site> {
  await using stack = new AsyncDisposableStack()
  const plane = await startControlPlane(binaries)
  stack.defer(() => plane.stop())
  const { server, caPem, adminToken: token } = plane
  const admin = createAdmin({ server, caPem, token })
  stack.defer(() => admin.client.close())
  await furnish(admin)
  const balancer = await startBalancer()
  stack.defer(() => balancer.stop())
  const slots = await Promise.all(
    [1, 2, 3].map(async (): Promise<Slot> => {
      const proxy = await startFaultProxy({ server, caPem })
      stack.defer(() => proxy.stop())
      return { proxy, kubeconfig: await proxy.kubeconfig(token), replica: undefined, frozen: false, logs: [] }
    }),
  )
  const start = async (slot: Slot): Promise<void> => {
    const replica = await startOperator({
      kubeconfig: slot.kubeconfig,
      trustDomain: settings.trustDomain,
      args: [`--webhook-url=${balancer.url}`, '--leader-elect'],
      env: inspected,
    })
    slot.replica = replica
    await replica.ready()
    balancer.add(replica.webhookPort)
  }
  stack.defer(async () => {
    for (const { replica, frozen } of slots) {
      if (replica && frozen) kill(replica.pid, 'SIGCONT')
      await replica?.stop('SIGKILL')
    }
  })
  await Promise.all(slots.map(start))
  const lease = async (): Promise<{ readonly holder: string; readonly renewed: string }> => {
    const { body } = await admin.client.get(leasePath)
    const spec = recordOf(body['spec'])
    return { holder: textOf(spec['holderIdentity']), renewed: textOf(spec['renewTime']) }
  }
  const slotOf = (holder: string): Slot | undefined =>
    slots.find(({ replica, frozen }) => holder !== '' && !frozen && replica?.log().includes(holder))
  const own = stack.move()
  return {
    admin,
    balancer,
    slots,
    start,
    leader: async () => slotOf((await lease()).holder),
    ledAgain: async () => {
      const before = await lease()
      const giveUpAt = performance.now() + 60_000
      for (;;) {
        const now = await lease()
        if (now.renewed !== before.renewed && slotOf(now.holder)) return
        if (performance.now() > giveUpAt) throw new Error('nobody has led for a minute')
        await sleep(200)
      }
    },
    [Symbol.asyncDispose]: () => own.disposeAsync(),
  }
}

async function furnish({ client, serve }: Admin): Promise<void> {
  for (const resource of optionalResources) await serve(resource)
  const definition = recordOf(parse(await readFile(bindingCrd, 'utf8')))
  const { code } = await client.post(resourcePath(definitionResource), definition)
  if (code !== 201) throw new Error(`installing the CRD of bindings: ${code}`)
  for (const name of Object.values(namespaces)) {
    const labels = name === namespaces.lenient ? { [admissionLabel]: 'warn' } : {}
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }
    const reply = await client.post('/api/v1/namespaces', namespace)
    if (reply.code !== 201) throw new Error(`creating namespace ${name}: ${reply.code}`)
  }
}
