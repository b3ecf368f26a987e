import { setTimeout as wait } from 'node:timers/promises'
import { at, containerOf, manifestsIn, numberAt, textAt, type Manifests } from '../../../deploy/manifests.ts'
import { until } from '../../support/cluster.ts'
import type { RunningPod, Site } from './site.ts'

const namespace = 'kleym-system'
const name = 'kleym-operator'

export type Controllers = {
  /** The operator that runs now, as its container in the API server says. */
  readonly running: () => { readonly pod: RunningPod; readonly image: string }
  /** Throws what went wrong in the meantime. */
  readonly stop: () => Promise<void>
}

/**
 * In the place of the controllers, the scheduler and the kubelet, which need a network of pods and an image: as often as the
 * Deployment of the operator changes, the operator is started as its container says and, once it is ready and called, the
 * Deployment gets the status that the controllers would write.
 */
export function actAsControllers(site: Site): Controllers {
  const stopping = new AbortController()
  let pod: RunningPod | undefined
  let image = ''
  const rollOut = async (manifests: Manifests): Promise<void> => {
    await site.install({ manifests, apply: () => Promise.resolve() })
    await pod?.stop('SIGKILL')
    pod = await site.start(manifests)
    image = containerOf(manifests).image
    await until(
      'the webhook is called',
      async () => (await site.cluster.kubectl(dryRun, { input: probe })).code === 0,
    )
    await isAvailable(site, manifests.only('Deployment'))
  }
  const watching = (async () => {
    let seen: unknown
    while (!stopping.signal.aborted) {
      const manifests = await live(site)
      const generation = at(manifests?.objects[0], 'metadata', 'generation')
      if (manifests && generation !== seen) await rollOut(manifests)
      seen = generation
      await wait(100)
    }
  })()
  // If starting the operator fails, the wait for the Deployment runs out of time, and `stop` throws the reason.
  watching.catch(() => undefined)
  return {
    running: () => {
      if (!pod) throw new Error('the operator does not run')
      return { pod, image }
    },
    stop: async () => {
      stopping.abort()
      const [watched] = await Promise.allSettled([watching])
      await pod?.stop('SIGKILL')
      if (watched.status === 'rejected') throw watched.reason
    },
  }
}

/** The Deployment, and all ConfigMaps that its pods can have variables from. */
async function live({ cluster }: Site): Promise<Manifests | undefined> {
  const get = ['get', '-n', namespace, '-o', 'json']
  const { code, stdout } = await cluster.kubectl([...get, 'deployment', name])
  if (code !== 0) return undefined
  const maps: unknown = JSON.parse((await cluster.kubectl([...get, 'configmaps'])).stdout)
  const items = at(maps, 'items')
  const documents = [stdout, ...(Array.isArray(items) ? items : []).map((one) => JSON.stringify(one))]
  return manifestsIn(documents.map((text) => `---\n${text}`).join('\n'))
}

const dryRun = ['create', '--dry-run=server', '-f', '-']
const probe = JSON.stringify({
  apiVersion: 'kleym.sonda.red/v1alpha1',
  kind: 'InferenceIdentityBinding',
  metadata: { name: 'probe', namespace: 'default' },
  spec: { mode: 'PoolOnly', poolRef: { name: 'chat' }, serviceAccountName: 'chat' },
})

async function isAvailable({ kubectl }: Site, deployment: unknown): Promise<void> {
  const replicas = numberAt(deployment, 'spec', 'replicas')
  const status = {
    observedGeneration: numberAt(deployment, 'metadata', 'generation'),
    replicas,
    updatedReplicas: replicas,
    readyReplicas: replicas,
    availableReplicas: replicas,
    conditions: [{ type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable' }],
  }
  const place = ['deployment', textAt(deployment, 'metadata', 'name'), '-n', namespace]
  await kubectl('patch', ...place, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status }))
}
