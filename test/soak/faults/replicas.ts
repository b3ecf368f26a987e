/** What goes wrong with the replicas themselves. */
import { kill } from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Slot } from '../site.ts'
import type { Fault, Stage } from './stage.ts'

/** For how long a Service sends calls to a replica that no longer answers. */
const noticedMs = 3_000

/** One of the replicas but the first, which is never killed, so that the growth of one process can be measured. */
const mortal = ({ site, random }: Stage): Slot => random.pick(site.slots.slice(1))

const ended =
  (name: string, signal: NodeJS.Signals): Fault =>
  async (stage) => {
    const { site, recorder, random } = stage
    const slot = mortal(stage)
    const { replica } = slot
    if (!replica) return
    const isLeader = (await site.leader()) === slot
    const over = recorder.fault(
      `${name}${isLeader ? ' (the leader)' : ''}`,
      isLeader ? 'everything' : 'nothing',
    )
    slot.replica = undefined
    site.balancer.remove(replica.webhookPort)
    await replica.stop(signal)
    slot.logs.push(replica.log())
    const again = async (): Promise<void> => {
      await sleep(random.between(0, 3_000))
      await site.start(slot)
    }
    await Promise.all([again(), isLeader ? site.ledAgain() : undefined])
    over()
  }

const frozen: Fault = async (stage) => {
  const { site, recorder, random } = stage
  const leader = await site.leader()
  const slot = random.chance(0.5) && leader ? leader : random.pick(site.slots)
  const { replica } = slot
  if (!replica) return
  const isLeader = leader === slot
  const over = recorder.fault(
    `replica frozen${isLeader ? ' (the leader)' : ''}`,
    isLeader ? 'everything' : 'nothing',
  )
  kill(replica.pid, 'SIGSTOP')
  slot.frozen = true
  await sleep(noticedMs)
  site.balancer.remove(replica.webhookPort)
  await sleep(random.between(0, 20_000))
  kill(replica.pid, 'SIGCONT')
  slot.frozen = false
  site.balancer.add(replica.webhookPort)
  if (isLeader) await site.ledAgain()
  over()
}

export const replicaFaults: Readonly<Record<string, Fault>> = {
  'replica killed': ended('replica killed', 'SIGKILL'),
  'replica restarted': ended('replica restarted', 'SIGTERM'),
  'replica frozen': frozen,
}
