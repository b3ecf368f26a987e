import { once } from 'node:events'
import { request as httpsRequest, Agent } from 'node:https'
import { connect as tcpConnect } from 'node:net'
import { connect as tlsConnect, type TLSSocket } from 'node:tls'
import request from 'supertest'
import { describe, expect, test } from 'vitest'
import type { AdmissionRequest, AdmissionResponse } from '../../src/webhook/admission-review.ts'
import type { Review } from '../../src/webhook/server.ts'
import {
  admissionReview,
  allowed,
  call,
  newClientPair,
  newPair,
  pair,
  serving,
  session,
  withToken,
} from './serving.ts'

const review = JSON.stringify(admissionReview())
const { uid } = admissionReview().request
const maxBody = 7 * 1024 * 1024

const denied: AdmissionResponse = {
  kind: 'denied',
  warnings: [],
  auditAnnotations: {},
  end: { decision: 'deny', reason: undefined },
  status: {
    message: 'no',
    reason: 'Invalid',
    code: 422,
    details: { name: 'chat', group: 'kleym.sonda.red', kind: 'InferenceIdentityBinding', causes: [] },
  },
}

const giveUp: Review = (_request, signal) =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(allowed)))

const odd: Review = async () => ({ ...allowed, patch: [1n] })

const fail: Review = () => {
  throw new Error('boom')
}

/** A review that never answers by itself, and tells when its signal aborts. */
function stuck(): {
  readonly review: Review
  readonly aborted: Promise<void>
  readonly called: Promise<void>
} {
  const aborted = Promise.withResolvers<void>()
  const called = Promise.withResolvers<void>()
  return {
    review: (_request, signal) => {
      called.resolve()
      signal.addEventListener('abort', () => aborted.resolve())
      return new Promise(() => {})
    },
    aborted: aborted.promise,
    called: called.promise,
  }
}

const withKey = ({ key, cert }: { key: string; cert: string }) => ({ ca: pair.ca, key, cert })

async function handshake(
  url: string,
  options: { ca: string; key?: string; cert?: string },
): Promise<TLSSocket> {
  const socket = tlsConnect({ port: Number(new URL(url).port), host: '127.0.0.1', ...options })
  await once(socket, 'secureConnect')
  return socket
}

describe('a review', () => {
  test('is served the same over HTTP/1.1 and HTTP/2', async () => {
    await using server = await serving()
    await using client = await session(server.url)
    const expected = {
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid, allowed: true },
    }
    const h2 = await call(client, '/validate?timeout=5s', { body: review })
    const h1 = await request(server.url).post(withToken('/mutate')).ca(pair.ca).type('json').send(review)
    expect([h2.status, h2.body]).toEqual([200, expected])
    expect([h1.status, h1.body]).toEqual([200, expected])
  })

  test('a denial is HTTP 200, as the API server wants it', async () => {
    await using server = await serving({ routes: { validate: async () => denied } })
    await using client = await session(server.url)
    const answer = await call(client, '/validate', { body: review })
    expect(answer).toMatchObject({
      status: 200,
      body: { response: { uid, allowed: false, status: { code: 422 } } },
    })
  })

  test('any path of the table is served by its own review', async () => {
    const routes = { references: async () => allowed, validate: async () => denied }
    await using server = await serving({ routes })
    await using client = await session(server.url)
    expect(await call(client, '/references', { body: review })).toMatchObject({
      body: { response: { allowed: true } },
    })
    expect(await call(client, '/validate', { body: review })).toMatchObject({
      body: { response: { allowed: false } },
    })
  })

  test('each call is observed once, with its request where there is one', async () => {
    const seen: unknown[] = []
    const observe = (route: string, outcome: string, seconds: number, asked?: AdmissionRequest): void => {
      seen.push([route, outcome, asked?.uid, seconds >= 0 && seconds < 60])
    }
    const routes = { a: async () => allowed, d: async () => denied, e: fail }
    await using server = await serving({ observe, routes })
    await using client = await session(server.url)
    for (const path of ['/a', '/d', '/e']) await call(client, path, { body: review })
    await call(client, '/a', { body: '{}' })
    await call(client, '/nowhere', { body: review })
    expect(seen).toEqual([
      ['a', 'allowed', uid, true],
      ['d', 'denied', uid, true],
      ['e', 'error', uid, true],
      ['a', 'malformed', undefined, true],
    ])
  })
})

const nested = (depth: number): string => `${'{"a":['.repeat(depth)}${']}'.repeat(depth)}`
const withVersion = JSON.stringify({ ...admissionReview(), apiVersion: 'admission.k8s.io/v1beta1' })

const bad = [
  ['an unknown path', 404, '/nowhere', {}, /expected one of validate, mutate/],
  ['GET', 405, '/validate', { method: 'GET', body: '' }, /GET, expected POST/],
  ['PUT', 405, '/validate', { method: 'PUT' }, /PUT, expected POST/],
  ['another content type', 415, '/validate', { type: 'text/plain' }, /expected application\/json/],
  ['a content type that is none', 415, '/validate', { type: ';;' }, /expected application\/json/],
  ['a body over the cap', 413, '/validate', { body: Buffer.alloc(maxBody + 1, ' ') }, /7340032 bytes/],
  ['no body', 400, '/validate', { body: '' }, /is empty, expected/],
  ['white space', 400, '/validate', { body: ' \n' }, /is empty, expected/],
  ['broken JSON', 400, '/validate', { body: review.slice(0, -1) }, /is not JSON, expected/],
  ['bytes', 400, '/validate', { body: Buffer.from([0xff, 0, 0x80, 1]) }, /is not JSON, expected/],
  ['deep nesting', 400, '/validate', { body: nested(1000) }, /deeper than 256 levels/],
  ['nesting to the cap', 400, '/validate', { body: '['.repeat(maxBody) }, /deeper than 256 levels/],
  ['an old version', 400, '/validate', { body: withVersion }, /v1beta1.*expected "admission.k8s.io\/v1"/],
  ['a list', 400, '/validate', { body: '[]' }, /a list, expected an AdmissionReview/],
] as const

describe.each(bad)('%s', (_what, code, path, options, message) => {
  const { method, type, body } = { method: 'POST', type: 'application/json', body: review, ...options }
  const status = {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code,
    message: expect.stringMatching(message),
  }

  test('is refused over HTTP/2 with what is expected, and the next request served', async () => {
    await using server = await serving()
    await using client = await session(server.url)
    const answer = await call(client, path, { method, type, body })
    expect(answer).toMatchObject({ status: code, body: status })
    expect(answer.headers['allow']).toBe(code === 405 ? 'POST' : undefined)
    expect(await call(client, '/validate', { body: review })).toMatchObject({ status: 200 })
    expect(server.lines.filter(({ level }) => level === 'error')).toEqual([])
  })

  test('is refused over HTTP/1.1 too', async () => {
    await using server = await serving()
    const agent = new Agent({ ca: pair.ca, keepAlive: true })
    const answer = await overHttp1(server.url + path, agent, { method, type, body })
    expect(answer).toMatchObject({ status: code, body: status })
    const next = await overHttp1(`${server.url}/validate`, agent, {
      method: 'POST',
      type: 'application/json',
      body: review,
    })
    expect(next).toMatchObject({ status: 200 })
    agent.destroy()
  })
})

/** node:https, since supertest neither sends a body of bytes nor a bad path. */
async function overHttp1(
  url: string,
  agent: Agent,
  { method, type, body }: { method: string; type: string; body: string | Buffer },
): Promise<{ status: number | undefined; body: unknown; connection: string | undefined }> {
  const headers = { 'content-type': type, 'content-length': Buffer.byteLength(body) }
  const { port } = new URL(url)
  const outgoing = httpsRequest({
    host: '127.0.0.1',
    port,
    path: withToken(url.split(port)[1] ?? ''),
    method,
    headers,
    agent,
  })
  // A server that refuses a body may close the connection before it has read all of the body.
  outgoing.on('error', () => {})
  const response = once(outgoing, 'response')
  outgoing.end(body)
  const [incoming] = await response
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk)
  return {
    status: incoming.statusCode,
    body: JSON.parse(Buffer.concat(chunks).toString()),
    connection: incoming.headers.connection,
  }
}

describe('a body', () => {
  test('up to the cap is read, whole', async () => {
    const lengths: number[] = []
    const measure: Review = async ({ object }) => {
      lengths.push(JSON.stringify(object).length)
      return allowed
    }
    await using server = await serving({ routes: { validate: measure } })
    await using client = await session(server.url)
    const envelope = JSON.stringify(admissionReview({ object: { filler: '' } })).length
    const object = { filler: 'x'.repeat(maxBody - envelope) }
    const body = JSON.stringify(admissionReview({ object }))
    expect(body.length).toBe(maxBody)
    expect(await call(client, '/validate', { body })).toMatchObject({ status: 200 })
    expect(lengths).toEqual([JSON.stringify(object).length])
  })

  test('a key that would poison a prototype is dropped, however it is written', async () => {
    const objects: unknown[] = []
    const keep: Review = async ({ object }) => {
      objects.push(object)
      return allowed
    }
    await using server = await serving({ routes: { validate: keep } })
    await using client = await session(server.url)
    for (const key of [
      '__proto__',
      String.raw`\u005f_proto_\u005F`,
      String.raw`__\u0070roto__`,
      'constructor',
    ]) {
      const annotations = `{"${key}":{"prototype":{"polluted":true}},"kept":"yes"}`
      const body = review.replace('"metadata":{', `"metadata":{"annotations":${annotations},`)
      expect(await call(client, '/validate', { body })).toMatchObject({ status: 200 })
    }
    for (const object of objects) {
      const copied = Object.assign({}, Reflect.get(Object(object), 'metadata').annotations)
      expect(copied.kept).toBe('yes')
      expect(copied.polluted).toBe(undefined)
    }
    expect(objects).toHaveLength(4)
    expect(Reflect.get({}, 'polluted')).toBe(undefined)
  })

  test('one that does not end is refused in time, and its stream goes', async () => {
    await using server = await serving({ timeouts: { body: 50 } })
    await using client = await session(server.url)
    const stream = client.request({
      ':method': 'POST',
      ':path': withToken('/validate'),
      'content-type': 'application/json',
    })
    const [head, closed] = [once(stream, 'response'), once(stream, 'close')]
    stream.resume().write('{')
    const [headers] = await head
    await closed
    expect(headers[':status']).toBe(408)
    expect(await call(client, '/validate', { body: review })).toMatchObject({ status: 200 })
  })

  test('one that does not end over HTTP/1.1 takes its connection with it', async () => {
    await using server = await serving({ timeouts: { body: 50 } })
    const socket = await handshake(server.url, pair)
    socket.write(
      `POST ${withToken('/validate')} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{`,
    )
    expect(await textOf(socket)).toMatch(/^HTTP\/1.1 408 .*connection: close.*did not arrive within 0.05 s/is)
  })

  test('a call that its client gives up is not an error', async () => {
    const { review: waits, called } = stuck()
    await using server = await serving({ routes: { slow: waits, validate: async () => allowed } })
    await using client = await session(server.url)
    const stream = client.request({
      ':method': 'POST',
      ':path': withToken('/slow?timeout=600ms'),
      'content-type': 'application/json',
    })
    stream.end(review)
    await called
    stream.close(8)
    expect(await call(client, '/validate', { body: review })).toMatchObject({ status: 200 })
    expect(server.lines.filter(({ level }) => level === 'error')).toEqual([])
  })
})

async function textOf(socket: TLSSocket): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

test('a head that does not end is refused in time', async () => {
  await using server = await serving({ timeouts: { headers: 50 } })
  const socket = await handshake(server.url, pair)
  socket.write('POST /validate HTTP/1.1\r\nhost: a\r\nx-slow: ')
  expect(await textOf(socket)).toMatch(/^HTTP\/1.1 408 .*"kind":"Status"/s)
})

test('what is not HTTP is refused as JSON', async () => {
  await using server = await serving()
  const socket = await handshake(server.url, pair)
  socket.write('\x16\x03 hello\r\n\r\n')
  expect(await textOf(socket)).toMatch(/^HTTP\/1.1 400 .*"kind":"Status"/s)
})

test('a client that never finishes its handshake is cut off', async () => {
  await using server = await serving({ timeouts: { handshake: 1500 } })
  const socket = tcpConnect(server.port, '127.0.0.1')
  socket.on('error', () => {}).resume()
  await once(socket, 'close')
  await using client = await session(server.url)
  expect(await call(client, '/validate', { body: review })).toMatchObject({ status: 200 })
})

describe('the deadline', () => {
  test('a review that has not answered by then is an error, with its uid', async () => {
    const { review: waits, aborted } = stuck()
    await using server = await serving({ routes: { validate: waits } })
    await using client = await session(server.url)
    const started = performance.now()
    const answer = await call(client, '/validate?timeout=600ms', { body: review })
    await aborted
    expect(performance.now() - started).toBeLessThan(600)
    expect(answer).toMatchObject({
      status: 500,
      body: { kind: 'Status', message: expect.stringContaining('not done within'), details: { uid } },
    })
  })

  test('a review that answers its own abort is late all the same', async () => {
    await using server = await serving({ routes: { validate: giveUp } })
    await using client = await session(server.url)
    expect(await call(client, '/validate?timeout=10ms', { body: review })).toMatchObject({ status: 500 })
  })

  test('a review that failed is an error that is logged without the object', async () => {
    await using server = await serving({ routes: { validate: fail } })
    await using client = await session(server.url)
    const object = { spec: { secret: 'hush' } }
    const answer = await call(client, '/validate', { body: JSON.stringify(admissionReview({ object })) })
    expect(answer).toMatchObject({ status: 500, body: { code: 500, details: { uid } } })
    expect(JSON.stringify(answer.body)).not.toContain('boom')
    expect(server.lines).toMatchObject([{ level: 'error', fields: { uid, err: { message: 'boom' } } }])
    expect(JSON.stringify(server.lines)).not.toContain('hush')
  })

  test('an answer that is no JSON is an error', async () => {
    await using server = await serving({ routes: { validate: odd } })
    await using client = await session(server.url)
    expect(await call(client, '/validate', { body: review })).toMatchObject({ status: 500 })
  })
})

describe('TLS', () => {
  test('a new certificate is for new handshakes and drops no session', async () => {
    await using server = await serving()
    await using old = await session(server.url)
    const renewed = await newPair()
    server.setCertificate(renewed)
    await using fresh = await session(server.url, { ca: renewed.ca })
    expect(await call(old, '/validate', { body: review })).toMatchObject({ status: 200 })
    expect(await call(fresh, '/validate', { body: review })).toMatchObject({ status: 200 })
    await expect(handshake(server.url, pair)).rejects.toThrow(/certificate|signature/i)
  })

  test('a pair that can not be used is refused, and the old one kept', async () => {
    await using server = await serving()
    const other = await newPair()
    expect(() => server.setCertificate({ key: other.key, cert: pair.cert })).toThrow(/mismatch/)
    expect(() => server.setCertificate({ key: 'garbage', cert: pair.cert })).toThrow(/./)
    await using client = await session(server.url)
    expect(await call(client, '/validate', { body: review })).toMatchObject({ status: 200 })
    await expect(serving({ tls: { key: other.key, cert: pair.cert } })).rejects.toThrow(/mismatch/)
  })

  test('with a client CA only its clients are served, also after a new certificate', async () => {
    const clients = await newClientPair()
    const strangers = await newClientPair()
    await using server = await serving({ tls: { ...pair, clientCa: clients.ca } })
    for (const renew of [false, true]) {
      if (renew) server.setCertificate(pair)
      await using client = await session(server.url, withKey(clients))
      expect(await call(client, '/validate', { body: review })).toMatchObject({ status: 200 })
      await expect(refusedCall(server.url, withKey(strangers))).rejects.toThrow(/./)
      await expect(refusedCall(server.url, { ca: pair.ca })).rejects.toThrow(/./)
    }
  })
})

/** With TLS 1.3 a client learns that it is refused only after its handshake. */
async function refusedCall(url: string, tls: { ca: string; key?: string; cert?: string }): Promise<unknown> {
  await using client = await session(url, tls)
  return call(client, '/validate', { body: review })
}

describe('close', () => {
  test('sends GOAWAY, finishes what is under way and ends', async () => {
    const { promise: go, resolve: finish } = Promise.withResolvers<AdmissionResponse>()
    const called = Promise.withResolvers<void>()
    const slow: Review = () => {
      called.resolve()
      return go
    }
    await using server = await serving({ routes: { validate: slow } })
    await using client = await session(server.url)
    const [goaway, ended] = [once(client, 'goaway'), once(client, 'close')]
    const underWay = call(client, '/validate', { body: review })
    await called.promise
    const closed = server.close()
    expect((await goaway)[0]).toBe(0)
    finish(allowed)
    expect(await underWay).toMatchObject({ status: 200 })
    await Promise.all([closed, ended])
    await expect(session(server.url)).rejects.toThrow(/ECONNREFUSED/)
  })

  test('tells a client of HTTP/1.1 to go with its answer', async () => {
    const { promise: go, resolve: finish } = Promise.withResolvers<AdmissionResponse>()
    const called = Promise.withResolvers<void>()
    const slow: Review = () => {
      called.resolve()
      return go
    }
    await using server = await serving({ routes: { validate: slow } })
    const agent = new Agent({ ca: pair.ca, keepAlive: true })
    const post = { method: 'POST', type: 'application/json', body: review }
    const underWay = overHttp1(`${server.url}/validate`, agent, post)
    await called.promise
    const closed = server.close()
    finish(allowed)
    expect(await underWay).toMatchObject({ status: 200, connection: 'close' })
    await closed
    agent.destroy()
  })

  test('comes after a drain: every answer over HTTP/1.1 asks its client to close the connection, and new calls are served', async () => {
    await using server = await serving()
    const agent = new Agent({ ca: pair.ca, keepAlive: true })
    const post = { method: 'POST', type: 'application/json', body: review }
    const call1 = () => overHttp1(`${server.url}/validate`, agent, post)
    expect(await call1()).toMatchObject({ status: 200, connection: 'keep-alive' })
    const started = performance.now()
    const drained = server.drain({ quietMs: 200, longestMs: 600 })
    let last = started
    while (performance.now() - started < 400) {
      last = performance.now()
      expect(await call1()).toMatchObject({ status: 200, connection: 'close' })
    }
    await drained
    const quiet = performance.now() - last
    expect(quiet).toBeGreaterThanOrEqual(195)
    expect(await call1()).toMatchObject({ status: 200, connection: 'close' })
    agent.destroy()
  })

  test('has drained once nobody has called for a while', async () => {
    await using server = await serving()
    const started = performance.now()
    await server.drain({ quietMs: 50, longestMs: 60_000 })
    expect(performance.now() - started).toBeLessThan(10_000)
  })

  test('cuts off what does not end within the grace', async () => {
    const { review: waits, aborted, called } = stuck()
    await using server = await serving({ routes: { validate: waits } })
    await using client = await session(server.url)
    const underWay = call(client, '/validate?timeout=30s', { body: review }).catch(String)
    await called
    const idle = tcpConnect(server.port, '127.0.0.1')
    await once(idle, 'connect')
    idle.on('error', () => {}).resume()
    await server.close(20)
    await aborted
    expect(await underWay).toMatch(/closed/)
  })
})
