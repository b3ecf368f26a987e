import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeReview, encodeReview, type AdmissionResponse } from '../../src/webhook/admission-review.ts'
import { readJson } from '../../src/webhook/body-json.ts'
import { budgetMs, timeoutMs } from '../../src/webhook/deadline.ts'
import { printableWarnings } from '../../src/webhook/warnings.ts'
import { admissionReview, allowed } from './serving.ts'

const uid = admissionReview().request['uid']

const codePoints = (text: string): number => Array.from(text).length

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

const without = (key: string): object => {
  const { [key]: _gone, ...request } = admissionReview().request
  return { ...admissionReview(), request }
}

describe('decoding', () => {
  test('an AdmissionReview becomes the request it holds', () => {
    const { object, options } = admissionReview().request
    expect(decodeReview(admissionReview({ dryRun: true, subResource: 'status' }))).toEqual({
      kind: 'request',
      request: {
        uid,
        operation: 'CREATE',
        dryRun: true,
        namespace: 'default',
        name: 'chat',
        group: 'kleym.sonda.red',
        version: 'v1alpha1',
        resource: 'inferenceidentitybindings',
        subresource: 'status',
        kind: { group: 'kleym.sonda.red', version: 'v1alpha1', kind: 'InferenceIdentityBinding' },
        user: { username: 'alice', groups: ['system:authenticated'] },
        object,
        oldObject: null,
        options,
      },
    })
  })

  test.each(['name', 'subResource', 'dryRun', 'options', 'oldObject'])('%s may be absent or null', (key) => {
    expect(decodeReview(without(key))).toMatchObject({ kind: 'request' })
    expect(decodeReview(admissionReview({ [key]: null }))).toMatchObject({ kind: 'request' })
  })

  test.each([
    { group: 'kleym.sonda.red', version: 'v1alpha1', resource: 'inferenceidentitybindings' },
    { group: 'inference.networking.k8s.io', version: 'v1', resource: 'inferencepools' },
    { group: 'llm-d.ai', version: 'v1alpha2', resource: 'inferenceobjectives' },
  ])('a kind that exists in namespaces alone is not judged without one: $resource', (resource) => {
    for (const namespace of [undefined, null, ''])
      expect(decodeReview(admissionReview({ resource, namespace }))).toMatchObject({
        kind: 'problem',
        uid,
        message: expect.stringMatching(
          /^request\.namespace is (?:missing|null|""), expected a non-empty string$/,
        ),
      })
  })

  test('any other kind needs no namespace', () => {
    const resource = { group: 'spire.spiffe.io', version: 'v1alpha1', resource: 'clusterspiffeids' }
    expect(decodeReview(admissionReview({ resource, namespace: null }))).toMatchObject({ kind: 'request' })
  })

  test('a request of the core group has an empty one', () => {
    const resource = { group: '', version: 'v1', resource: 'pods' }
    expect(decodeReview(admissionReview({ resource }))).toMatchObject({
      request: { group: '', resource: 'pods' },
    })
  })

  test.each([
    [{ operation: 'PATCH' }, 'request.operation is "PATCH", expected one of CREATE, UPDATE, DELETE, CONNECT'],
    [{ operation: 'CREATE', object: null }, 'request.object is null, expected an object'],
    [{ operation: 'UPDATE' }, 'request.oldObject is null, expected an object'],
    [{ object: [] }, 'request.object is a list, expected an object'],
    [{ kind: 'Binding' }, 'request.kind is "Binding", expected an object'],
    [{ resource: { version: 'v1' } }, 'request.resource.resource is missing, expected a non-empty string'],
    [{ userInfo: null }, 'request.userInfo is null, expected an object'],
    [{ userInfo: { groups: ['a', 1] } }, 'request.userInfo.groups is a list, expected a list of strings'],
    [{ dryRun: 'yes' }, 'request.dryRun is "yes", expected true or false'],
    [{ name: 7 }, 'request.name is 7, expected a string'],
  ])('%j is a problem that is named, with the uid', (request, message) => {
    const decoded = decodeReview(admissionReview(request))
    expect(decoded).toMatchObject({ kind: 'problem', uid, message: expect.stringContaining(message) })
  })

  test('every mistake is named at once', () => {
    const decoded = decodeReview(admissionReview({ name: 7, dryRun: 1, kind: {} }))
    const message = decoded.kind === 'problem' ? decoded.message : ''
    expect(message.split('; ')).toHaveLength(4)
  })

  const anonymous: readonly object[] = [
    without('uid'),
    ...['', 5, 'x'.repeat(1000)].map((other) => admissionReview({ uid: other })),
  ]
  test.each(anonymous)('without a uid there is nothing to answer to', (body) => {
    expect(decodeReview(body)).toMatchObject({
      kind: 'problem',
      uid: undefined,
      message: expect.stringContaining('request.uid'),
    })
  })

  test.each(['admission.k8s.io/v1beta1', 'v1', '', null])('apiVersion %j is not understood', (apiVersion) => {
    const decoded = decodeReview({ ...admissionReview(), apiVersion })
    expect(decoded).toMatchObject({
      kind: 'problem',
      uid,
      message: expect.stringContaining('"admission.k8s.io/v1"'),
    })
  })

  test('a problem is short, whatever the body', () => {
    const decoded = decodeReview(admissionReview({ operation: 'x'.repeat(1_000_000) }))
    expect(JSON.stringify(decoded).length).toBeLessThan(500)
  })

  test('property: any JSON is a request or a problem', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (value, request) => {
        for (const body of [value, { ...admissionReview(), request }]) {
          expect(['request', 'problem']).toContain(decodeReview(body).kind)
        }
      }),
    )
  })
})

const denied = (message: string, warnings: readonly string[] = []): AdmissionResponse => ({
  kind: 'denied',
  warnings,
  auditAnnotations: { decision: 'deny' },
  end: { decision: 'deny', reason: undefined },
  status: {
    message,
    reason: 'Invalid',
    code: 422,
    details: {
      name: 'chat',
      group: 'kleym.sonda.red',
      kind: 'InferenceIdentityBinding',
      causes: [{ reason: 'FieldValueInvalid', message, field: 'spec.mode' }],
    },
  },
})

describe('encoding', () => {
  test('an allowed request that changes nothing has neither patch nor patch type', () => {
    expect(JSON.parse(encodeReview('u', allowed)).response).toEqual({ uid: 'u', allowed: true })
  })

  test('a patch is base64 of its JSON', () => {
    const patch = [{ op: 'add', path: '/metadata/finalizers', value: ['ü'] }]
    const { response } = JSON.parse(encodeReview('u', { ...allowed, patch, auditAnnotations: { a: 'b' } }))
    expect(response).toMatchObject({ allowed: true, patchType: 'JSONPatch', auditAnnotations: { a: 'b' } })
    expect(JSON.parse(Buffer.from(response.patch, 'base64').toString())).toEqual(patch)
  })

  test('a denial carries its causes, for kubectl to print as its own', () => {
    const { response } = JSON.parse(encodeReview('u', denied('a\nb')))
    expect(response).toEqual({
      uid: 'u',
      allowed: false,
      auditAnnotations: { decision: 'deny' },
      status: {
        status: 'Failure',
        message: 'a\nb',
        reason: 'Invalid',
        code: 422,
        details: {
          name: 'chat',
          group: 'kleym.sonda.red',
          kind: 'InferenceIdentityBinding',
          causes: [{ reason: 'FieldValueInvalid', message: 'a b', field: 'spec.mode' }],
        },
      },
    })
  })

  test('a message keeps its lines, and can not steer the terminal that shows it', () => {
    const text = encodeReview('u', denied('a\u001b[2Jb\u202ec\n* d', ['w\u001b[2J\r\nv']))
    const { response } = JSON.parse(text)
    expect(response.status.message).toBe(`${String.raw`a\u001b[2Jb\u202ec`}\n* d`)
    expect(response.warnings).toEqual([String.raw`w\u001b[2J v`])
  })
})

describe('warnings', () => {
  test('a short one stays as it is, once', () => {
    expect(printableWarnings(['chat is missing', 'chat is missing', ' '])).toEqual(['chat is missing'])
  })

  test('a long one stays one line, as long as the API server lets it', () => {
    const text = Array.from({ length: 200 }, (_, index) => `word${index}`).join(' ')
    expect(printableWarnings([text])).toEqual([text])
    const [huge] = printableWarnings(['x'.repeat(1_000_000)])
    expect(huge).toBe(`${'x'.repeat(2047)}…`)
  })

  test('what does not fit is said to be missing', () => {
    const lines = printableWarnings(Array.from({ length: 300 }, (_, n) => `warning number ${n}`))
    expect(lines[0]).toBe('warning number 0')
    expect(lines.at(-1)).toBe(`… ${300 - (lines.length - 1)} more, not shown for lack of room`)
  })

  test('property: the API server neither drops nor cuts one', () => {
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 2000 }), fc.string({ maxLength: 400 }))
    fc.assert(
      fc.property(fc.array(text, { maxLength: 30 }), (warnings) => {
        const lines = printableWarnings(warnings)
        for (const line of lines) {
          expect(line).toMatch(/^[^\p{Cc}]+$/u)
          expect(line.isWellFormed()).toBe(true)
        }
        expect(codePoints(lines.join(''))).toBeLessThanOrEqual(4096)
        expect(new Set(lines).size).toBe(lines.length)
      }),
    )
  })
})

describe('the timeout of a call', () => {
  test.each([
    ['5s', 5000],
    ['500ms', 500],
    ['1.5s', 1500],
    ['.5s', 500],
    ['0.2m', 12_000],
    ['1s500ms', 1500],
    ['250000us', 250],
    ['2m', 30_000],
    ['999999999h', 30_000],
  ])('%s is %d ms', (text, ms) => {
    expect(timeoutMs(text)).toBe(ms)
  })

  test.each([
    undefined,
    '',
    'x',
    '5',
    '-5s',
    '0s',
    's',
    '5 s',
    'NaNs',
    '1e3s',
    ['5s', '6s'],
    `${'1'.repeat(99)}s`,
  ])('%j is no duration and means the default', (text) => {
    expect(timeoutMs(text)).toBe(10_000)
  })

  test('a review has all but the reserve, and half of what is shorter', () => {
    expect(budgetMs(5000, 500)).toBe(4500)
    expect(budgetMs(600, 500)).toBe(300)
  })
})

describe('reading JSON', () => {
  test('property: JSON reads as JSON.parse reads it', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const value: unknown = JSON.parse(text, (key, inner: unknown) =>
          key === '__proto__' ? undefined : inner,
        )
        expect(readJson(text)).toEqual({ kind: 'json', value })
      }),
    )
  })

  test('brackets in strings are no nesting, whatever stands before their quotes', () => {
    const value = { 'a"[': `${'['.repeat(1000)}\\`, b: `\\"${'{'.repeat(1000)}`, c: [1] }
    expect(readJson(JSON.stringify(value))).toEqual({ kind: 'json', value })
  })

  test('256 levels are read, one more is not', () => {
    expect(readJson(nested(256)).kind).toBe('json')
    expect(readJson(nested(257))).toEqual({
      kind: 'unreadable',
      message: 'the body nests deeper than 256 levels',
    })
  })

  test('many flat siblings are not deep', () => {
    expect(readJson(`[${Array.from({ length: 5000 }, () => '{"a":[]}').join(',')}]`).kind).toBe('json')
  })
})
