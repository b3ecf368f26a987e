import { setTimeout as sleep } from 'node:timers/promises'
import { replacesAnnotation } from '../../src/core/binding.ts'
import { ownerAnnotation, decodeOutput, type Output } from '../../src/core/clusterspiffeid.ts'
import {
  bindingResource,
  clusterSpiffeIdResource,
  objectiveResources,
  poolResources,
  type Resource,
} from '../../src/core/resources.ts'
import { resourcePath } from '../../src/kube/client.ts'
import { binding, clusterSpiffeId, objective, pool, poolOnly } from '../support/builders.ts'
import type { Reply } from '../support/embedded/client.ts'
import { recordOf, type Json } from '../support/embedded/json.ts'
import { resourceOf, type Manifest } from '../support/vectors.ts'
import { metaOf, placeOf, type Admin } from '../support/world.ts'
import type { Random } from './random.ts'
import type { Recorder } from './recorder.ts'
import { namespaces } from './site.ts'

export type Desk = { readonly admin: Admin; readonly recorder: Recorder; readonly random: Random }

/** Somebody's edit of the cluster. It may well be refused. */
type Edit = (desk: Desk) => Promise<Reply | undefined>

const names = {
  pools: ['p1', 'p2', 'p3'],
  objectives: ['o1', 'o2', 'o3'],
  bindings: ['b1', 'b2', 'b3', 'b4', 'b5', 'b6', 'b7', 'b8'],
} as const
const edited = [namespaces.strict, namespaces.lenient] as const

const selectors = [
  { matchLabels: { app: 'chat' } },
  { matchLabels: { app: 'chat' } },
  { matchLabels: { app: 'code' } },
  { matchLabels: { app: 'code', role: 'prefill' } },
  { matchLabels: { app: 'chat', role: 'decode' } },
  // Unusable: it can't be rendered.
  { matchLabels: { app: 'chat' }, matchExpressions: [{ key: 'tier', operator: 'Exists' }] },
] as const

/** Mostly what goes together: objective `o1` is of pool `p1`. */
const partner = (random: Random, { length }: { readonly length: number }, at: number): number =>
  random.chance(0.85) ? at : random.below(length)

const bindingBy = (random: Random, name: string, namespace: string): Manifest => {
  const at = random.below(names.pools.length)
  const spec = {
    poolRef: { name: names.pools[at] },
    serviceAccountName: random.pick(['server', 'server', 'other']),
  }
  if (random.chance(0.3)) return poolOnly({ name, namespace, spec })
  const containerName = random.pick(['main', 'side', 'init', 'proxy', 'log', 'metrics'])
  const objectiveRef = { name: names.objectives[partner(random, names.objectives, at)] }
  return binding({ name, namespace, spec: { ...spec, objectiveRef, containerName } })
}

const objectiveBy = (random: Random, name: string, namespace: string, group?: string): Manifest => {
  const at = partner(
    random,
    names.pools,
    names.objectives.findIndex((one) => one === name),
  )
  return objective({ name, namespace, group, poolRef: { name: names.pools[at] } })
}

/** Creates an object, or puts its spec and annotations in the place of what is there. */
export async function put({ admin: { client }, recorder }: Desk, manifest: Manifest): Promise<Reply> {
  const resource = resourceOf(manifest)
  const { uid: _, generation: _generation, ...metadata } = manifest.metadata
  const { namespace, name } = metadata
  const created = await client.post(resourcePath(resource, { namespace }), { ...manifest, metadata })
  const reply =
    created.code === 409
      ? await client.patch(resourcePath(resource, { namespace, name }), [
          { op: 'replace', path: '/spec', value: manifest.spec },
        ])
      : created
  if (reply.code < 300) recorder.wrote(reply.body)
  return reply
}

async function remove({ admin, recorder }: Desk, resource: Resource, object: Json): Promise<Reply> {
  const uid = String(metaOf(object)['uid'])
  recorder.removes(uid)
  return admin.client.delete(resourcePath(resource, placeOf(object)))
}

/** Edits one of the existing objects, except those that must stay as they are. */
const some =
  (resource: Resource, act: (desk: Desk, object: Json) => Promise<Reply | undefined>): Edit =>
  async (desk) => {
    const all = (await desk.admin.list(resource)).filter(
      (object) => placeOf(object).namespace !== namespaces.steady,
    )
    return all.length === 0 ? undefined : act(desk, desk.random.pick(all))
  }

const patched = async ({ admin, recorder }: Desk, path: string, patch: Json): Promise<Reply> => {
  const reply = await admin.client.patch(path, patch)
  if (reply.code < 300) recorder.wrote(reply.body)
  return reply
}

const drift = (patch: (output: Output, random: Random) => Json): Edit =>
  some(clusterSpiffeIdResource, (desk, object) =>
    patched(
      desk,
      resourcePath(clusterSpiffeIdResource, placeOf(object)),
      patch(decodeOutput(object), desk.random),
    ),
  )

/** Another name for a binding: the new one says what it replaces, and the old one goes a moment later. */
const rename: Edit = some(bindingResource, async (desk, object) => {
  const { name, namespace = '' } = placeOf(object)
  const other = desk.random.pick(names.bindings)
  const manifest = {
    ...object,
    metadata: { name: other, namespace, annotations: { [replacesAnnotation]: name } },
  }
  const path = resourcePath(bindingResource, { namespace })
  const reply = await desk.admin.client.post(path, { ...manifest, status: undefined })
  if (reply.code >= 300) return reply
  desk.recorder.wrote(reply.body)
  await sleep(desk.random.between(0, 3000))
  return remove(desk, bindingResource, object)
})

const copy: Edit = some(clusterSpiffeIdResource, async (desk, object) => {
  const { annotations, labels } = metaOf(object)
  const name = `copy-${desk.random.below(6)}`
  return put(desk, clusterSpiffeId(name, { annotations, labels }, recordOf(object['spec'])))
})

const orphan: Edit = (desk) => {
  const owner = `${desk.random.pick(edited)}/ghost`
  const name = `kleym-${owner.replace('/', '-')}-pool-0000000${desk.random.below(10)}`
  return put(desk, clusterSpiffeId(name, { annotations: { [ownerAnnotation]: owner } }))
}

/** The group of an object: half of the time undefined, which stands for the group that is tried first. */
const group = (random: Random, row: readonly Resource[]): string | undefined =>
  random.chance(0.5) ? undefined : random.pick(row).group

/** Each kind of edit, and how often it is made among all. */
export const edits: Readonly<Record<string, readonly [weight: number, edit: Edit]>> = {
  'binding put': [
    12,
    (desk) => put(desk, bindingBy(desk.random, desk.random.pick(names.bindings), desk.random.pick(edited))),
  ],
  'binding deleted': [3, some(bindingResource, (desk, object) => remove(desk, bindingResource, object))],
  'binding renamed': [3, rename],
  'binding status emptied': [
    1,
    some(bindingResource, (desk, object) =>
      patched(desk, `${resourcePath(bindingResource, placeOf(object))}/status`, {
        status: { conditions: [] },
      }),
    ),
  ],
  'pool put': [
    4,
    (desk) =>
      put(
        desk,
        pool({
          name: desk.random.pick(names.pools),
          namespace: desk.random.pick(edited),
          group: group(desk.random, poolResources),
          selector: desk.random.pick(selectors),
        }),
      ),
  ],
  'pool deleted': [
    1,
    (desk) => {
      const resource = desk.random.pick(poolResources)
      return some(resource, (inner, object) => remove(inner, resource, object))(desk)
    },
  ],
  'objective put': [
    5,
    (desk) =>
      put(
        desk,
        objectiveBy(
          desk.random,
          desk.random.pick(names.objectives),
          desk.random.pick(edited),
          group(desk.random, objectiveResources),
        ),
      ),
  ],
  'objective deleted': [
    1,
    (desk) => {
      const resource = desk.random.pick(objectiveResources)
      return some(resource, (inner, object) => remove(inner, resource, object))(desk)
    },
  ],
  'ClusterSPIFFEID field added': [2, drift(() => ({ spec: { ttl: '1h' } }))],
  'ClusterSPIFFEID identity changed': [
    1,
    drift((_, random) => ({ spec: { spiffeIDTemplate: `spiffe://example.org/evil/${random.below(9)}` } })),
  ],
  'ClusterSPIFFEID labels taken': [1, drift(() => ({ metadata: { labels: null } }))],
  'ClusterSPIFFEID deleted': [
    3,
    some(clusterSpiffeIdResource, (desk, object) => remove(desk, clusterSpiffeIdResource, object)),
  ],
  'ClusterSPIFFEID copied': [1, copy],
  'ClusterSPIFFEID orphan made': [1, orphan],
}

const deck = Object.entries(edits).flatMap(([name, [weight]]) => Array.from({ length: weight }, () => name))

/** Makes one edit. Resolves to what kind it was and what came of it. */
export async function edit(
  desk: Desk,
): Promise<{ readonly name: string; readonly outcome: 'made' | 'refused' | 'nothing to edit' }> {
  const name = desk.random.pick(deck)
  // Of a kind that is just being installed nothing can be listed: the API server answers 429.
  const reply = await edits[name]?.[1](desk).catch(() => undefined)
  const outcome = reply === undefined ? 'nothing to edit' : reply.code < 300 ? 'made' : 'refused'
  return { name, outcome }
}

/** What there is before the first edit: much that can be edited, and bindings that nobody edits, nor what they refer to. */
export const firstScene: readonly Manifest[] = [
  ...edited.flatMap((namespace) => [
    ...names.pools.map((name) =>
      pool({ name, namespace, selector: { matchLabels: { app: 'chat', pool: name } } }),
    ),
    ...names.objectives.map((name, at) => objective({ name, namespace, poolRef: { name: names.pools[at] } })),
    ...names.bindings.map((name, at) => {
      const [poolName, objectiveName] = [names.pools[at % 3], names.objectives[at % 3]]
      const spec = { poolRef: { name: poolName }, objectiveRef: { name: objectiveName }, containerName: name }
      return binding({ name, namespace, spec })
    }),
  ]),
  pool({ namespace: namespaces.steady }),
  objective({ namespace: namespaces.steady }),
  ...['s1', 's2', 's3'].map((name) =>
    binding({ name, namespace: namespaces.steady, spec: { containerName: name } }),
  ),
  poolOnly({ name: 's4', namespace: namespaces.steady }),
]
