import { setTimeout as sleep } from 'node:timers/promises'
import { clusterSpiffeIdResource } from '../../src/core/resources.ts'
import { resourcePath } from '../../src/kube/client.ts'
import { recordOf } from '../support/embedded/json.ts'
import { placeOf } from '../support/world.ts'
import type { Desk } from './edits.ts'

const stats = {
  namespacesSelected: 1,
  namespacesIgnored: 0,
  podsSelected: 1,
  podEntryRenderFailures: 0,
  entriesMasked: 0,
  entriesToSet: 1,
  entryFailures: 0,
}

/** Does what SPIRE Controller Manager does to a ClusterSPIFFEID: it says that it has looked at it. */
export async function runScm({ admin, recorder }: Omit<Desk, 'random'>, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await sleep(1_000)
    const outputs = await admin.list(clusterSpiffeIdResource).catch(() => [])
    for (const output of outputs.filter(({ status }) => recordOf(status)['stats'] === undefined)) {
      const path = `${resourcePath(clusterSpiffeIdResource, placeOf(output))}/status`
      const { code, body } = await admin.client.patch(path, { status: { stats } })
      if (code < 300) recorder.wrote(body)
    }
  }
}
