import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  bindingResource,
  objectiveResources,
  optionalResources,
  poolResources,
} from '../../src/core/resources.ts'
import { objective, pool } from '../support/builders.ts'
import { startOperator, type RunningOperator } from '../support/operator.ts'
import { describeReal } from '../support/real.ts'
import { resourceOf, type Manifest } from '../support/vectors.ts'
import { metaOf, patience, startCluster, until, type Cluster } from './support/cluster.ts'
import { serveBindings, serveOnly } from './support/kinds.ts'
import { binding, poolOnly } from './support/manifests.ts'
import { outputsOf } from './support/scene.ts'
import { show } from './support/settled.ts'
import { trustDomain, wordsOfKubectl } from './support/verdicts.ts'
import { webhooksAreAsked } from './support/webhook.ts'

const namespace = 'default'
const named = (name: string) => ({ name, namespace })
const chat = binding(named('chat'))
const doomed = poolOnly({ ...named('doomed'), spec: { poolRef: { name: 'other' } } })
const scene: readonly Manifest[] = [
  pool(named('chat')),
  pool({ ...named('other'), selector: { matchLabels: { app: 'other' } } }),
  objective(named('chat')),
  chat,
  doomed,
]

const references = [...poolResources, ...objectiveResources].map(
  (resource) => [`${resource.plural}.${resource.group}`, resource] as const,
)

/** What the API server says when it can't ask the validating webhook, whose failurePolicy is Fail. */
const ownWords =
  /^Error from server \(InternalError\): .*Internal error occurred: failed calling webhook "validate\.inferenceidentitybinding\.kleym\.sonda\.red": failed to call webhook: Post "https:\/\/127\.0\.0\.1:\d+\/validate\?timeout=5s": dial tcp 127\.0\.0\.1:\d+: connect: connection refused$/m

describeReal('a webhook that is down', () => {
  let cluster: Cluster
  let operator: RunningOperator

  const start = async (): Promise<void> => {
    operator = await startOperator({ kubeconfig: cluster.plane.kubeconfig, trustDomain })
    await operator.ready()
    await webhooksAreAsked(cluster)
  }
  const settles = async (manifest: Manifest, expected: object): Promise<void> => {
    const settled = async () => (await show(cluster, manifest)).settled
    await expect.poll(settled, patience).toMatchObject(expected)
  }
  const run = async (...args: readonly string[]) => {
    const { code, stderr } = await cluster.kubectl([...args, '-n', namespace])
    return { code, stderr }
  }
  const patch = (name: string, change: object, ...flags: readonly string[]) =>
    run('patch', 'iib', name, '--type=merge', '-p', JSON.stringify(change), ...flags)
  const select = (name: string, selector: object) =>
    run(
      'patch',
      'inferencepools.inference.networking.k8s.io',
      name,
      '--type=json',
      '-p',
      JSON.stringify([{ op: 'replace', path: '/spec/selector', value: selector }]),
    )
  const apply = (manifest: Manifest) =>
    cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify(manifest) })

  beforeAll(async () => {
    cluster = await startCluster()
    await serveOnly(cluster, optionalResources)
    await serveBindings(cluster, 'strict')
    await start()
    for (const manifest of scene) await cluster.create(resourceOf(manifest), manifest)
    for (const one of [chat, doomed])
      await until(`${one.metadata.name} is ready`, async () => (await outputsOf(cluster, one)).length === 1)
    await operator.stop('SIGKILL')
  })
  afterAll(async () => {
    await operator.stop()
    await cluster.stop()
  })

  describe('stops nobody from', () => {
    const fine = { code: 0, stderr: '' }

    test('labelling a binding', async () => {
      expect(await run('label', 'iib', 'chat', 'team=a')).toEqual(fine)
    })

    test('annotating a binding', async () => {
      expect(await run('annotate', 'iib', 'chat', 'note=a')).toEqual(fine)
    })

    test('changing the status of a binding', async () => {
      const status = { trustDomain: 'changed.example.org' }
      expect(await patch('chat', { status }, '--subresource=status')).toEqual(fine)
      expect(await cluster.find(bindingResource, named('chat'))).toMatchObject({ status })
    })

    test('changing the finalizers of a binding', async () => {
      const finalizers = ['example.org/added']
      expect(await patch('chat', { metadata: { finalizers } })).toEqual(fine)
      expect(await cluster.find(bindingResource, named('chat'))).toMatchObject({ metadata: { finalizers } })
      expect(await patch('chat', { metadata: { finalizers: [] } })).toEqual(fine)
    })

    test('deleting a binding, which stays until its output is withdrawn', async () => {
      expect(await run('delete', 'iib', 'doomed', '--wait=false')).toEqual(fine)
      const live = await cluster.find(bindingResource, named('doomed'))
      expect(metaOf(live ?? {})['deletionTimestamp']).toBeDefined()
      expect(await outputsOf(cluster, doomed)).toHaveLength(1)
    })

    test.each(references)('creating, changing and deleting any of %s', async (kind, resource) => {
      const { group, plural } = resource
      const [first, second, changed] = plural.endsWith('pools')
        ? [
            pool({ ...named('late'), group }),
            pool({ ...named('wide'), group, selector: {} }),
            { selector: {} },
          ]
        : [
            objective({ ...named('late'), group }),
            objective({ ...named('wide'), group, poolRef: { name: 'other' } }),
            { poolRef: { name: 'other' } },
          ]
      for (const manifest of [first, second])
        expect(await apply(manifest)).toMatchObject({ code: 0, stderr: '' })
      const change = JSON.stringify({ spec: changed })
      expect(await run('patch', kind, 'late', '--type=merge', '-p', change)).toEqual(fine)
      expect(await run('delete', kind, 'late', 'wide')).toEqual(fine)
      expect(await cluster.find(resource, named('late'))).toBeUndefined()
    })

    test('making the pool of a binding one that nobody can use, and back', async () => {
      expect(await select('chat', {})).toEqual(fine)
      expect(await select('chat', { matchLabels: { app: 'chat' } })).toEqual(fine)
    })
  })

  describe('has the API server refuse, in its own words,', () => {
    test('a new binding', async () => {
      const { code, stderr } = await apply(binding(named('new')))
      expect(stderr).toMatch(ownWords)
      expect(code).toBe(1)
      expect(await cluster.find(bindingResource, named('new'))).toBeUndefined()
    })

    test('a change of the spec', async () => {
      const { code, stderr } = await patch('chat', { spec: { serviceAccountName: 'other' } })
      expect(stderr).toMatch(ownWords)
      expect(code).toBe(1)
      expect(await cluster.find(bindingResource, named('chat'))).toMatchObject({ spec: chat.spec })
    })
  })

  describe('when it is back', () => {
    beforeAll(start)

    test('has the deletion finished that was asked for meanwhile', async () => {
      const find = () => cluster.find(bindingResource, named('doomed'))
      await until('the deleted binding is gone', async () => (await find()) === undefined)
      expect(await outputsOf(cluster, doomed)).toEqual([])
    })

    test('has the status and the finalizer put right that were changed meanwhile', async () => {
      await expect
        .poll(() => cluster.find(bindingResource, named('chat')), patience)
        .toMatchObject({
          metadata: { finalizers: ['kleym.sonda.red/inferenceidentitybinding-finalizer'] },
          status: { trustDomain },
        })
    })

    test('lets a change of the spec pass', async () => {
      expect(await patch('chat', { spec: { serviceAccountName: 'other' } })).toEqual({ code: 0, stderr: '' })
      await settles(chat, { ready: 'True', selectors: expect.arrayContaining(['k8s:sa:other']) })
    })

    test('refuses what it must, and lets a good binding pass', async () => {
      const collides = binding({ ...named('new'), spec: { serviceAccountName: 'other' } })
      const refused = await apply(collides)
      expect(refused.code).toBe(1)
      expect(wordsOfKubectl(refused).denied).toEqual([
        expect.stringContaining('Conflict/IdentityCollision: identity collision with bindings chat: '),
      ])
      const good = poolOnly({ ...named('new'), spec: { poolRef: { name: 'other' } } })
      expect(await apply(good)).toMatchObject({ code: 0, stderr: '' })
      await settles(good, { ready: 'True' })
    })
  })
})
