import { randomBytes, randomUUID } from 'node:crypto'
import { createAdmission } from './admission.ts'
import { prepareBuiltIn } from './builtins.ts'
import { createCounters, type RequestCount } from './counters.ts'
import { listener } from './http.ts'
import { createKinds, type Kinds } from './kinds.ts'
import { writeKubeconfig } from './kubeconfig.ts'
import { startLifecycle } from './lifecycle.ts'
import { listen } from './listen.ts'
import { timestamp } from './object.ts'
import type { Snapshots } from './reading.ts'
import { Store } from './store.ts'
import { createCaller, type Services } from './webhook-call.ts'

export type EmbeddedOptions = {
  /** How many changes a watch can look back; older ones are 410 Gone. 10,000 unless given. */
  readonly historyLimit?: number
  /** Every minute unless given, as the real server does. */
  readonly bookmarkEveryMs?: number
  /** Where the Services of webhook configurations listen. None unless given. */
  readonly services?: Services
}

export type Embedded = {
  /** `https://127.0.0.1:<port>` */
  readonly server: string
  readonly caPem: string
  /** The bearer token of a user who may do everything. */
  readonly token: string
  /** The path of a kubeconfig file of that user; gone after `stop`. */
  readonly kubeconfig: string
  /** A further bearer token, whose user admission reviews name. There is no authorization: it may do everything too. */
  readonly issueToken: (user: string) => string
  /** From now on every older resourceVersion and continue token is 410 Gone. */
  readonly forgetHistory: () => void
  readonly requests: () => readonly RequestCount[]
  readonly stop: () => Promise<void>
}

const createNamespaces = (store: Store, kinds: Kinds): void => {
  const kind = kinds.find('', 'v1', 'namespaces')
  if (kind === undefined) return
  for (const name of ['default', 'kube-node-lease', 'kube-public', 'kube-system']) {
    const metadata = { name, uid: randomUUID(), creationTimestamp: timestamp() }
    store.put('namespaces', prepareBuiltIn({ apiVersion: 'v1', kind: 'Namespace', metadata }, kind))
  }
}

/**
 * An API server in memory, over TLS on loopback, with as much of the real one's behaviour as the operator and
 * kubectl's get, create -f, apply, patch, label, delete and wait notice; conformance.test.ts holds the two together.
 */
export const startEmbedded = async (options: EmbeddedOptions = {}): Promise<Embedded> => {
  const store = new Store(options.historyLimit ?? 10_000)
  const kinds = createKinds(store)
  createNamespaces(store, kinds)
  const stopLifecycle = startLifecycle(store)
  const caller = createCaller(options.services ?? (() => undefined))
  const admission = createAdmission(store, caller)
  const counters = createCounters()
  const snapshots: Snapshots = new Map()
  const users = new Map<string, string>()
  const issueToken = (user: string): string => {
    const token = randomBytes(16).toString('hex')
    users.set(token, user)
    return token
  }
  const token = issueToken('admin')

  const front = {
    api: { store, kinds, admission, snapshots },
    userOf: (bearer: string) => users.get(bearer),
    counters,
    bookmarkEveryMs: options.bookmarkEveryMs ?? 60_000,
  }
  const { server, caPem, down } = await listen(listener(front))
  const kubeconfig = await writeKubeconfig(server, caPem, token)

  return {
    server,
    caPem,
    token,
    kubeconfig: kubeconfig.path,
    issueToken,
    forgetHistory: () => {
      store.forgetHistory()
      snapshots.clear()
    },
    requests: counters.read,
    stop: async () => {
      stopLifecycle()
      await Promise.all([down(), caller.close(), kubeconfig.remove()])
    },
  }
}
