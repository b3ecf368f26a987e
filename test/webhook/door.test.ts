import { once } from 'node:events'
import { Agent, request as httpsRequest } from 'node:https'
import { connect as tcpConnect, type Socket } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Newcomers } from '../../src/webhook/newcomers.ts'
import { ThrottledLog } from '../../src/webhook/throttled-log.ts'
import { calledIn, AcceptedTokens } from '../../src/webhook/token.ts'
import { manualClock } from '../support/manual-clock.ts'
import {
  admissionReview,
  allowed,
  call,
  callAt,
  pair,
  serving,
  session,
  token,
  withToken,
  type Answer,
  type Line,
} from './serving.ts'

const review = JSON.stringify(admissionReview())
const other = 'cd'.repeat(32)

/** What a stranger may ask, from the plain to the absurd. */
const strangers = [
  ['a review', '/validate', {}],
  ['a review with another token', `/validate/${other}`, {}],
  ['a review with a part of the token', `/validate/${token.slice(0, 63)}`, {}],
  ['a review with more than the token', `/validate/${token}0`, {}],
  ['a review with the token in capitals', `/validate/${token.toUpperCase()}`, {}],
  ['a review with the token as a query', `/validate?token=${token}`, {}],
  ['a review with the token before the webhook', `/${token}/validate`, {}],
  ['a review with a path after the token', `/validate/${token}/`, {}],
  ['the root', '/', {}],
  ['a path that is not there', '/nowhere', {}],
  ['a path that is no URL', '/%zz', {}],
  ['GET', '/validate', { method: 'GET' }],
  ['DELETE', `/validate/${other}`, { method: 'DELETE' }],
  ['a method that fastify does not know', '/validate', { method: 'MKACTIVITY' }],
  ['another content type', '/validate', { type: 'text/plain' }],
  ['broken JSON', '/validate', { body: '{' }],
  ['a body over the cap', '/validate', { body: Buffer.alloc(8 * 1024 * 1024, ' ') }],
] as const

describe.each(strangers)('%s without the token', (_what, path, asked) => {
  test.each(['h2', 'http/1.1'])(
    'is answered by the same 403 over %s, and nothing is done',
    async (protocol) => {
      const reviewed: string[] = []
      const validate = async () => {
        reviewed.push('validate')
        return allowed
      }
      const observed: string[] = []
      await using server = await serving({
        routes: { validate },
        observe: (route) => void observed.push(route),
      })
      const first =
        protocol === 'h2'
          ? await overHttp2(server.url, '/validate')
          : await overHttp1(server.url, '/validate')
      const answer =
        protocol === 'h2'
          ? await overHttp2(server.url, path, asked)
          : await overHttp1(server.url, path, asked)
      expect(answer.status).toBe(403)
      expect(answer.body).toEqual(first.body)
      expect(answer.headers['allow']).toBe(undefined)
      expect(reviewed).toEqual([])
      expect(observed).toEqual([])
      expect(JSON.stringify(server.lines)).not.toMatch(/(?:ab){4}|(?:cd){4}/i)
    },
  )
})

type Asked = { readonly method?: string; readonly type?: string; readonly body?: string | Buffer }

async function overHttp2(url: string, path: string, asked: Asked = {}): Promise<Answer> {
  await using client = await session(url)
  return await callAt(client, path, { body: review, ...asked })
}

async function overHttp1(
  url: string,
  path: string,
  { method = 'POST', type = 'application/json', body = review }: Asked = {},
): Promise<Answer> {
  const socket = tlsConnect({ host: '127.0.0.1', port: Number(new URL(url).port), ca: pair.ca })
  // A server that refuses a body may close the connection before it has read all of the body.
  socket.on('error', () => {})
  await once(socket, 'secureConnect')
  const head = [`${method} ${path} HTTP/1.1`, 'host: a', `content-type: ${type}`]
  socket.write(`${[...head, `content-length: ${body.length}`, 'connection: close'].join('\r\n')}\r\n\r\n`)
  socket.write(body)
  const text = await textOf(socket)
  const [, status = ''] = /^HTTP\/1.1 (\d+)/.exec(text) ?? []
  const json = text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)
  const allow = /^allow: (.*)$/im.exec(text)?.[1]
  return { status: Number(status), headers: { allow }, body: JSON.parse(json) }
}

/** `once` of node:events rejects where there is an error first. */
const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => void socket.on('error', () => {}).once('close', () => resolve()))

async function textOf(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => void chunks.push(chunk))
  await closed(socket)
  return Buffer.concat(chunks).toString()
}

describe('the tokens', () => {
  const hex = fc.stringMatching(/^[0-9a-f]{64}$/)

  test('admit what is accepted and nothing else, all that is accepted at once, and at first nothing', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(hex, { minLength: 1, maxLength: 3 }),
        hex,
        fc.string(),
        (accepted, one, text) => {
          const tokens = new AcceptedTokens()
          expect(accepted.map((known) => tokens.admits(known))).toEqual(accepted.map(() => false))
          tokens.accept(accepted)
          expect(accepted.map((known) => tokens.admits(known))).toEqual(accepted.map(() => true))
          expect(tokens.admits(one)).toBe(accepted.includes(one))
          expect(tokens.admits(text)).toBe(false)
          tokens.accept([one])
          expect(accepted.map((known) => tokens.admits(known))).toEqual(
            accepted.map((known) => known === one),
          )
        },
      ),
    )
  })

  test.each([
    ['/validate/abc', { route: 'validate', token: 'abc' }],
    ['/validate/abc?timeout=5s', { route: 'validate', token: 'abc' }],
    ['/validate', undefined],
    ['/validate/abc/', undefined],
    ['validate/abc', undefined],
    ['https://host/validate/abc', undefined],
    ['*', undefined],
    ['', undefined],
  ])('are found in %j as the API server writes it', (url, found) => {
    expect(calledIn(url)).toEqual(found)
  })

  test('a call is served by each that is accepted, from when it is until it no longer is', async () => {
    const tokens = new AcceptedTokens()
    await using server = await serving({ admits: (given) => tokens.admits(given) })
    await using client = await session(server.url)
    const statuses = async (): Promise<readonly number[]> => {
      const answers = [token, other].map((one) =>
        callAt(client, `/validate/${one}?timeout=5s`, { body: review }),
      )
      return (await Promise.all(answers)).map(({ status }) => status)
    }
    const seen: (readonly number[])[] = []
    for (const accepted of [[], [token], [token, other], [other]]) {
      tokens.accept(accepted)
      seen.push(await statuses())
    }
    expect(seen).toEqual([
      [403, 403],
      [200, 403],
      [200, 200],
      [403, 200],
    ])
  })
})

describe('calls without the token', () => {
  test('are logged once, and counted one by one', async () => {
    const turnedAway: string[] = []
    await using server = await serving({ turnedAway: (what) => void turnedAway.push(what) })
    await using client = await session(server.url)
    for (let count = 0; count < 50; count += 1) await callAt(client, '/validate', { body: review })
    expect(turnedAway).toEqual(Array.from({ length: 50 }, () => 'call'))
    expect(server.lines).toMatchObject([{ level: 'warn', fields: { count: 1, client: '127.0.0.1' } }])
  })

  test('may come on one kept connection, unless they have a large body, which stays unread', async () => {
    await using server = await serving()
    const agent = new Agent({ ca: pair.ca, keepAlive: true, maxSockets: 1 })
    const connections = new Set<unknown>()
    const post = async (length: number): Promise<string | undefined> => {
      const { port } = server
      const headers = { 'content-type': 'application/json', 'content-length': length }
      const outgoing = httpsRequest({
        host: '127.0.0.1',
        port,
        path: '/validate',
        method: 'POST',
        headers,
        agent,
      })
      outgoing.on('error', () => {}).on('socket', (socket) => connections.add(socket))
      const response = once(outgoing, 'response')
      outgoing.end(Buffer.alloc(length, ' '))
      const [incoming] = await response
      await once(incoming.resume(), 'end')
      return incoming.headers.connection
    }
    for (let count = 0; count < 5; count += 1) expect(await post(2000)).toBe('keep-alive')
    expect(connections.size).toBe(1)
    expect(await post(100_000)).toBe('close')
    agent.destroy()
  })
})

/** Whether a connection from an address of the machine gets as far as TLS. */
async function connects(port: number, localAddress: string): Promise<boolean> {
  const tcp = tcpConnect({ host: '127.0.0.1', port, localAddress })
  const socket = tlsConnect({ socket: tcp, ca: pair.ca, servername: 'localhost' })
  const cutOff = Promise.race([closed(tcp), closed(socket)]).then(() => false)
  const secured = new Promise<boolean>((resolve) => socket.once('secureConnect', () => resolve(true)))
  const result = await Promise.race([secured, cutOff])
  socket.destroy()
  return result
}

describe('new connections', () => {
  const connectionLimits = { burst: 5, perSecond: 0.001, open: 100 }

  test('from an address that has shown no token are limited, those of one that has are not, and the log says it once', async () => {
    await using server = await serving({ connectionLimits })
    await using client = await session(server.url)
    expect(await call(client, '/validate', { body: review })).toMatchObject({ status: 200 })
    const from = async (address: string): Promise<number> => {
      let count = 0
      for (let tries = 0; tries < 20; tries += 1) if (await connects(server.port, address)) count += 1
      return count
    }
    expect(await from('127.0.0.2')).toBe(5)
    expect(await from('127.0.0.3')).toBe(5)
    expect(await from('127.0.0.1')).toBe(20)
    expect(server.lines.filter(({ level }) => level === 'warn')).toMatchObject([
      { fields: { count: 1, client: '127.0.0.2' }, message: expect.stringContaining('cut off') },
    ])
  })

  test('that are cut off never get a handshake', async () => {
    await using server = await serving({ connectionLimits: { ...connectionLimits, burst: 0 } })
    const socket = tcpConnect({ host: '127.0.0.1', port: server.port, localAddress: '127.0.0.2' })
    socket.resume()
    await closed(socket)
    expect(socket.bytesRead).toBe(0)
  })

  test('of an address are allowed again as time goes by, and count for as long as they are open', () => {
    const clock = manualClock()
    const newcomers = new Newcomers({ burst: 2, perSecond: 1, open: 3 }, clock.now)
    const admitted = (): boolean => newcomers.open('a')
    expect([admitted(), admitted(), admitted()]).toEqual([true, true, false])
    clock.advance(1000)
    expect([admitted(), admitted()]).toEqual([true, false])
    clock.advance(60_000)
    expect(admitted()).toBe(false)
    newcomers.closed('a')
    expect(admitted()).toBe(true)
    newcomers.cameWithToken('a')
    expect(Array.from({ length: 50 }, admitted)).not.toContain(false)
    clock.advance(600_000)
    expect(admitted()).toBe(false)
  })
})

test('a repeated event is logged at once, and then once a minute with a count', () => {
  const clock = manualClock()
  const said: number[] = []
  const throttled = new ThrottledLog((count) => void said.push(count), clock.now)
  for (let seconds = 0; seconds < 121; seconds += 1) {
    throttled.happened('a')
    clock.advance(1000)
  }
  expect(said).toEqual([1, 60, 60])
})

const isOfSessions = ({ message }: Line): boolean => message.includes('HTTP/2 session')

/** Whether a session still serves after so many of its streams were cancelled. */
const cancel = async (url: string, streams: number): Promise<boolean> => {
  await using client = await session(url)
  for (let count = 0; count < streams && !client.destroyed; count += 1) {
    const stream = client.request({ ':method': 'POST', ':path': withToken('/validate') })
    stream.on('error', () => {}).end(review)
    stream.close(8)
    if (count % 50 === 49) await new Promise((resolve) => void setImmediate(resolve))
  }
  return await call(client, '/validate', { body: review }).then(
    ({ status }) => status === 200,
    () => false,
  )
}

describe('an HTTP/2 session', () => {
  test('lives on when thousands of its streams were cancelled', async () => {
    await using server = await serving()
    expect(await cancel(server.url, 3000)).toBe(true)
    expect(server.lines.filter(isOfSessions)).toEqual([])
  })

  test('that is ended for its cancelled streams all the same is logged', async () => {
    await using server = await serving({ resets: { burst: 10, perSecond: 1 } })
    expect(await cancel(server.url, 100)).toBe(false)
    await expect
      .poll(() => server.lines.filter(isOfSessions))
      .toMatchObject([{ level: 'warn', fields: { client: '127.0.0.1' } }])
  })
})
