import type { ClusterReads } from '../cli/cluster.ts'
import type { ClusterChoice } from '../config.ts'
import { field, objectOr } from '../core/json.ts'
import { namespaceResource } from '../core/resources.ts'
import { resourcePath } from '../kube/client.ts'
import { snapshotCluster } from './cluster.ts'
import { connect } from './connected.ts'
import { readEvents } from './events.ts'
import { followed, type ChangeTimes } from './followed.ts'
import { readOperator } from './operator.ts'
import { readPods } from './pods.ts'
import { readSpire } from './spire.ts'

export type OpenReads = ClusterReads & {
  /** From now on, `readCluster` answers from lists that watches keep up to date, where it can. */
  readonly follow: () => Promise<void>
  /** Resolves a while after something that is followed changed, or at the latest after `atMostMs`. */
  readonly change: (times: ChangeTimes) => Promise<void>
  /** Starts the time limit of the command line anew. */
  readonly renew: () => Promise<void>
  readonly close: () => Promise<void>
}

/** Everything that commands read from a cluster. The connection is opened by the first question. */
export function openReads(choice: ClusterChoice): OpenReads {
  const connection = connect(choice)
  const following = followed()
  let follows = false
  return {
    defaultNamespace: async () => connection.namespace(),
    readCluster: (scope) => snapshotCluster(connection, scope, follows ? following : undefined),
    readPods: (at) => readPods(connection, at),
    readOperator: (namespace) => readOperator(connection, namespace),
    readEvents: (at) => readEvents(connection, at),
    readSpire: () => readSpire(connection),
    readNamespace: (name) =>
      connection.use(
        async (client) => {
          const answer = await client.call({ method: 'GET', path: resourcePath(namespaceResource, { name }) })
          if (answer.kind !== 'ok') return undefined
          return objectOr(field(objectOr(field(objectOr(answer.body), 'metadata')), 'labels'))
        },
        () => undefined,
      ),
    follow: async () => void (follows = true),
    change: following.change,
    renew: async () => connection.renew(),
    close: async () => {
      await following.close()
      await connection.close()
    },
  }
}
