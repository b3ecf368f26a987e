import { readFile } from 'node:fs/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { widgetDefinition } from '../conformance/subject.ts'
import { createClient, type Client } from './client.ts'
import { listOf, recordOf, textOf, type Json } from './json.ts'
import { listen } from './listen.ts'
import { startEmbedded, type Embedded } from './server.ts'
import { humanDuration } from './table.ts'

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const secrets = '/api/v1/namespaces/default/secrets'
const secret = (name: string): Json => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name } })

const configurations = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations'
const configuration = (hook: Json): Json => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingWebhookConfiguration',
  metadata: { name: 'hook' },
  webhooks: [
    {
      name: 'hook.example.com',
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      rules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['secrets'], operations: ['*'] }],
      ...hook,
    },
  ],
})

let api: Embedded
let client: Client

beforeEach(async () => {
  api = await startEmbedded({
    services: ({ name, namespace, port }) => services.get(`${namespace}/${name}:${port}`),
  })
  client = createClient(api)
})

afterEach(async () => {
  services.clear()
  await client.close()
  await api.stop()
})

const services = new Map<string, string>()

test('a kind is served the moment its definition is there', async () => {
  await client.post(definitions, widgetDefinition('example.com'))
  expect(await client.get('/apis/example.com/v1/widgets')).toMatchObject({
    code: 200,
    body: { kind: 'WidgetList' },
  })
})

test('after history is forgotten, old versions and pages are gone', async () => {
  await client.post(secrets, secret('a'))
  await client.post(secrets, secret('b'))
  const { body } = await client.get(`${secrets}?limit=1`)
  const { resourceVersion, continue: token } = recordOf(body['metadata'])
  await client.post(secrets, secret('c'))
  const from = `${secrets}?watch=true&resourceVersion=${textOf(resourceVersion)}`
  expect(await (await client.watch(from)).next()).toMatchObject({
    type: 'ADDED',
    object: { metadata: { name: 'c' } },
  })
  api.forgetHistory()
  expect(await (await client.watch(from)).next()).toMatchObject({ type: 'ERROR', object: { code: 410 } })
  const next = await client.get(`${secrets}?limit=1&continue=${textOf(token)}`)
  expect(next).toMatchObject({ code: 410, body: { reason: 'Expired' } })
})

test('requests are counted by verb, resource and code', async () => {
  await client.post(secrets, secret('a'))
  await client.post(secrets, secret('a'))
  await client.get(`${secrets}/a`)
  await client.get(secrets)
  expect(api.requests()).toEqual([
    { verb: 'create', resource: 'secrets', code: 201, count: 1 },
    { verb: 'create', resource: 'secrets', code: 409, count: 1 },
    { verb: 'get', resource: 'secrets', code: 200, count: 1 },
    { verb: 'list', resource: 'secrets', code: 200, count: 1 },
  ])
})

test('a Service is called where the test says it listens, and an issued token has its user', async () => {
  const users: unknown[] = []
  const hook = await listen((request, response) => {
    request.setEncoding('utf8').once('data', (chunk: string) => {
      const review = recordOf(recordOf(JSON.parse(chunk))['request'])
      users.push(recordOf(review['userInfo'])['username'])
      response.end(
        JSON.stringify({ kind: 'AdmissionReview', response: { uid: review['uid'], allowed: true } }),
      )
    })
  })
  services.set('ns/hook:443', hook.server)
  const service = { namespace: 'ns', name: 'hook', path: '/validate' }
  const caBundle = Buffer.from(hook.caPem).toString('base64')
  await client.post(configurations, configuration({ clientConfig: { service, caBundle } }))
  const someone = createClient({ ...api, token: api.issueToken('someone') })
  // The leaf is for 127.0.0.1 and the call is for hook.ns.svc: the name is verified.
  expect(await someone.post(secrets, secret('refused'))).toMatchObject({ code: 500 })
  await client.patch(`${configurations}/hook`, [
    { op: 'replace', path: '/webhooks/0/clientConfig', value: { url: `${hook.server}/validate`, caBundle } },
  ])
  expect(await someone.post(secrets, secret('allowed'))).toMatchObject({ code: 201 })
  expect(users).toEqual(['someone'])
  await someone.close()
  await hook.down()
})

test('a certificate that the caBundle does not vouch for is not trusted', async () => {
  const hook = await listen((_, response) => response.end())
  await client.post(configurations, configuration({ clientConfig: { url: hook.server } }))
  const { code, body } = await client.post(secrets, secret('a'))
  expect({ code, reason: body['reason'] }).toEqual({ code: 500, reason: 'InternalError' })
  expect(body['message']).toMatch(/x509: certificate signed by unknown authority/)
  await hook.down()
})

test('a match condition that is not understood is refused when it is registered', async () => {
  const matchConditions = [{ name: 'x', expression: 'object.spec.size > 1' }]
  const { code, body } = await client.post(configurations, configuration({ matchConditions }))
  expect(code).toBe(422)
  const [cause] = listOf(recordOf(body['details'])['causes']).map(recordOf)
  expect(cause?.['field']).toBe('webhooks[0].matchConditions[0].expression')
})

test('a namespace takes its objects with it, and waits for their finalizers', async () => {
  await client.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'n' } })
  const inside = '/api/v1/namespaces/n/secrets'
  const metadata = { name: 'held', finalizers: ['example.com/a'] }
  await client.post(inside, { ...secret('held'), metadata })
  await client.post(inside, secret('free'))
  await client.delete('/api/v1/namespaces/n')
  await expect.poll(async () => (await client.get(`${inside}/free`)).code).toBe(404)
  expect(await client.post(inside, secret('late'))).toMatchObject({
    code: 403,
    body: { reason: 'Forbidden' },
  })
  await client.patch(`${inside}/held`, { metadata: { finalizers: null } })
  await expect.poll(async () => (await client.get('/api/v1/namespaces/n')).code).toBe(404)
})

test('whoever asks may do everything', async () => {
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: {} }
  const answer = await client.post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', review)
  expect(answer).toMatchObject({ code: 201, body: { status: { allowed: true } } })
})

test('the kubeconfig is gone once the server has stopped', async () => {
  const other = await startEmbedded()
  await expect(readFile(other.kubeconfig, 'utf8')).resolves.toContain(other.server)
  await other.stop()
  await expect(readFile(other.kubeconfig, 'utf8')).rejects.toThrow('ENOENT')
})

test('ages are as kubectl prints them', () => {
  const second = 1000
  const ages = [0, 119, 120, 303, 3599, 3 * 3600 + 60, 30 * 3600, 3 * 86_400 + 3600, 400 * 86_400]
  expect(ages.map((age) => humanDuration(age * second))).toEqual([
    '0s',
    '119s',
    '2m',
    '5m3s',
    '59m',
    '3h1m',
    '30h',
    '3d1h',
    '400d',
  ])
})
