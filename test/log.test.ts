import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createLog, type Log, type LogLevel } from '../src/log.ts'

function logged(write: (log: Log) => void, level: LogLevel = 'debug'): readonly Record<string, unknown>[] {
  const lines: string[] = []
  write(createLog({ level, destination: { write: (line) => lines.push(line) } }))
  return lines.map((line) => JSON.parse(line))
}

test('a line is JSON with the level by name, an ISO time, the fields and the message', () => {
  const [line] = logged((log) => log.warn({ binding: 'default/chat', attempt: 2 }, 'trying again'))
  expect(line).toEqual({
    level: 'warn',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    binding: 'default/chat',
    attempt: 2,
    msg: 'trying again',
  })
})

const logAll = (log: Log): void => {
  log.debug({}, 'debug')
  log.info({}, 'info')
  log.warn({}, 'warn')
  log.error({}, 'error')
}

test('what is less serious than the level is not written', () => {
  const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']
  for (const [at, level] of levels.entries()) {
    expect(logged(logAll, level).map(({ msg }) => msg)).toEqual(levels.slice(at))
  }
})

test('an error is written with its stack and its causes', () => {
  const err = new Error('could not list', { cause: new TypeError('reset') })
  const [line] = logged((log) => log.error({ err }, 'm'))
  expect(line?.['err']).toMatchObject({
    type: 'Error',
    message: 'could not list',
    stack: expect.stringContaining('log.test.ts'),
    cause: { type: 'TypeError', message: 'reset' },
  })
})

const secret = 'hunter2-never-seen'

test.each([
  'token',
  'tls.key',
  'ca.key',
  'Authorization',
  'set-cookie',
  'clientKeyData',
  'client-key-data',
  'password',
])('the value of %s is blanked out wherever it is', (key) => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('object', 'list'), { maxLength: 8 }), (nesting) => {
      const value = nesting.reduce<unknown>((inner, kind) => (kind === 'list' ? [inner] : { inner }), {
        [key]: secret,
      })
      const error = Object.assign(new Error('failed'), { response: value })
      const lines = logged((log) => {
        log.info({ value, [key]: secret }, 'fields')
        log.error({ err: new Error('outer', { cause: error }) }, 'cause')
      })
      expect(JSON.stringify(lines)).not.toContain(secret)
      expect(lines[0]?.[key]).toBe('[redacted]')
    }),
    { numRuns: 30 },
  )
})

test('what is logged is not changed by blanking it', () => {
  const fields = Object.freeze({ secret: Object.freeze({ data: Object.freeze({ 'tls.key': secret }) }) })
  logged((log) => log.info(fields, 'm'))
  expect(fields.secret.data['tls.key']).toBe(secret)
})

test('no shape of fields keeps a line from being written', () => {
  const loop: Record<string, unknown> = {}
  loop['self'] = loop
  const awkward = [loop, { at: new Date(0), big: 1n, none: undefined, call: () => 1 }, { err: 'only text' }]
  const lines = logged((log) => awkward.forEach((fields) => log.info(fields, 'm')))
  expect(lines).toHaveLength(awkward.length)
  expect(lines[1]?.['at']).toBe('1970-01-01T00:00:00.000Z')
  fc.assert(fc.property(fc.object(), (fields) => logged((log) => log.info(fields, 'm')).length === 1))
})
