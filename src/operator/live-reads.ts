/**
 * Reads of the API server for reviews and for the loop. Without an answer those for reviews throw `Undecided`, and the review answers HTTP
 * 500 with these words; those for the loop resolve to how its run ends, as after any call that failed.
 */
import type { Confirm } from '../controller/reconcile.ts'
import { retryOf, type FailedReply } from '../controller/run-result.ts'
import { field, objectOr } from '../core/json.ts'
import type { Objects } from '../core/objects.ts'
import type { IndexedWorld } from '../core/overlay.ts'
import { crdName, namespaceResource, warnsOnly } from '../core/resources.ts'
import { failureWords, resourcePath, type Client } from '../kube/client.ts'
import { listPages } from '../kube/listing.ts'
import { failsLive } from '../webhook/confirm.ts'
import type { ReadLive } from '../webhook/live.ts'
import type { ListLive } from '../webhook/missing.ts'
import { Undecided } from '../webhook/undecided.ts'

/** A read of one object that had no answer. The loop retries by the reply: its code, and the time that it asks for. */
class FailedRead extends Undecided {
  readonly doing: string
  readonly reply: FailedReply

  constructor(doing: string, reply: FailedReply) {
    super(`${doing}: ${reply.kind === 'failed' ? reply.cause : reply.message}`)
    this.doing = doing
    this.reply = reply
  }
}

/** Whether the label of a namespace turns refusals into warnings. */
export async function isLabelledLenient(
  objects: Pick<Objects, 'get'>,
  name: string,
  signal: AbortSignal,
): Promise<boolean> {
  const reply = await objects.get(namespaceResource, { name }, signal)
  if (reply.kind === 'failed') throw new Undecided(`reading Namespace ${name}: ${reply.cause}`)
  if (reply.kind !== 'done') return false
  return warnsOnly(objectOr(field(objectOr(reply.object['metadata']), 'labels')))
}

/** @param signal aborts the read when nobody waits for the review any more */
export const liveReads =
  (objects: Pick<Objects, 'get'>, signal?: AbortSignal): ReadLive =>
  async (resource, at) => {
    const reply = await objects.get(resource, at, signal)
    switch (reply.kind) {
      case 'done':
        return reply.object
      case 'absent':
        return undefined
      case 'conflict':
      case 'refused':
      case 'failed':
        throw new FailedRead(`reading ${resource.kind} ${at.namespace}/${at.name}`, reply)
    }
  }

/** What the webhook reads before it refuses, the loop reads before it takes something away. */
export const confirmation =
  (inventory: IndexedWorld, objects: Pick<Objects, 'get'>): Confirm =>
  async (binding, rule) => {
    try {
      return await failsLive(rule, binding, inventory, liveReads(objects))
    } catch (error) {
      if (error instanceof FailedRead) return retryOf(error.doing, error.reply)
      throw error
    }
  }

/** Pages of 500, as the state is now. @param signal ends the list when nobody waits for the review any more */
export const liveLists =
  (client: Pick<Client, 'call'>, signal: AbortSignal): ListLive =>
  async (resource, namespace, take, { part, wantsMore } = {}) => {
    const listed = await listPages({
      client,
      path: resourcePath(resource, { namespace }),
      query: {},
      pageSize: 500,
      signal,
      take,
      metadataOnly: part === 'metadata',
      ...(wantsMore && { wantsMore }),
    })
    if (listed.kind !== 'complete')
      throw new Undecided(`listing ${crdName(resource)} in ${namespace}: ${failureWords(listed)}`)
  }
