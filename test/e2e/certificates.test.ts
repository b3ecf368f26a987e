import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createAuthority } from '../../certs/authority.ts'
import { usualLives, type Lives } from '../../certs/certificates.ts'
import { splitPem } from '../../certs/inspect.ts'
import {
  secretResource,
  eventResource,
  bindingResource,
  optionalResources,
} from '../../src/core/resources.ts'
import { resourcePath } from '../../src/kube/client.ts'
import { listOf, recordOf, textOf, type Json } from '../support/embedded/json.ts'
import { describeReal } from '../support/real.ts'
import { registrations, webhookNames } from '../support/webhook-names.ts'
import { creates, decoded, handshakes, liveBundles, liveTokens } from './certificates/load.ts'
import { startReplica, type Replica } from './certificates/replicas.ts'
import { startBalancer, type Balancer } from './support/balancer.ts'
import { createNamespace, startCluster, until, type Cluster } from './support/cluster.ts'
import { serveBindings, serveOnly } from './support/kinds.ts'
import { poolOnly } from './support/manifests.ts'
import { webhooksAreAsked } from './support/webhook.ts'

const namespace = 'kleym-system'
const secretName = webhookNames.secret
const secretPath = resourcePath(secretResource, { namespace, name: secretName })

const daysUntil = (seconds: number): number => Math.round((seconds - Date.now() / 1000) / 86_400)

/**
 * A CA that is too short for a leaf is replaced at once, so that one rotation follows the other, and none ends
 * by a certificate that expires where the machine is slow.
 */
const restless: Lives = { authorityMs: 300_000, leafMs: 3_600_000, settleMs: 2_000 }
const rotations = 10

describeReal('the certificates of three replicas behind one address', () => {
  let cluster: Cluster
  let balancer: Balancer
  let replicas: readonly Replica[] = []
  const lines: string[] = []

  beforeAll(async () => {
    cluster = await startCluster()
    await createNamespace(cluster, namespace)
    await serveOnly(cluster, optionalResources)
    await serveBindings(cluster, 'strict')
    balancer = await startBalancer()
  })
  afterAll(async () => {
    await stop()
    await balancer.stop()
    await cluster.stop()
  })

  const stop = async (): Promise<void> => {
    for (const { port } of replicas) balancer.remove(port)
    await Promise.all(replicas.map((replica) => replica.stop()))
    replicas = []
  }

  const start = async (lives: Lives): Promise<void> => {
    await stop()
    await cluster.client.delete(secretPath)
    await startAgain(lives)
  }

  const startAgain = async (lives: Lives): Promise<void> => {
    const options = { kubeconfig: cluster.plane.kubeconfig, url: balancer.url, lives }
    replicas = await Promise.all(
      [1, 2, 3].map(() => startReplica({ ...options, write: (line) => void lines.push(line) })),
    )
    for (const { port } of replicas) balancer.add(port)
    await until('every replica is ready', async () =>
      replicas.every(({ problems }) => problems().length === 0),
    )
    await webhooksAreAsked(cluster)
  }

  const secretData = async (): Promise<Json> => {
    const secret = await cluster.find(secretResource, { namespace, name: secretName })
    return Object.fromEntries(
      Object.entries(recordOf(secret?.['data'])).map(([key, value]) => [key, decoded(value)]),
    )
  }

  const isSteady = async (): Promise<boolean> => {
    const { 'ca.crt': bundle } = await secretData()
    const live = await liveBundles(cluster)
    return splitPem(textOf(bundle)).length === 1 && live.every((one) => one === bundle)
  }

  const underLoad = () => {
    const loads = [
      creates(cluster, 5),
      handshakes(
        cluster,
        replicas.map(({ port }) => port),
        40,
      ),
    ]
    return {
      calls: () => loads.map((load) => load.calls()),
      failures: () => loads.flatMap((load) => load.failures()),
      stop: () => Promise.all(loads.map((load) => load.stop())),
    }
  }

  test('rotate, CA and leaf, again and again, without a failed call', { timeout: 300_000 }, async () => {
    await start(restless)
    const load = underLoad()
    const seen = { bundles: new Set<string>(), leaves: new Set<string>() }
    const haveRotated = async (): Promise<boolean> => {
      const { 'ca.crt': bundle, 'tls.crt': leaf } = await secretData()
      seen.bundles.add(textOf(bundle))
      seen.leaves.add(textOf(leaf))
      return [...seen.bundles].filter((one) => splitPem(one).length === 1).length > rotations
    }
    await vi.waitUntil(haveRotated, { timeout: 240_000, interval: 100 })
    await load.stop()
    expect(load.failures()).toEqual([])
    const [created = 0, dialled = 0] = load.calls()
    expect(created).toBeGreaterThan(100)
    expect(dialled).toBeGreaterThan(100)
    expect(seen.leaves.size).toBeGreaterThan(rotations)
    expect(replicas.flatMap(({ problems }) => problems())).toEqual([])
  })

  describe('when somebody meddles', () => {
    beforeAll(() => start({ ...usualLives, settleMs: 500 }))

    test.each<[string, () => Promise<unknown>]>([
      ['deletes the Secret', () => cluster.client.delete(secretPath)],
      ['empties it', () => cluster.client.patch(secretPath, { data: { 'tls.crt': '', 'ca.key': '' } })],
      [
        'fills it with garbage',
        () =>
          cluster.client.patch(secretPath, {
            data: { 'tls.key': 'eA==', 'ca.crt': 'eA==', 'ca.key': 'eA==' },
          }),
      ],
    ])('and %s, it is healed in seconds and no call fails', async (_what, meddle) => {
      const before = textOf((await secretData())['ca.crt'])
      const load = underLoad()
      await meddle()
      await until('there is a new CA, and nothing else', async () => {
        const { 'ca.crt': bundle } = await secretData()
        return bundle !== before && (await isSteady())
      })
      await load.stop()
      expect(load.failures()).toEqual([])
    })

    test('and a Secret had to be replaced, that is an event of it', async () => {
      const events = (await cluster.list(eventResource, namespace)).filter(
        ({ reason }) => reason === 'WebhookCertificateReplaced',
      )
      expect(events.map(({ note }) => note)).toContain(
        'the webhook certificates were made anew: there is no Secret',
      )
      expect(events[0]).toMatchObject({ type: 'Warning', regarding: { kind: 'Secret', name: secretName } })
    })

    test('and the path is taken away, it is put back in seconds, with the token that it had', async () => {
      const before = await liveTokens(cluster)
      for (const { resource, name } of registrations) {
        const configuration = (await cluster.find(resource, { name })) ?? {}
        const webhooks = listOf(configuration['webhooks']).map((webhook) => {
          const { clientConfig, ...rest } = recordOf(webhook)
          return { ...rest, clientConfig: { ...recordOf(clientConfig), url: `${balancer.url}/validate` } }
        })
        const reply = await cluster.client.put(resourcePath(resource, { name }), {
          ...configuration,
          webhooks,
        })
        expect(reply.code).toBe(200)
      }
      await until('it is put back', async () => (await liveTokens(cluster)).join() === before.join())
      await webhooksAreAsked(cluster)
    })

    test.each([
      ['blanks', () => ''],
      ['adds a CA to', (live: string, other: string) => live + other],
    ])('and %s a caBundle, it is put back in seconds', async (_what, change) => {
      const { certPem } = await createAuthority({ now: new Date(), lifetimeDays: 1 })
      for (const { resource, name } of registrations) {
        const configuration = (await cluster.find(resource, { name })) ?? {}
        const webhooks = listOf(configuration['webhooks']).map((webhook) => {
          const { clientConfig, ...rest } = recordOf(webhook)
          const { caBundle, ...where } = recordOf(clientConfig)
          const changed = Buffer.from(change(decoded(caBundle), certPem)).toString('base64')
          return { ...rest, clientConfig: { ...where, caBundle: changed } }
        })
        const { code } = await cluster.client.put(resourcePath(resource, { name }), {
          ...configuration,
          webhooks,
        })
        expect(code).toBe(200)
      }
      await until('it is put back', isSteady)
      await webhooksAreAsked(cluster)
      expect(replicas.flatMap(({ problems }) => problems())).toEqual([])
    })
  })

  const patient = { timeout: 120_000 }

  test('are joined by a token, which is another one after an outage that showed it', patient, async () => {
    const lives = { ...usualLives, settleMs: 500 }
    const [shown = ''] = await liveTokens(cluster)
    await stop()
    const failing = await cluster.client.post(
      `${resourcePath(bindingResource, { namespace: 'default' })}?dryRun=All`,
      { ...poolOnly({ name: 'outage', namespace: 'default' }) },
    )
    expect(textOf(failing.body['message'])).toContain(`/validate/${shown}?`)
    await startAgain(lives)
    const load = underLoad()
    const isAnother = async (): Promise<boolean> => {
      const tokens = await liveTokens(cluster)
      const { token, 'token.previous': previous } = await secretData()
      return tokens.every((one) => one !== shown && one === token) && previous === undefined
    }
    // The first probe comes after 5 s, or the next after a failure.
    await vi.waitUntil(isAnother, { timeout: 100_000, interval: 100 })
    await load.stop()
    expect(load.failures()).toEqual([])
    expect(lines.join('')).not.toContain(shown)
  })

  test('are what the metrics tell of', async () => {
    const [text = ''] = await Promise.all(replicas.map(({ metrics }) => metrics.text()))
    const end = (certificate: string): number =>
      Number(text.match(`kleym_certificate_expiry_timestamp_seconds{certificate="${certificate}"} (.*)`)?.[1])
    expect(daysUntil(end('webhook'))).toBe(365)
    expect(daysUntil(end('authority'))).toBe(3650)
  })

  test('leave no key in any log', () => {
    expect(lines.join('')).not.toContain('PRIVATE KEY')
    expect(lines.filter((line) => /[0-9a-f]{64}/.test(line))).toEqual([])
    expect(lines.some((line) => line.includes('replaced the webhook certificates'))).toBe(true)
  })
})
