import { once } from 'node:events'
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { objectOr } from '../../src/core/json.ts'
import { bindingResource } from '../../src/core/resources.ts'
import { type Answer, createClient, isTransient, resourcePath } from '../../src/kube/client.ts'
import { loadKubeConfig } from '../../src/kube/config.ts'
import { loopbackTls } from '../support/embedded/tls.ts'
import { portOf, startScripted, status } from './scripted.ts'

const path = '/api/v1/namespaces/home/configmaps'
const refusedWith = (code: number): Answer => ({
  kind: 'refused',
  code,
  reason: '',
  message: '',
  retryAfterMs: undefined,
  body: undefined,
})

test('a path names group, version, namespace, name and subresource', () => {
  expect(resourcePath(bindingResource)).toBe('/apis/kleym.sonda.red/v1alpha1/inferenceidentitybindings')
  expect(resourcePath(bindingResource, { namespace: 'a', name: 'b', subresource: 'status' })).toBe(
    '/apis/kleym.sonda.red/v1alpha1/namespaces/a/inferenceidentitybindings/b/status',
  )
  expect(resourcePath({ group: '', version: 'v1', plural: 'secrets' }, { namespace: 'a' })).toBe(
    '/api/v1/namespaces/a/secrets',
  )
})

test('no name leads out of its place in the path', async () => {
  await using server = await startScripted()
  const client = server.client()
  for (const name of ['../../nodes/x', '..', '.', 'a?b=c', 'a#b', 'a%2Fb', 'ä']) {
    const answering = client.call({
      method: 'GET',
      path: resourcePath({ group: '', version: 'v1', plural: 'secrets' }, { namespace: 'home', name }),
    })
    const request = await server.next()
    const segments = request.path.split('/')
    expect(segments.slice(0, -1).join('/')).toBe('/api/v1/namespaces/home/secrets')
    expect(decodeURIComponent(segments.at(-1) ?? '')).toBe(name)
    expect(request.query).toEqual({})
    request.answer(404, status(404, 'NotFound'))
    await answering
  }
})

test('a call that may not start any more once there is a connection is not sent', async () => {
  await using server = await startScripted()
  const client = server.client()
  let isLate = false
  const mayStart = (): boolean => !isLate
  const answering = client.call({ method: 'POST', path, body: { late: true }, mayStart })
  isLate = true
  expect(await answering).toMatchObject({
    kind: 'lost',
    error: new Error('it was too late to send the request'),
  })
  isLate = false
  const next = client.call({ method: 'POST', path, body: {}, mayStart })
  const request = await server.next()
  expect(request.body).toEqual({})
  request.answer(201, { kind: 'ConfigMap' })
  expect(await next).toMatchObject({ kind: 'ok', code: 201 })
})

test('a connection failure, a 5xx, 408, 409 and 429 are transient, everything else is not', () => {
  const transient = [408, 409, 429, 500, 502, 503, 504, 599]
  const final = [300, 400, 401, 403, 404, 405, 410, 413, 415, 422, 499]
  expect(transient.map((code) => isTransient(refusedWith(code)))).toEqual(transient.map(() => true))
  expect(final.map((code) => isTransient(refusedWith(code)))).toEqual(final.map(() => false))
  expect(isTransient({ kind: 'lost', error: new Error('gone') })).toBe(true)
  expect(isTransient({ kind: 'ok', code: 200, body: {}, warnings: [] })).toBe(false)
})

test('a request carries the query, the JSON body, the token and a user agent', async () => {
  await using server = await startScripted()
  const answering = server.client({ userAgent: 'kleym/1' }).call({
    method: 'POST',
    path,
    query: { dryRun: 'All', fieldManager: 'a b&c' },
    body: { kind: 'ConfigMap' },
  })
  const request = await server.next()
  expect(request).toMatchObject({ method: 'POST', path, body: { kind: 'ConfigMap' } })
  expect(request.query).toEqual({ dryRun: 'All', fieldManager: 'a b&c' })
  expect(request.headers).toMatchObject({
    authorization: 'Bearer secret',
    'content-type': 'application/json',
    'user-agent': 'kleym/1',
    accept: 'application/json',
  })
  request.answer(201, { metadata: { name: 'new' } })
  expect(await answering).toEqual({
    kind: 'ok',
    code: 201,
    body: { metadata: { name: 'new' } },
    warnings: [],
  })
})

test('a PATCH is a merge patch', async () => {
  await using server = await startScripted()
  const answering = server.client().call({ method: 'PATCH', path, body: { data: { a: null } } })
  const request = await server.next()
  expect(request.headers['content-type']).toBe('application/merge-patch+json')
  expect(request.body).toEqual({ data: { a: null } })
  request.answer(200, {})
  await answering
})

test('a DELETE can carry preconditions', async () => {
  await using server = await startScripted()
  const answering = server.client().call({ method: 'DELETE', path, body: { preconditions: { uid: 'x' } } })
  const request = await server.next()
  expect(request.body).toEqual({ preconditions: { uid: 'x' } })
  request.answer(200, {})
  await answering
})

test('a refusal is an answer with the reason and message of its Status', async () => {
  await using server = await startScripted()
  const answering = server.client().call({ method: 'GET', path })
  const body = status(404, 'NotFound', 'configmaps "x" not found')
  ;(await server.next()).answer(404, body)
  expect(await answering).toEqual({
    kind: 'refused',
    code: 404,
    reason: 'NotFound',
    message: 'configmaps "x" not found',
    retryAfterMs: undefined,
    body,
  })
})

test('a refusal that is no Status has no reason, and its text as the message', async () => {
  await using server = await startScripted()
  const answering = server.client().call({ method: 'GET', path })
  ;(await server.next()).answer(404, '404 page not found\n')
  expect(await answering).toMatchObject({
    kind: 'refused',
    code: 404,
    reason: '',
    message: '404 page not found\n',
  })
})

test.for([
  ['the header', { 'retry-after': '7' }, {}, 7000],
  ['the Status', {}, { details: { retryAfterSeconds: 3 } }, 3000],
  ['neither', {}, {}, undefined],
  ['a header that is no number', { 'retry-after': 'soon' }, {}, undefined],
] as const)('how long to wait is read from %s', async ([, headers, extra, retryAfterMs]) => {
  await using server = await startScripted()
  const answering = server.client().call({ method: 'GET', path })
  ;(await server.next()).answer(429, { ...status(429, 'TooManyRequests'), ...extra }, headers)
  expect(await answering).toMatchObject({ kind: 'refused', code: 429, retryAfterMs })
})

test('an answer that breaks off, or is no JSON, is lost', async () => {
  await using server = await startScripted()
  const client = server.client()
  const cut = client.call({ method: 'GET', path })
  const request = await server.next()
  request.write('{"kind":')
  request.reset()
  expect((await cut).kind).toBe('lost')
  const html = client.call({ method: 'GET', path })
  ;(await server.next()).answer(200, '<html>')
  expect((await html).kind).toBe('lost')
})

test('a request without an answer is lost after its time, and says so', async () => {
  await using server = await startScripted()
  const answer = await server.client({ timeoutMs: 50 }).call({ method: 'GET', path })
  expect(answer).toEqual({ kind: 'lost', error: new Error('no answer within 0.05 s') })
})

test('an aborted request is lost, whether it was under way or not', async () => {
  await using server = await startScripted()
  const client = server.client()
  const abort = new AbortController()
  const answering = client.call({ method: 'GET', path, signal: abort.signal })
  const request = await server.next()
  abort.abort(new Error('enough'))
  expect(await answering).toEqual({ kind: 'lost', error: new Error('enough') })
  await request.closed
  expect((await client.call({ method: 'GET', path, signal: abort.signal })).kind).toBe('lost')
  expect(server.waiting()).toBe(0)
})

test('a server that cannot be reached, and one with another CA, is lost', async () => {
  const server = await startScripted()
  const config = loadKubeConfig({ kubeconfig: server.kubeconfig() })
  const plain = loadKubeConfig({ kubeconfig: server.kubeconfig() })
  plain.credentials.clusters = plain.credentials.clusters.map(({ caData: _caData, ...cluster }) => cluster)
  const stranger = createClient(plain)
  expect((await stranger.call({ method: 'GET', path })).kind).toBe('lost')
  expect(server.waiting()).toBe(0)
  await stranger.close()
  await server[Symbol.asyncDispose]()
  const client = createClient(config)
  expect((await client.call({ method: 'GET', path })).kind).toBe('lost')
  await client.close()
})

test('without a user the CA of the cluster counts, and no credentials are sent', async () => {
  await using server = await startScripted()
  const file = server.kubeconfig()
  const written = JSON.parse(readFileSync(file, 'utf8'))
  for (const { context } of written.contexts) delete context.user
  writeFileSync(file, JSON.stringify({ ...written, users: [] }))
  const client = createClient(loadKubeConfig({ kubeconfig: file }))
  const answer = client.call({ method: 'GET', path })
  const request = await server.next()
  expect(request.headers).not.toHaveProperty('authorization')
  request.answer(200, {})
  expect(await answer).toMatchObject({ kind: 'ok' })
  await client.close()
})

test('credentials that cannot be had are a lost answer, not an exception', async () => {
  await using server = await startScripted()
  const user = {
    exec: { apiVersion: 'client.authentication.k8s.io/v1', command: join(server.folder, 'absent') },
  }
  const client = createClient(loadKubeConfig({ kubeconfig: server.kubeconfig(user) }))
  expect((await client.call({ method: 'GET', path })).kind).toBe('lost')
  expect((await client.watch(path, {}, new AbortController().signal)).kind).toBe('lost')
  await client.close()
})

test.for([
  ['text that is no JSON', 'echo hush-hush', /printed something that is no JSON/],
  ['JSON that is no credential', `echo '{"hush": "hush"}'`, /printed no ExecCredential/],
  ['an error', 'echo hush-hush >&2; exit 3', /failed; run it by hand/],
] as const)('nothing is told of what an exec plugin printed: %s', async ([, script, told]) => {
  await using server = await startScripted()
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'sh', args: ['-c', script] }
  const kubeconfig = server.kubeconfig({ exec: { ...exec, interactiveMode: 'Never' } })
  const client = createClient(loadKubeConfig({ kubeconfig }))
  const answer = await client.call({ method: 'GET', path })
  expect(answer).toMatchObject({ kind: 'lost', error: { message: expect.stringMatching(told) } })
  expect(inspect(answer, { depth: 9 })).not.toContain('hush')
  await client.close()
})

const why = (token: string): string =>
  `failed calling webhook: Post "https://svc.ns.svc:443/validate/${token}?timeout=5s": context deadline exceeded`

test('what an answer says is without the token of a webhook, and tells which that was', async () => {
  await using server = await startScripted()
  const shown: string[] = []
  const client = server.client({ onTokenShown: (token) => void shown.push(token) })
  const [one, other] = ['a1'.repeat(32), 'b2'.repeat(32)]
  const refused = client.call({ method: 'POST', path, body: {} })
  ;(await server.next()).answer(500, status(500, 'InternalError', why(one)))
  expect(await refused).toMatchObject({ message: why('x').replace('/x?', '/…?') })
  const warned = client.call({ method: 'POST', path, body: {} })
  const warning = `299 - "${why(other).replaceAll('"', String.raw`\"`)}"`
  ;(await server.next()).answer(201, {}, { warning })
  expect(await warned).toMatchObject({ kind: 'ok', warnings: [why('x').replace('/x?', '/…?')] })
  expect(shown).toEqual([one, other])
  for (const answer of [refused, warned]) expect(inspect(await answer, { depth: 9 })).not.toMatch(/a1a1|b2b2/)
})

test('credentials that do not come in time are a lost answer', async () => {
  await using server = await startScripted()
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'sleep', args: ['5'] }
  const kubeconfig = server.kubeconfig({ exec: { ...exec, interactiveMode: 'Never' } })
  const client = createClient(loadKubeConfig({ kubeconfig }), { timeoutMs: 50 })
  const answer = await client.call({ method: 'GET', path })
  expect(answer).toMatchObject({ kind: 'lost', error: { message: 'no answer within 0.05 s' } })
  const watch = await client.watch(path, {}, AbortSignal.timeout(50))
  expect(watch.kind).toBe('lost')
  await client.close()
})

test('requests of one moment share a look at the credentials, until one is not known by them', async () => {
  await using server = await startScripted()
  const runs = join(server.folder, 'runs')
  const token =
    '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"t","expirationTimestamp":"2000-01-01T00:00:00Z"}}'
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: 'sh',
    args: ['-c', `echo run >>"$0"; echo '${token}'`, runs],
    interactiveMode: 'Never',
  }
  let now = 0
  const client = createClient(loadKubeConfig({ kubeconfig: server.kubeconfig({ exec }) }), { now: () => now })
  const looks = (): number => readFileSync(runs, 'utf8').split('\n').length - 1
  const calls = [1, 2, 3].map(() => client.call({ method: 'GET', path }))
  for (const _ of calls) {
    const request = await server.next()
    expect(looks()).toBe(1)
    request.answer(200, {})
  }
  await Promise.all(calls)
  const refused = [1, 2, 3].map(() => client.call({ method: 'GET', path }))
  for (const _ of refused) (await server.next()).answer(401, status(401, 'Unauthorized'))
  await Promise.all(refused)
  expect(looks()).toBe(2)
  for (const [at, expected] of [
    [0, 2],
    [100, 2],
    [101, 3],
  ] as const) {
    now = at
    const again = client.call({ method: 'GET', path })
    ;(await server.next()).answer(200, {})
    await again
    expect(looks()).toBe(expected)
  }
  await client.close()
})

/** The user of a kubeconfig whose exec plugin gives the token 1 when it is run first, then 2, and so on. */
const countingPlugin = (runs: string) => ({
  exec: {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: 'sh',
    args: ['-c', `echo run >>"$0"; echo '{"status":{"token":"'$(wc -l <"$0" | tr -d ' ')'"}}'`, runs],
    interactiveMode: 'Never',
  },
})

const unauthorized = status(401, 'Unauthorized')

describe('credentials that are accepted no longer', () => {
  test('are asked for anew by a call that is repeated with others, at most every ten seconds', async () => {
    await using server = await startScripted()
    let now = 0
    const kubeconfig = server.kubeconfig(countingPlugin(join(server.folder, 'runs')))
    const client = createClient(loadKubeConfig({ kubeconfig }), { now: () => now })
    for (const [at, ...expected] of [
      [0, [200, '1']],
      [1000, [401, '1'], [200, '2']],
      [2000, [401, '2']],
      [10_999, [401, '2']],
      [11_000, [401, '2'], [401, '3']],
      [12_000, [200, '3']],
    ] as const) {
      now = at
      const answer = client.call({ method: 'GET', path })
      for (const [code, token] of expected) {
        const request = await server.next()
        expect(request.headers['authorization'], `at ${at} ms`).toBe(`Bearer ${token}`)
        request.answer(code, code === 200 ? {} : unauthorized)
      }
      expect(await answer).toMatchObject({ code: expected.at(-1)?.[0] })
    }
    await client.close()
  })

  test('fail no write, however many are under way, and no watch', async () => {
    await using server = await startScripted()
    const runs = join(server.folder, 'runs')
    const seen: (readonly [string, number | string])[] = []
    const onAnswer = (method: string, code: number | string): void => void seen.push([method, code])
    const kubeconfig = server.kubeconfig(countingPlugin(runs))
    const client = createClient(loadKubeConfig({ kubeconfig }), { onAnswer })
    const stop = new AbortController()
    const writes = [1, 2, 3].map((number) => client.call({ method: 'PUT', path, body: { number } }))
    const watch = client.watch(path, {}, stop.signal)
    const stale = [await server.next(), await server.next(), await server.next(), await server.next()]
    for (const request of stale) request.answer(401, unauthorized)
    const bodies: unknown[] = []
    for (const _ of stale) {
      const request = await server.next()
      expect(request.headers['authorization']).toBe('Bearer 2')
      bodies.push(request.body)
      if (request.method === 'PUT') request.answer(200, {})
      else request.write('{}\n')
    }
    expect((await Promise.all(writes)).map(({ kind }) => kind)).toEqual(['ok', 'ok', 'ok'])
    expect((await watch).kind).toBe('open')
    expect(bodies).toEqual(expect.arrayContaining([{ number: 1 }, { number: 2 }, { number: 3 }, undefined]))
    expect(seen.filter(([, code]) => code === 401)).toHaveLength(4)
    expect(seen.filter(([, code]) => code === 200)).toHaveLength(4)
    stop.abort()
    await client.close()
  })

  test.for([
    [
      "a pod, in its ServiceAccount's file",
      (tokenFile: string) => ({ 'auth-provider': { name: 'tokenFile', config: { tokenFile } } }),
    ],
    ['a kubeconfig, in a file beside it', () => ({ tokenFile: 'token', token: 'of no effect' })],
  ] as const)('are replaced by what is there by then: those of %s', async ([, userOf]) => {
    await using server = await startScripted()
    const tokenFile = join(server.folder, 'token')
    const user = userOf(tokenFile)
    writeFileSync(tokenFile, 'former\n')
    const client = createClient(loadKubeConfig({ kubeconfig: server.kubeconfig(user) }))
    const answer = client.call({ method: 'POST', path, body: {} })
    const request = await server.next()
    expect(request.headers['authorization']).toBe('Bearer former')
    writeFileSync(tokenFile, 'current\n')
    request.answer(401, unauthorized)
    const repeated = await server.next()
    expect(repeated.headers['authorization']).toBe('Bearer current')
    repeated.answer(201, {})
    expect(await answer).toMatchObject({ kind: 'ok', code: 201 })
    await client.close()
  })

  test('are not tried again where there are no others', async () => {
    await using server = await startScripted()
    const answer = server.client().call({ method: 'POST', path, body: {} })
    ;(await server.next()).answer(401, unauthorized)
    expect(await answer).toMatchObject({ kind: 'refused', code: 401 })
    expect(server.waiting()).toBe(0)
  })

  test('leave a call lost where the others can not be had', async () => {
    await using server = await startScripted()
    const marker = join(server.folder, 'ran')
    const script = `[ -e "$0" ] && exit 3; touch "$0"; echo '{"status":{"token":"t"}}'`
    const { exec } = countingPlugin(marker)
    const kubeconfig = server.kubeconfig({ exec: { ...exec, args: ['-c', script, marker] } })
    const client = createClient(loadKubeConfig({ kubeconfig }))
    const answer = client.call({ method: 'POST', path, body: {} })
    ;(await server.next()).answer(401, unauthorized)
    expect(await answer).toMatchObject({
      kind: 'lost',
      error: { message: expect.stringMatching(/run it by hand/) },
    })
    await client.close()
  })

  test('are replaced in no write that may not start any more', async () => {
    await using server = await startScripted()
    const kubeconfig = server.kubeconfig(countingPlugin(join(server.folder, 'runs')))
    const client = createClient(loadKubeConfig({ kubeconfig }))
    let isLate = false
    const answer = client.call({ method: 'POST', path, body: {}, mayStart: () => !isLate })
    const request = await server.next()
    isLate = true
    request.answer(401, unauthorized)
    expect(await answer).toMatchObject({
      kind: 'lost',
      error: new Error('it was too late to send the request'),
    })
    expect(server.waiting()).toBe(0)
    await client.close()
  })
})

test('requests one after another share a connection', async () => {
  await using server = await startScripted()
  const client = server.client()
  for (let count = 0; count < 20; count += 1) {
    const answering = client.call({ method: 'GET', path })
    ;(await server.next()).answer(200, {})
    await answering
  }
  // A second connection is made if a request comes before the first connection is known to be idle.
  expect(server.connections()).toBeLessThanOrEqual(2)
})

test('no more than 64 requests are in flight, and watches do not count', async () => {
  await using server = await startScripted()
  const client = server.client()
  const stop = new AbortController()
  const watches = Array.from({ length: 4 }, () => client.watch(path, {}, stop.signal))
  for (const _ of watches) (await server.next()).write('{}\n')
  await Promise.all(watches)
  const calls = Array.from({ length: 70 }, () => client.call({ method: 'GET', path }))
  const first = []
  for (let count = 0; count < 64; count += 1) first.push(await server.next())
  expect(server.connections()).toBe(68)
  for (const request of first) request.answer(200, {})
  for (let count = 0; count < 6; count += 1) (await server.next()).answer(200, {})
  expect((await Promise.all(calls)).every(({ kind }) => kind === 'ok')).toBe(true)
  expect(server.connections()).toBe(68)
  stop.abort()
})

test('a CA file that is replaced is used for the next request', async () => {
  await using server = await startScripted()
  const caFile = join(server.folder, 'ca.crt')
  const config = loadKubeConfig({ kubeconfig: server.kubeconfig() })
  config.credentials.clusters = config.credentials.clusters.map(({ caData: _caData, ...cluster }) => ({
    ...cluster,
    caFile,
  }))
  copyFileSync('/dev/null', caFile)
  const client = createClient(config)
  expect((await client.call({ method: 'GET', path })).kind).toBe('lost')
  writeFileSync(caFile, loopbackTls().caPem)
  const answering = client.call({ method: 'GET', path })
  ;(await server.next()).answer(200, {})
  expect((await answering).kind).toBe('ok')
  await client.close()
})

test('every answer is counted by method and code', async () => {
  await using server = await startScripted()
  const seen: (readonly [string, number | string])[] = []
  const client = server.client({ timeoutMs: 1000, onAnswer: (method, code) => seen.push([method, code]) })
  const codes = [200, 404]
  for (const code of codes) {
    const answering = client.call({ method: 'DELETE', path })
    ;(await server.next()).answer(code, {})
    await answering
  }
  const watching = client.watch(path, {}, new AbortController().signal)
  ;(await server.next()).answer(410, status(410, 'Expired'))
  await watching
  await client.call({ method: 'GET', path })
  expect(seen).toEqual([
    ['DELETE', 200],
    ['DELETE', 404],
    ['WATCH', 410],
    ['GET', 'lost'],
  ])
})

async function watched(chunks: readonly string[], finish: 'end' | 'reset') {
  await using server = await startScripted()
  const opening = server.client().watch(path, { resourceVersion: '5' }, new AbortController().signal)
  const request = await server.next()
  request.write(chunks[0] ?? '')
  const watching = await opening
  for (const chunk of chunks.slice(1)) request.write(chunk)
  const seen: unknown[] = []
  if (watching.kind !== 'open') return { seen, ended: watching.kind, query: request.query }
  const reading = (async () => {
    for await (const event of watching.events) {
      seen.push(event)
      if (finish === 'reset') request.reset()
    }
    return 'clean'
  })().catch((error: unknown) => (error instanceof Error ? 'broken' : 'odd'))
  if (finish === 'end') request.end()
  return { seen, ended: await reading, query: request.query }
}

test('a watch yields each line, however it was cut into pieces, and ends when the server ends it', async () => {
  const { seen, ended, query } = await watched(['{"a":', '1}\n{"b":"', 'ü\\n"}\n\n', '{"c":3}\n'], 'end')
  expect(query).toEqual({ resourceVersion: '5', watch: 'true' })
  expect(seen).toEqual([{ a: 1 }, { b: 'ü\n' }, { c: 3 }])
  expect(ended).toBe('clean')
})

test('a watch that is reset, that ends in mid-line, or that is no JSON breaks', async () => {
  expect(await watched(['{"a":1}\n'], 'reset')).toMatchObject({ seen: [{ a: 1 }], ended: 'broken' })
  expect(await watched(['{"a":1}\n{"b"'], 'end')).toMatchObject({ seen: [{ a: 1 }], ended: 'broken' })
  expect(await watched(['{"a":1}\n<html>\n'], 'end')).toMatchObject({ seen: [{ a: 1 }], ended: 'broken' })
})

test('an open watch that nobody reads can be aborted', async () => {
  await using server = await startScripted()
  const stop = new AbortController()
  const opening = server.client().watch(path, {}, stop.signal)
  const request = await server.next()
  request.write('{}\n')
  expect((await opening).kind).toBe('open')
  stop.abort()
  await request.closed
})

test('calls and watches are made as whom the kubeconfig says, with every group', async () => {
  await using server = await startScripted()
  const kubeconfig = server.kubeconfig({ token: 'secret', as: 'jane', 'as-groups': ['a', 'b'] })
  await using own = new AsyncDisposableStack()
  const client = createClient(loadKubeConfig({ kubeconfig }))
  own.defer(() => client.close())
  const as = { 'impersonate-user': 'jane', 'impersonate-group': 'a, b', authorization: 'Bearer secret' }
  const answering = client.call({ method: 'GET', path })
  const call = await server.next()
  expect(call.headers).toMatchObject(as)
  call.answer(200, {})
  await answering
  const watching = client.watch(path, {}, AbortSignal.timeout(5000))
  const watch = await server.next()
  expect(watch.headers).toMatchObject(as)
  watch.answer(200, {})
  await watching
})

/** A server without TLS, as `kubectl proxy` is one, that notes what it is asked with. */
async function startPlain(own: AsyncDisposableStack) {
  const asked: { readonly url: string | undefined; readonly headers: IncomingHttpHeaders }[] = []
  const server = createServer(({ url, headers }, response) => {
    asked.push({ url, headers })
    response.end('{}\n')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  own.defer(() => void server.close())
  return { asked, port: portOf(server.address()) }
}

/** The kubeconfig of a scripted server, with another server and perhaps a proxy. */
function redirected(file: string, server: string, cluster: object = {}): string {
  const config = objectOr(JSON.parse(readFileSync(file, 'utf8')))
  writeFileSync(
    file,
    JSON.stringify({ ...config, clusters: [{ name: 'scripted', cluster: { server, ...cluster } }] }),
  )
  return file
}

describe('over http, as through kubectl proxy', () => {
  test.each([
    ['nothing', {}],
    ['a token', { token: 'secret' }],
    ['a password', { username: 'me', password: 'secret' }],
    ['an absent token file', { tokenFile: '/absent/token' }],
    ['an absent client certificate', { 'client-certificate': '/absent/c', 'client-key': '/absent/k' }],
  ])('a user with %s is served, and no credentials are sent', async (_what, user) => {
    await using scripted = await startScripted()
    await using own = new AsyncDisposableStack()
    const { asked, port } = await startPlain(own)
    const kubeconfig = redirected(scripted.kubeconfig(user), `HTTP://127.0.0.1:${port}/base/`)
    const client = createClient(loadKubeConfig({ kubeconfig }))
    own.defer(() => client.close())
    expect(await client.call({ method: 'GET', path })).toMatchObject({ kind: 'ok' })
    expect((await client.watch(path, {}, AbortSignal.timeout(5000))).kind).toBe('open')
    expect(asked.map(({ url }) => url)).toEqual([`/base${path}`, `/base${path}?watch=true`])
    for (const { headers } of asked) expect(headers).not.toHaveProperty('authorization')
    expect(JSON.stringify(asked)).not.toContain('secret')
  })

  test('no exec plugin is run, and one acts as whom the kubeconfig says', async () => {
    await using scripted = await startScripted()
    await using own = new AsyncDisposableStack()
    const { asked, port } = await startPlain(own)
    const marker = join(scripted.folder, 'ran')
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'touch', args: [marker] }
    const user = { exec: { ...exec, interactiveMode: 'Never' }, as: 'jane', 'as-groups': ['a'] }
    const kubeconfig = redirected(scripted.kubeconfig(user), `http://127.0.0.1:${port}`)
    const client = createClient(loadKubeConfig({ kubeconfig }))
    own.defer(() => client.close())
    expect(await client.call({ method: 'GET', path })).toMatchObject({ kind: 'ok' })
    expect(asked).toMatchObject([{ headers: { 'impersonate-user': 'jane', 'impersonate-group': 'a' } }])
    expect(existsSync(marker)).toBe(false)
  })

  test('a proxy is asked for the server, and told no credentials either', async () => {
    await using scripted = await startScripted()
    await using own = new AsyncDisposableStack()
    const { asked, port } = await startPlain(own)
    const cluster = { 'proxy-url': `http://127.0.0.1:${port}` }
    const kubeconfig = redirected(scripted.kubeconfig(), 'http://api.example', cluster)
    const client = createClient(loadKubeConfig({ kubeconfig }))
    own.defer(() => client.close())
    expect(await client.call({ method: 'GET', path })).toMatchObject({ kind: 'ok' })
    expect(asked).toMatchObject([{ url: `http://api.example${path}` }])
    expect(JSON.stringify(asked)).not.toContain('secret')
  })
})

test('a proxy is asked for a tunnel to the server', async () => {
  await using server = await startScripted()
  await using own = new AsyncDisposableStack()
  const asked: string[] = []
  const proxy = createServer()
  proxy.on('connect', (request, socket) => {
    asked.push(request.url ?? '')
    const tunnel = connect(Number(new URL(server.url).port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      tunnel.pipe(socket).pipe(tunnel)
    })
    own.defer(() => void tunnel.destroy())
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  own.defer(() => void proxy.close())
  const file = server.kubeconfig()
  const proxyUrl = `http://127.0.0.1:${portOf(proxy.address())}`
  writeFileSync(file, readFileSync(file, 'utf8').replace('"server"', `"proxy-url":"${proxyUrl}","server"`))
  const client = createClient(loadKubeConfig({ kubeconfig: file }))
  own.defer(() => client.close())
  const answering = client.call({ method: 'GET', path })
  ;(await server.next()).answer(200, {})
  expect(await answering).toMatchObject({ kind: 'ok' })
  expect(asked).toEqual([new URL(server.url).host])
})
