import { onTestFinished, expect, test } from 'vitest'
import {
  allResources,
  crdName,
  definitionResource,
  objectiveResources,
  optionalResources,
  type Resource,
} from '../../src/core/resources.ts'
import { resourcePath } from '../../src/kube/client.ts'
import { openReads, type OpenReads } from '../../src/reads/reads.ts'
import { startScripted, status, type Scripted } from '../kube/scripted.ts'

/** The reads of commands, from a server that answers each path with what is given here, and any other path with a 403. */
async function reading(
  answers: Readonly<Record<string, unknown>>,
  timeoutMs = 10_000,
): Promise<{ readonly reads: OpenReads; readonly asked: readonly string[]; readonly server: Scripted }> {
  const server = await startScripted()
  const reads = openReads({ kubeconfig: server.kubeconfig(), context: undefined, timeoutMs })
  const asked: string[] = []
  onTestFinished(async () => {
    await reads.close()
    await server[Symbol.asyncDispose]()
  })
  const serve = async (): Promise<void> => {
    for (;;) {
      const request = await server.next()
      asked.push(request.path)
      const answer = answers[request.path]
      if (answer === undefined) request.answer(403, status(403, 'Forbidden'))
      else if (answer === absent) request.answer(404, status(404, 'NotFound'))
      else if (answer !== silence) request.answer(200, answer)
    }
  }
  void serve()
  return { reads, asked, server }
}

const silence = Symbol('no answer')
const absent = Symbol('nothing is there')

test('the namespace that is meant is that of the context', async () => {
  const { reads, asked } = await reading({})
  expect([await reads.defaultNamespace(), asked]).toEqual(['home', []])
})

test('everything together has the time that is given, and that again once it is renewed', async () => {
  const path = '/api/v1/namespaces/home/pods'
  const { reads } = await reading({ [path]: silence }, 100)
  const pods = { namespace: 'home', pairs: ['a=b'] }
  const late = {
    kind: 'unseen',
    why: expect.stringContaining('no answer within 0.1 s; allow more by --timeout'),
  }
  expect(await reads.readPods(pods)).toEqual(late)
  const started = performance.now()
  expect(await reads.readPods(pods)).toEqual(late)
  expect(performance.now() - started).toBeLessThan(90)
  await reads.renew()
  const again = performance.now()
  expect(await reads.readPods(pods)).toEqual(late)
  expect(performance.now() - again).toBeGreaterThan(90)
})

test('all reads share a connection', async () => {
  const { reads, server } = await reading({})
  for (let count = 0; count < 5; count += 1) {
    await reads.readPods({ namespace: 'home', pairs: ['a=b'] })
    await reads.readNamespace('home')
  }
  // A second connection is made if a request comes before the first connection is known to be idle.
  expect(server.connections()).toBeLessThanOrEqual(2)
})

const deploymentOf = (image: string, { namespace = 'elsewhere', ready = 2 } = {}) => ({
  metadata: { name: 'ours', namespace },
  spec: { replicas: 3, template: { spec: { containers: [{ name: 'operator', image }] } } },
  status: { readyReplicas: ready },
})
const deployments = '/apis/apps/v1/deployments'
const usual = '/apis/apps/v1/namespaces/kleym-system/deployments/kleym-operator'
const saidIn = (namespace: string) => `/api/v1/namespaces/${namespace}/configmaps/kleym-operator-status`
const said = { data: { configuration: '{"trustDomain":"example.org"}', health: '{}' } }

test.each([
  ['registry.example.com:5000/kleym-operator:0.1.0', '0.1.0'],
  ['kleym-operator:0.1.0@sha256:abcd', '0.1.0'],
  ['registry.example.com:5000/kleym-operator@sha256:abcd', ''],
  ['registry.example.com:5000/kleym-operator', ''],
])(
  'the operator is found in whatever namespace by its labels, and %s is version %j',
  async (image, version) => {
    const { reads } = await reading({
      [deployments]: { items: [deploymentOf(image)] },
      [saidIn('elsewhere')]: said,
    })
    expect(await reads.readOperator(undefined)).toEqual({
      kind: 'seen',
      namespace: 'elsewhere',
      status: expect.objectContaining({
        configuration: expect.objectContaining({ trustDomain: 'example.org' }),
      }),
      deployment: { namespace: 'elsewhere', name: 'ours', ready: 2, wanted: 3, version },
      unseen: {},
    })
  },
)

const idle = (namespace: string) => deploymentOf('a:1', { namespace, ready: 0 })
const ready = (namespace: string) => deploymentOf('a:1', { namespace })

test.each<readonly [string, Record<string, unknown>, object]>([
  [
    'of two the one that has said something, though another one is ready',
    {
      [deployments]: { items: [ready('former'), idle('ours')] },
      [saidIn('former')]: absent,
      [saidIn('ours')]: said,
    },
    { namespace: 'ours', deployment: { ready: 0 }, status: {} },
  ],
  [
    'else the one that is ready',
    {
      [deployments]: { items: [idle('former'), ready('ours')] },
      [saidIn('former')]: absent,
      [saidIn('ours')]: absent,
      [saidIn('kleym-system')]: absent,
    },
    { namespace: 'ours', deployment: { ready: 2 }, status: undefined, unseen: {} },
  ],
  [
    'the ready one of two that have said something',
    {
      [deployments]: { items: [idle('first'), ready('second')] },
      [saidIn('first')]: said,
      [saidIn('second')]: said,
    },
    { namespace: 'second', deployment: { ready: 2 }, status: {} },
  ],
  [
    'one outside the cluster, beside a former one that is scaled to nothing',
    {
      [deployments]: { items: [idle('former')] },
      [saidIn('former')]: absent,
      [saidIn('kleym-system')]: said,
    },
    { namespace: 'kleym-system', deployment: undefined, status: {} },
  ],
  [
    'one whose status may not be read, with its Deployment',
    { [deployments]: { items: [idle('ours')] } },
    {
      namespace: 'ours',
      deployment: { ready: 0 },
      status: undefined,
      unseen: { status: expect.stringContaining('reading ConfigMap ours/kleym-operator-status: 403') },
    },
  ],
  [
    'one whose Deployment may not be read, by what it has said',
    { [saidIn('kleym-system')]: said },
    {
      namespace: 'kleym-system',
      deployment: undefined,
      status: {},
      unseen: { deployment: expect.stringContaining('listing Deployments: 403') },
    },
  ],
  [
    'none, without permission to list Deployments',
    { [usual]: absent, [saidIn('kleym-system')]: absent },
    {
      deployment: undefined,
      status: undefined,
      unseen: { deployment: expect.stringContaining('listing Deployments: 403') },
    },
  ],
])('the operator is read: %s', async (_title, answers, wanted) => {
  const { reads } = await reading(answers)
  expect(await reads.readOperator(undefined)).toMatchObject({ kind: 'seen', ...wanted })
})

test('in the namespace that is named nothing else is asked', async () => {
  const { reads, asked } = await reading({
    '/apis/apps/v1/namespaces/mine/deployments': { items: [] },
    [saidIn('mine')]: absent,
  })
  expect(await reads.readOperator('mine')).toMatchObject({ kind: 'seen', namespace: 'mine', unseen: {} })
  expect(asked).toHaveLength(2)
})

test('without permission to list Deployments the operator is looked for under its usual name', async () => {
  const { reads, asked } = await reading({
    [usual]: deploymentOf('a:1'),
    [saidIn('elsewhere')]: said,
  })
  expect(await reads.readOperator(undefined)).toMatchObject({ kind: 'seen', deployment: { version: '1' } })
  expect(asked).toHaveLength(3)
})

const event = (reason: string, more: object) => ({ type: 'Warning', reason, note: 'x', ...more })
const at = (minute: number) => `2026-06-01T12:0${minute}:00.000000Z`

test('events come in the order in which they happened, however they were written', async () => {
  const { reads } = await reading({
    '/apis/events.k8s.io/v1/namespaces/home/events': {
      items: [
        event('Third', { eventTime: at(1), series: { count: 4, lastObservedTime: at(3) } }),
        event('First', { eventTime: at(0) }),
        event('Second', { deprecatedLastTimestamp: at(2), deprecatedCount: 2, eventTime: null }),
      ],
    },
  })
  const seen = await reads.readEvents({ namespace: 'home', name: 'chat' })
  expect(seen).toMatchObject({
    events: [
      { reason: 'First', count: 1, at: at(0) },
      { reason: 'Second', count: 2, at: at(2) },
      { reason: 'Third', count: 4, at: at(3) },
    ],
  })
})

const lease = (name: string) => ({ metadata: { name, namespace: 'n' }, spec: { renewTime: 'then' } })

test('of all Leases those of SPIRE Controller Managers are taken', async () => {
  const { reads } = await reading({
    '/apis/coordination.k8s.io/v1/leases': {
      metadata: { resourceVersion: '1' },
      items: [lease('node-a'), lease('98c9c988.spiffe.io')],
    },
  })
  expect(await reads.readSpire()).toEqual({
    kind: 'seen',
    leases: [{ place: 'n/98c9c988.spiffe.io', renewedAt: 'then' }],
  })
})

test('what is forbidden could not be seen, and a list of bindings in all namespaces says that it is forbidden', async () => {
  const { reads } = await reading({
    ...Object.fromEntries(
      optionalResources.flatMap(({ group, version }) => [
        [`/apis/${group}/${version}`, {}],
        [`/apis/${group}`, {}],
      ]),
    ),
    '/apis/kleym.sonda.red/v1alpha1': { resources: [{ name: 'inferenceidentitybindings' }] },
  })
  expect(await reads.readSpire()).toMatchObject({ kind: 'unseen' })
  expect(await reads.readEvents({ namespace: 'home', name: 'a' })).toMatchObject({ kind: 'unseen' })
  expect(await reads.readOperator('mine')).toMatchObject({ kind: 'unseen' })
  expect(await reads.readNamespace('home')).toBeUndefined()
  expect(await reads.readCluster()).toMatchObject({ kind: 'problem', forbidden: true })
})

const [moved] = objectiveResources
if (!moved) throw new Error('there are groups of objectives')

const pathOf = (resource: Resource): string => resourcePath(definitionResource, { name: crdName(resource) })

const definitionOf = (resource: Resource, served: readonly string[]) => ({
  metadata: { name: crdName(resource), uid: 'a', resourceVersion: '1' },
  spec: {
    versions: [resource.version, 'v1alpha3'].map((name) => ({ name, served: served.includes(name) })),
  },
  status: { conditions: [{ type: 'Established', status: 'True' }] },
})

test.each([
  ['by its CustomResourceDefinition', { [pathOf(moved)]: definitionOf(moved, ['v1alpha3']) }],
  [
    'by discovery, for who may not read that',
    {
      [`/apis/${moved.group}/${moved.version}`]: absent,
      [`/apis/${moved.group}`]: {
        versions: [{ version: moved.version }, { version: 'v1alpha3' }, { version: 'v2' }],
      },
      [`/apis/${moved.group}/v1alpha3`]: { resources: [{ name: 'inferenceobjectives' }] },
      [`/apis/${moved.group}/v2`]: { resources: [{ name: 'others' }] },
    },
  ],
])('a kind that is served in another version alone is unread, %s', async (_title, answers) => {
  const others = allResources.filter((one) => one !== moved)
  const { reads } = await reading({
    ...Object.fromEntries(others.map((one) => [pathOf(one), definitionOf(one, [one.version])])),
    ...answers,
  })
  expect(await reads.readCluster({ kinds: [] })).toMatchObject({
    kind: 'snapshot',
    served: others,
    unread: [{ resource: moved, versions: ['v1alpha3'] }],
  })
})
