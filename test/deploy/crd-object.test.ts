import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { parse } from 'yaml'
import { statusOf, type Outcome } from '../../src/core/conditions.ts'
import { isObject } from '../../src/core/json.ts'
import { bindingResource } from '../../src/core/resources.ts'
import { podLabels } from '../../src/core/selectors.ts'
import { failureWords, resourcePath, type Client, type Query } from '../../src/kube/client.ts'
import { kubectl } from '../support/kubectl.ts'
import { describeReal, freshNamespace } from '../support/real.ts'
import { perObjective, poolOnly } from './crd-cases.ts'
import { connect, manifest } from './crd-doors.ts'

const crdFile = new URL('../../deploy/crd/inferenceidentitybindings.yaml', import.meta.url)

const spiffeId = 'spiffe://example.org/ns/default/objective/chat'
const ready: Outcome = {
  kind: 'ready',
  identity: {
    mode: 'PerObjective',
    spiffeId,
    poolGroup: 'inference.networking.k8s.io',
    pods: podLabels({}),
    selectors: ['k8s:ns:default', 'k8s:sa:vllm'],
    collisionKey: '',
  },
  output: { name: 'kleym-default-chat', uid: 'a-uid', generation: 7 },
}
const failed: Outcome = { kind: 'failed', rule: 'identityCollision', message: 'x'.repeat(30_000) }
const stalled: Outcome = { kind: 'failed', rule: 'unsupportedMode', message: 'no' }

const settings = { trustDomain: 'example.org', className: 'kleym' }
const status = (outcome: Outcome) =>
  statusOf(outcome, { settings, generation: 1, previous: {}, now: new Date('2026-01-02T03:04:05Z') })

describeReal('a stored binding', () => {
  let client: Client
  let namespace: string
  beforeAll(async () => {
    client = connect()
    namespace = await freshNamespace('binding')
  })
  afterAll(() => client.close())

  const create = async (name: string, spec: object) => {
    const input = JSON.stringify(manifest(spec, name))
    await must(['create', '-n', namespace, '-f', '-'], input)
  }
  const store = async (name: string, outcome: Outcome) => {
    const place = { namespace, name, subresource: 'status' }
    const body = { status: status(outcome) }
    return client.call({ method: 'PATCH', path: resourcePath(bindingResource, place), body })
  }

  test.each([
    ['ready', ready],
    ['failed', failed],
    ['stalled', stalled],
  ] as const)('keeps every field of a %s status', async (name, outcome) => {
    await create(name, perObjective)
    const answer = await store(name, outcome)
    expect(answer).toMatchObject({ kind: 'ok', body: { status: status(outcome) } })
  })

  test('has a status from the start, of no generation, by which kstatus waits for the operator', async () => {
    await create('unseen', perObjective)
    const place = { namespace, name: 'unseen' }
    expect(await client.call({ method: 'GET', path: resourcePath(bindingResource, place) })).toMatchObject({
      body: { status: { observedGeneration: -1 } },
    })
    expect(await store('unseen', ready)).toMatchObject({ body: { status: { observedGeneration: 1 } } })
  })

  test('is printed with its mode, pool, objective, readiness, reason, SPIFFE ID and age', async () => {
    await create('printed', perObjective)
    await create('fresh', poolOnly)
    await store('printed', ready)
    const { stdout } = await kubectl(['get', 'iib', '-n', namespace, 'printed', 'fresh'])
    expect(stdout.split('\n').map((line) => line.split(/\s{2,}/v).filter((cell) => cell !== ''))).toEqual([
      ['NAME', 'MODE', 'POOL', 'OBJECTIVE', 'READY', 'REASON', 'SPIFFE ID', 'AGE'],
      ['printed', 'PerObjective', 'chat', 'chat', 'True', 'Reconciled', spiffeId, expect.any(String)],
      ['fresh', 'PoolOnly', 'chat', expect.any(String)],
      [],
    ])
  })

  test('has its mode made explicit', async () => {
    await create('default-mode', { ...perObjective, mode: undefined })
    const { stdout } = await kubectl([
      'get',
      'iib',
      '-n',
      namespace,
      'default-mode',
      '-o',
      'jsonpath={.spec.mode}',
    ])
    expect(stdout).toBe('PerObjective')
  })
})

describeReal('a binding from before the rules', () => {
  // The same CRD under another group: the one that all tests share must not be loosened.
  const group = `before-${randomBytes(4).toString('hex')}.example.org`
  const resource = { ...bindingResource, group }
  const crdName = `${bindingResource.plural}.${group}`
  let client: Client
  let namespace: string

  beforeAll(async () => {
    client = connect()
    namespace = await freshNamespace('before')
    const strict = (await readFile(crdFile, 'utf8')).replaceAll(bindingResource.group, group)
    await install(JSON.stringify(withoutRules(parse(strict))))
    await must(['wait', '--for=condition=Established', `crd/${crdName}`])
    const old = await create('old')
    if (old.kind !== 'ok') throw new Error(failureWords(old))
    await install(strict)
    // The API server takes the new schema up a moment later.
    await vi.waitUntil(async () => (await create('new', { dryRun: 'All' })).kind === 'refused', {
      timeout: 20_000,
    })
  })
  afterAll(async () => {
    await kubectl(['delete', 'crd', crdName, '--wait=false'])
    await client.close()
  })

  const bad = (name: string) => ({
    ...manifest(
      { ...perObjective, mode: 'Both', serviceAccountName: 'Vllm', poolRef: { name: ' ', group: 'x' } },
      name,
    ),
    apiVersion: `${group}/v1alpha1`,
  })
  const create = (name: string, query: Query = {}) =>
    client.call({ method: 'POST', path: resourcePath(resource, { namespace }), query, body: bad(name) })
  const edit = (body: object) =>
    client.call({ method: 'PATCH', path: resourcePath(resource, { namespace, name: 'old' }), body })

  test.each([
    ['another part of the spec', { spec: { containerName: 'other' } }],
    ['its metadata', { metadata: { labels: { team: 'a' } } }],
    ['a reference beside the bad one', { spec: { objectiveRef: { name: 'other' } } }],
  ])('can be edited in %s', async (_title, body) => {
    expect(await edit(body)).toMatchObject({ kind: 'ok' })
  })

  test.each([
    ['mode', { mode: 'Neither' }],
    ['serviceAccountName', { serviceAccountName: 'VLLM' }],
    ['poolRef.name', { poolRef: { name: '' } }],
    ['poolRef.group', { poolRef: { group: 'y' } }],
  ])('cannot get another bad %s', async (field, spec) => {
    const answer = await edit({ spec })
    expect(answer).toMatchObject({ code: 422, body: { details: { causes: [{ field: `spec.${field}` }] } } })
  })
})

async function must(args: readonly string[], input = ''): Promise<void> {
  const { code, stderr } = await kubectl(args, { input })
  if (code !== 0) throw new Error(stderr)
}

const install = (crd: string): Promise<void> => must(['apply', '--server-side', '-f', '-'], crd)

function withoutRules(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(withoutRules)
  if (!isObject(node)) return node
  return Object.fromEntries(
    Object.entries(node)
      .filter(([name]) => name !== 'x-kubernetes-validations')
      .map(([name, value]) => [name, withoutRules(value)]),
  )
}
