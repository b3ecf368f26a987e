import type { ClusterChoice } from '../config.ts'
import type { OpenReads } from './reads.ts'

/**
 * As `openReads`, but the code is loaded by the first question, because loading the client library takes most of a
 * second.
 */
export function deferredReads(choice: ClusterChoice): OpenReads {
  let opened: Promise<OpenReads> | undefined
  const open = (): Promise<OpenReads> =>
    (opened ??= import('./reads.ts').then(({ openReads }) => openReads(choice)))
  return {
    defaultNamespace: async () => (await open()).defaultNamespace(),
    readCluster: async (scope) => (await open()).readCluster(scope),
    readPods: async (at) => (await open()).readPods(at),
    readOperator: async (namespace) => (await open()).readOperator(namespace),
    readEvents: async (at) => (await open()).readEvents(at),
    readSpire: async () => (await open()).readSpire(),
    readNamespace: async (name) => (await open()).readNamespace(name),
    follow: async () => (await open()).follow(),
    change: async (times) => (await open()).change(times),
    renew: async () => (await opened)?.renew(),
    close: async () => (await opened)?.close(),
  }
}
