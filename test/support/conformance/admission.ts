import { json } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { recordOf, textOf, type Json } from '../embedded/json.ts'
import { listen, type Listening } from '../embedded/listen.ts'
import { metaOf, widget, type Subject } from './subject.ts'

const validating = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations'
const mutating = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations'

const denial = {
  code: 422,
  reason: 'Invalid',
  message: 'spec.note: Duplicate value: "deny"',
  details: {
    name: 'denied',
    kind: 'Widget',
    causes: [
      { reason: 'FieldValueDuplicate', field: 'spec.note', message: 'Duplicate value: "deny": taken' },
    ],
  },
}

const labelPatch = [{ op: 'add', path: '/metadata/labels', value: { patched: 'yes' } }]

type Review = { readonly path: string; readonly request: Json }

const noteOf = ({ request }: Review): string => textOf(recordOf(recordOf(request['object'])['spec'])['note'])

/** A webhook that does what the note of a widget says. */
const respond = (review: Review): Json => {
  const mutates = review.path.startsWith('/mutate')
  const { uid } = review.request
  switch (noteOf(review)) {
    case 'deny':
      return mutates ? { uid, allowed: true } : { uid, allowed: false, status: denial }
    case 'warn':
      return { uid, allowed: true, warnings: mutates ? [] : ['look again'] }
    case 'patch': {
      const patch = Buffer.from(JSON.stringify(labelPatch)).toString('base64')
      return mutates ? { uid, allowed: true, patchType: 'JSONPatch', patch } : { uid, allowed: true }
    }
    default:
      return { uid, allowed: true }
  }
}

const registration = (kind: string, { group }: Subject, hook: Json): Json => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: `${kind}WebhookConfiguration`,
  metadata: { name: group },
  webhooks: [
    {
      name: 'hook.example.com',
      admissionReviewVersions: ['v1'],
      sideEffects: 'None',
      timeoutSeconds: 5,
      rules: [
        { apiGroups: [group], apiVersions: ['v1'], resources: ['widgets'], operations: ['CREATE', 'UPDATE'] },
      ],
      matchConditions: [
        { name: 'spec', expression: "request.operation != 'UPDATE' || object.?spec != oldObject.?spec" },
      ],
      ...hook,
    },
  ],
})

/** Admission webhooks: when they are called, and what becomes of their answers. */
export const admissionSuite = (subject: () => Subject): void => {
  const reviews: Review[] = []
  let hook: Listening
  const note = (name: string, text: string): Json => widget(subject(), name, { size: 1, note: text })
  const create = (name: string, text: string) => subject().client.post(subject().widgets, note(name, text))

  beforeAll(async () => {
    hook = await listen((request, response) => {
      const answer = async (): Promise<void> => {
        const review = {
          path: request.url ?? '',
          request: recordOf(recordOf(await json(request))['request']),
        }
        reviews.push(review)
        response.setHeader('content-type', 'application/json')
        const body = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: respond(review) }
        response.end(JSON.stringify(body))
      }
      answer().catch(() => response.destroy())
    })
    const { client, widgets } = subject()
    const caBundle = Buffer.from(hook.caPem).toString('base64')
    const clientConfig = (path: string): Json => ({
      clientConfig: { caBundle, url: `${hook.server}${path}` },
    })
    await client.post(mutating, registration('Mutating', subject(), clientConfig('/mutate')))
    await client.post(validating, registration('Validating', subject(), clientConfig('/validate')))
    // The real server notices a registration a moment later.
    const dryRun = `${widgets}?dryRun=All`
    await vi.waitUntil(async () => (await client.post(dryRun, note('probe', 'deny'))).code === 422, {
      timeout: 20_000,
    })
    const patchesToo = async (): Promise<boolean> =>
      JSON.stringify(await client.post(dryRun, note('probe', 'patch'))).includes('patched')
    await vi.waitUntil(patchesToo, { timeout: 20_000 })
  })

  afterAll(async () => {
    await subject().client.delete(`${mutating}/${subject().group}`)
    await subject().client.delete(`${validating}/${subject().group}`)
    await hook.down()
  })

  test('a denial arrives with the code, details and causes of the webhook', async () => {
    const { code, body } = await create('denied', 'deny')
    expect(code).toBe(422)
    expect(body).toMatchObject({
      kind: 'Status',
      reason: 'Invalid',
      message: `admission webhook "hook.example.com" denied the request: ${denial.message}`,
      details: denial.details,
    })
    expect(await subject().client.get(`${subject().widgets}/denied`)).toMatchObject({ code: 404 })
  })

  test('warnings reach the client', async () => {
    expect(await create('warned', 'warn')).toMatchObject({ code: 201, warnings: ['look again'] })
  })

  test('a patch is applied before the object is checked and stored', async () => {
    reviews.length = 0
    const { body } = await create('patched', 'patch')
    expect(metaOf(body)['labels']).toEqual({ patched: 'yes' })
    const [before, after] = reviews.map(({ request }) => metaOf(recordOf(request['object'])))
    expect(before).not.toHaveProperty('uid')
    expect(after).toMatchObject({ uid: metaOf(body)['uid'], labels: { patched: 'yes' } })
  })

  test('a review says what is asked, of whom and for how long', async () => {
    reviews.length = 0
    const { client, widgets, namespace, group } = subject()
    const { body } = await create('asked', 'plain')
    await client.put(`${widgets}/asked`, { ...body, spec: { size: 2, note: 'plain' } })
    const [create1, , update1] = reviews
    expect(create1).toMatchObject({
      path: '/mutate?timeout=5s',
      request: {
        operation: 'CREATE',
        name: 'asked',
        namespace,
        kind: { group, version: 'v1', kind: 'Widget' },
        resource: { group, version: 'v1', resource: 'widgets' },
        userInfo: { username: 'admin' },
        object: { spec: { size: 1, color: 'red' } },
        oldObject: null,
        dryRun: false,
      },
    })
    expect(update1).toMatchObject({
      request: { operation: 'UPDATE', object: { spec: { size: 2 } }, oldObject: { spec: { size: 1 } } },
    })
  })

  test('metadata, status and deletion pass without a call', async () => {
    const { client, widgets } = subject()
    await create('quiet', 'plain')
    reviews.length = 0
    await client.patch(`${widgets}/quiet`, { metadata: { labels: { a: 'b' } } })
    await client.patch(`${widgets}/quiet/status`, { status: { phase: 'x' } })
    await client.delete(`${widgets}/quiet`)
    expect(reviews).toEqual([])
  })

  test('the schema speaks before the validating webhook is asked', async () => {
    const { client, widgets } = subject()
    const wrong = widget(subject(), 'wrong', { size: 99, note: 'deny' })
    reviews.length = 0
    expect(await client.post(widgets, wrong)).toMatchObject({
      code: 422,
      body: { details: { causes: [{ field: 'spec.size' }] } },
    })
    expect(reviews.map(({ path }) => path)).toEqual(['/mutate?timeout=5s'])
  })

  test('a webhook that is down closes or opens the door, as its policy says', async () => {
    const { client, widgets, group } = subject()
    await hook.down()
    const { code, body } = await create('shut', 'plain')
    expect({ code, reason: body['reason'] }).toEqual({ code: 500, reason: 'InternalError' })
    expect(body['message']).toMatch(
      /^Internal error occurred: failed calling webhook "hook.example.com": failed to call webhook: Post "https:\/\/127.0.0.1:\d+\/mutate\?timeout=5s": dial tcp 127.0.0.1:\d+: connect: connection refused$/,
    )
    const ignore = [{ op: 'add', path: '/webhooks/0/failurePolicy', value: 'Ignore' }]
    await client.patch(`${mutating}/${group}`, ignore)
    await client.patch(`${validating}/${group}`, ignore)
    const opens = async (): Promise<boolean> =>
      (await client.post(`${widgets}?dryRun=All`, note('open', 'plain'))).code === 201
    await vi.waitUntil(opens, { timeout: 20_000 })
    expect(await create('open', 'deny')).toMatchObject({ code: 201 })
    await hook.up()
  })
}
