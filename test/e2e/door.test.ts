import { once } from 'node:events'
import { createSecureServer } from 'node:http2'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createAuthority, issueLeaf } from '../../certs/authority.ts'
import { registrationsOf } from '../../certs/registration.ts'
import {
  bindingResource,
  leaseResource,
  objectiveResources,
  optionalResources,
} from '../../src/core/resources.ts'
import { resourcePath } from '../../src/kube/client.ts'
import { createClient } from '../../src/kube/client.ts'
import { loadKubeConfig } from '../../src/kube/config.ts'
import { Reflector } from '../../src/kube/reflector.ts'
import { objective, pool } from '../support/builders.ts'
import { freePort } from '../support/controlplane/daemon.ts'
import { listOf, recordOf, textOf } from '../support/embedded/json.ts'
import { startOperator, type RunningOperator } from '../support/operator.ts'
import { describeReal } from '../support/real.ts'
import { resourceOf } from '../support/vectors.ts'
import { webhookHost } from '../support/webhook-host.ts'
import { registrations } from '../support/webhook-names.ts'
import { admissionReview, callAt, session, type Answer } from '../webhook/serving.ts'
import { metaOf, startCluster, until, type Cluster } from './support/cluster.ts'
import { serveBindings, serveOnly } from './support/kinds.ts'
import { binding } from './support/manifests.ts'
import { trustDomain } from './support/verdicts.ts'
import { webhooksAreAsked } from './support/webhook.ts'

const namespace = 'default'

/** A review as the API server would send it, of a binding to what is there. */
const review = (name: string, containerName: string) =>
  JSON.stringify(
    admissionReview({
      name,
      namespace,
      object: {
        ...binding({ name, namespace, spec: { containerName } }),
        metadata: { name, namespace, uid: name },
      },
    }),
  )

describeReal('the door of the webhook', () => {
  let cluster: Cluster
  let operator: RunningOperator
  let metricsAt: string
  /** What the API server trusts and calls by. */
  let caBundle: string
  let token: string

  beforeAll(async () => {
    cluster = await startCluster()
    await serveOnly(cluster, optionalResources)
    await serveBindings(cluster, 'strict')
    for (const manifest of [pool({ namespace }), objective({ namespace })])
      await cluster.create(resourceOf(manifest), manifest)
    metricsAt = `127.0.0.1:${await freePort()}`
    const args = [`--metrics-bind-address=${metricsAt}`, '--metrics-secure=false']
    operator = await startOperator({ kubeconfig: cluster.plane.kubeconfig, trustDomain, args })
    await operator.ready()
    await webhooksAreAsked(cluster)
    const [{ resource, name }] = registrations
    const [first] = registrationsOf((await cluster.find(resource, { name })) ?? {})
    ;({ caBundle = '', token = '' } = first ?? {})
  })
  afterAll(async () => {
    await operator.stop()
    await cluster.stop()
  })

  const metricsText = async (address = metricsAt): Promise<string> =>
    (await fetch(`http://${address}/metrics`)).text()

  /** Of a metric, the samples whose labels match added up; undefined where there is none. */
  async function metric(
    name: string,
    labels: RegExp = /(?:)/,
    address: string = metricsAt,
  ): Promise<number | undefined> {
    const samples = (await metricsText(address))
      .split('\n')
      .filter((line) => new RegExp(`^${name}[{ ]`).test(line) && labels.test(line))
    return samples.length === 0
      ? undefined
      : samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
  }

  /** Posts straight to the port, past the API server. */
  async function post(path: string, body: string): Promise<Answer> {
    await using client = await session(operator.webhookUrl, { ca: caBundle })
    return await callAt(client, path, { body })
  }

  const claims = async (): Promise<readonly string[]> =>
    (await cluster.list(leaseResource, 'kleym-system'))
      .map((lease) => textOf(metaOf(lease)['name']))
      .toSorted()

  test('has a path that the operator wrote into every webhook: the label of its name, and one token', async () => {
    const paths: string[] = []
    for (const { resource, name } of registrations)
      for (const webhook of listOf((await cluster.find(resource, { name }))?.['webhooks']).map(recordOf)) {
        const { pathname } = new URL(textOf(recordOf(webhook['clientConfig'])['url']))
        expect(pathname).toBe(`/${textOf(webhook['name']).split('.')[0]}/${token}`)
        paths.push(pathname)
      }
    expect(paths.length).toBeGreaterThan(2)
    expect(token).toMatch(/^[0-9a-f]{64}$/)
  })

  test('is shut to whoever only reaches the port: no claim, no read, no word, whatever is posted', async () => {
    const before = { claims: await claims(), reviews: await metric('kleym_admission_reviews_total') }
    const answers = new Set<string>()
    for (const path of ['/validate', '/mutate', `/validate/${'0'.repeat(64)}`, '/', '/warn/'])
      for (const body of [review('forged', 'forged'), '{']) {
        const answer = await post(path, body)
        answers.add(JSON.stringify([answer.status, answer.body]))
      }
    expect(answers.size).toBe(1)
    expect([...answers][0]).toMatch(/^\[403,/)
    expect([...answers][0]).not.toMatch(/spiffe|forged|default/)
    expect({ claims: await claims(), reviews: await metric('kleym_admission_reviews_total') }).toEqual(before)
    expect(await metric('kleym_webhook_turned_away_total', /what="call"/)).toBe(10)
    // Nothing was claimed, so a binding with that key is admitted.
    const { code } = await cluster.client.post(resourcePath(bindingResource, { namespace }), {
      ...binding({ name: 'rightful', namespace, spec: { containerName: 'forged' } }),
    })
    expect(code).toBe(201)
  })

  test('tells no token: not in the log, nor in the metrics, nor to whoever asks whether it is ready', async () => {
    const ready = await (await fetch(`${operator.probes}/readyz?verbose`)).text()
    for (const text of [operator.log(), await metricsText(), ready]) expect(text).not.toContain(token)
  })

  test('lists each check of readiness once', async () => {
    const listing = await (await fetch(`${operator.probes}/readyz?verbose`)).text()
    const names = [...listing.matchAll(/^\[[+-]\](?<name>[^ :]+)/gm)].map(({ groups }) => groups?.['name'])
    expect(names.length).toBeGreaterThan(5)
    expect(names).toEqual([...new Set(names)])
  })

  describe('its own probe', () => {
    test('is allowed, and answered by a warning: no denial counts, here or at the API server', async () => {
      await until('it has come back', async () => (await metric('kleym_webhook_probe_success')) === 1)
      expect(await (await fetch(`${operator.probes}/readyz?verbose`)).text()).toContain('[+]probe ok')
      expect(await metric('kleym_admission_reviews_total', /decision="deny"/)).toBe(undefined)
      const { body } = await cluster.client.get('/metrics')
      expect(textOf(body['text'])).not.toMatch(/^apiserver_admission_webhook_rejection_count\{[^}]*kleym/m)
      expect(operator.log()).not.toContain('"denied"')
    })

    test('is no result before the first', async () => {
      const address = `127.0.0.1:${await freePort()}`
      const args = ['--webhook-bind-address=0', `--metrics-bind-address=${address}`, '--metrics-secure=false']
      const silent = await startOperator({ kubeconfig: cluster.plane.kubeconfig, trustDomain, args })
      onTestFinished(async () => void (await silent.stop('SIGKILL')))
      await silent.ready()
      const text = await (await fetch(`http://${address}/metrics`)).text()
      expect(text).not.toMatch(/^kleym_webhook_probe_success/m)
    })
  })

  test('counts a denial by what refused, whatever was warned of before it', async () => {
    const wrong = binding({
      name: 'wrong',
      namespace,
      spec: { poolRef: { name: 'nowhere' }, containerName: 'Not A Label' },
    })
    const { code } = await cluster.client.post(resourcePath(bindingResource, { namespace }), { ...wrong })
    expect(code).toBe(422)
    const reasons = (await metricsText())
      .split('\n')
      .flatMap(
        (line) => /^kleym_admission_reviews_total\{.*decision="deny",reason="(\w+)"/.exec(line)?.[1] ?? [],
      )
    expect(new Set(reasons)).toEqual(new Set(['InvalidContainerName']))
  })

  test('is called over HTTP/1.1, as in clusters, where the suites register it, and over HTTP/2 on loopback', async () => {
    const life = { now: new Date(), lifetimeDays: 1 }
    const authority = await createAuthority(life)
    const leaf = await issueLeaf(authority, {
      dnsNames: [],
      ipAddresses: [webhookHost, '127.0.0.1'],
      ...life,
    })
    const versions = new Map<string, string>()
    const server = createSecureServer(
      { key: leaf.keyPem, cert: leaf.certPem, allowHTTP1: true },
      (request, response) => {
        versions.set(request.headers.host ?? request.authority, request.httpVersion)
        response.writeHead(500).end()
      },
    )
    onTestFinished(() => void server.close())
    await once(server.listen(0, '0.0.0.0'), 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const hosts = [webhookHost, '127.0.0.1']
    const resource = registrations[0].resource
    await cluster.create(resource, {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: resource.kind,
      metadata: { name: 'protocols' },
      webhooks: hosts.map((host, index) => ({
        name: `protocols-${index}.example.org`,
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        failurePolicy: 'Ignore',
        clientConfig: {
          url: `https://${host}:${port}/`,
          caBundle: Buffer.from(authority.certPem).toString('base64'),
        },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['CREATE'] }],
      })),
    })
    await until('both are called', async () => {
      const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'a-' } }
      await cluster.client.post('/api/v1/namespaces/default/configmaps', object)
      return versions.size === hosts.length
    })
    expect(Object.fromEntries(versions)).toEqual({
      [`${webhookHost}:${port}`]: '1.1',
      [`127.0.0.1:${port}`]: '2.0',
    })
    await cluster.client.delete(resourcePath(resource, { name: 'protocols' }))
  })

  const create = (name: string) =>
    cluster.client.post(resourcePath(bindingResource, { namespace }), {
      ...binding({ name, namespace, spec: { containerName: 'coveted' } }),
    })
  const forge = () => post(`/validate/${token}?timeout=5s`, review('forged', 'coveted'))

  test(
    'holds against whoever has the token: a key that is claimed again and again is refused to nobody for it',
    { timeout: 120_000 },
    async () => {
      expect(await forge()).toMatchObject({ status: 200, body: { response: { allowed: true } } })
      expect(await create('rightful-claim')).toMatchObject({ code: 422 })
      const started = performance.now()
      await expect
        .poll(
          async () => {
            await forge()
            return (await create('rightful-claim')).code
          },
          { timeout: 100_000, interval: 4000 },
        )
        .toBe(201)
      // The key was claimed anew all the time, so no grace of a claim could end before this.
      expect(performance.now() - started).toBeLessThan(64_000)
      expect(await metric('kleym_admission_claims_disregarded_total')).toBe(1)
      await until('it is an event of the one that was admitted', async () => {
        const { body } = await cluster.client.get(`/apis/events.k8s.io/v1/namespaces/${namespace}/events`)
        return listOf(body['items'])
          .map(recordOf)
          .some(
            ({ reason, regarding }) =>
              reason === 'ClaimDisregarded' && recordOf(regarding)['name'] === 'rightful-claim',
          )
      })
      expect(await forge()).toMatchObject({ status: 200, body: { response: { allowed: false } } })
    },
  )

  test('a namespace that is missing is said as such, once', async () => {
    const address = `127.0.0.1:${await freePort()}`
    const args = ['--namespace=nowhere', `--metrics-bind-address=${address}`, '--metrics-secure=false']
    const lost = await startOperator({ kubeconfig: cluster.plane.kubeconfig, trustDomain, args })
    onTestFinished(async () => void (await lost.stop('SIGKILL')))
    const notFound = () =>
      metric('kleym_api_requests_total', /method="POST",code="404"/, address).catch(() => 0)
    // The first answer belongs to the dry run by which the operator looks for an outage.
    await until('it was tried again and again', async () => ((await notFound()) ?? 0) > 3)
    const said = lost
      .log()
      .split('\n')
      .filter((line) => line.includes('no namespace nowhere'))
    expect(said).toEqual([expect.stringContaining('create it, or name another with --namespace')])
    expect(lost.log()).not.toContain('there is no Secret')
  })

  test('a kind on which nothing happens is not said to fail, and is known to be up to date', async () => {
    const client = createClient(loadKubeConfig({ kubeconfig: cluster.plane.kubeconfig }))
    onTestFinished(() => client.close())
    const said: string[] = []
    const say = (_: object, message: string): void => void said.push(message)
    const [resource] = objectiveResources
    if (!resource) throw new Error('there is no such resource')
    const reflector = new Reflector({
      client,
      resource,
      handler: { upserted: () => {}, removed: () => {}, synced: () => {} },
      log: { debug: () => {}, info: say, warn: say, error: say },
      timings: { nudgeMs: 500, idleMs: 1000 },
    })
    onTestFinished(() => reflector.stop())
    reflector.start()
    await until('it is synced', async () => reflector.synced)
    const first = reflector.lastContact
    await until('it has heard of it again and again', async () => reflector.lastContact > first + 3000)
    expect(said).toEqual([])
    expect(reflector.restarts).toBe(0)
  })
})
