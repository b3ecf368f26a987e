import { afterEach, beforeEach, expect, test } from 'vitest'
import { createLog } from '../../src/log.ts'
import type { Listening } from '../../src/serving/listening.ts'
import { startProbes, type HealthCheck } from '../../src/serving/probes.ts'

const passing: HealthCheck = { name: 'pools-synced', problem: undefined }
const failing: HealthCheck = { name: 'bindings-synced', problem: 'no list yet' }

let ready: readonly HealthCheck[] = []
let lines: string[] = []
let server: Listening

beforeEach(async () => {
  ready = [passing, failing]
  lines = []
  const log = createLog({ level: 'info', destination: { write: (line) => lines.push(line) } })
  const options = { host: '127.0.0.1', port: 0, healthy: () => [passing], ready: () => ready, log }
  server = await startProbes(options)
})

afterEach(() => server.close())

async function get(path: string): Promise<{ readonly code: number; readonly text: string }> {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`)
  return { code: response.status, text: await response.text() }
}

test('health and readiness are answered apart', async () => {
  expect(await get('/healthz')).toEqual({ code: 200, text: 'ok' })
  expect((await get('/readyz')).code).toBe(503)
})

test('a failure lists every check without being asked', async () => {
  const text = '[+]pools-synced ok\n[-]bindings-synced: no list yet\nreadyz check failed\n'
  expect(await get('/readyz')).toEqual({ code: 503, text })
})

test('the checks are made at each request, and listed on demand when all pass', async () => {
  ready = [passing]
  expect(await get('/readyz')).toEqual({ code: 200, text: 'ok' })
  expect(await get('/readyz?verbose')).toEqual({
    code: 200,
    text: '[+]pools-synced ok\nreadyz check passed\n',
  })
  expect((await get('/readyz?verbose=1')).text).toContain('[+]pools-synced ok')
})

test('only a change is logged', async () => {
  for (const now of [[failing], [failing], [passing], [passing]]) {
    ready = now
    await get('/readyz')
  }
  expect(lines.map((line) => JSON.parse(line).level)).toEqual(['warn', 'info'])
  expect(lines[0]).toContain('no list yet')
})

test('other paths are not found', async () => {
  expect((await get('/')).code).toBe(404)
})

test('it stops even while a client keeps its connection', async () => {
  await get('/healthz')
  await server.close()
  await expect(get('/healthz')).rejects.toThrow('fetch failed')
})

test('a port that is taken is an error', async () => {
  const log = createLog({ level: 'error' })
  const options = { host: '127.0.0.1', port: server.port, healthy: () => [], ready: () => [], log }
  await expect(startProbes(options)).rejects.toThrow('EADDRINUSE')
})
