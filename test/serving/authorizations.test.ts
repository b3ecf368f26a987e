import { describe, expect, test } from 'vitest'
import { remembering, type Authorization } from '../../src/serving/authorizations.ts'

function counted(answer: () => Promise<Authorization>) {
  const asked: string[] = []
  let time = 0
  const authorize = remembering(
    (token) => {
      asked.push(token)
      return answer()
    },
    () => time,
  )
  return {
    asked,
    authorize,
    pass: (ms: number) => {
      time += ms
    },
  }
}

describe('an answer about a token', () => {
  test('is asked for once in a while, also by requests at the same time', async () => {
    const { asked, authorize, pass } = counted(() => Promise.resolve('allowed'))
    expect(await Promise.all([authorize('a'), authorize('a'), authorize('b')])).toEqual(
      Array.from({ length: 3 }, () => 'allowed'),
    )
    pass(9_999)
    await authorize('a')
    expect(asked).toEqual(['a', 'b'])
    pass(1)
    await authorize('a')
    expect(asked).toEqual(['a', 'b', 'a'])
  })

  test('is asked for again after a failure', async () => {
    let fails = true
    const { asked, authorize } = counted(() =>
      fails ? Promise.reject(new Error('down')) : Promise.resolve('allowed'),
    )
    await expect(authorize('a')).rejects.toThrow('down')
    fails = false
    expect(await authorize('a')).toBe('allowed')
    expect(asked).toHaveLength(2)
  })

  test('is forgotten when many others came since, the newer ones are not', async () => {
    const { asked, authorize } = counted(() => Promise.resolve('unauthenticated'))
    for (let at = 0; at <= 256; at += 1) await authorize(`token-${at}`)
    await authorize('token-256')
    await authorize('token-1')
    expect(asked).toHaveLength(257)
    await authorize('token-0')
    expect(asked).toHaveLength(258)
  })
})
