import { describe, expect, test } from 'vitest'
import { UnfollowedClaims } from '../../src/webhook/unfollowed-claims.ts'
import { manualClock } from '../support/manual-clock.ts'

const minuteMs = 60_000

function scene() {
  const clock = manualClock()
  /** Names of the bindings that followed. */
  const followed = new Set<string>()
  const vain = new UnfollowedClaims({ now: clock.now, isFollowed: (_key, { name }) => followed.has(name) })
  return { clock, followed, vain }
}

const claim = (name: string, key = 'the key') => ({
  name: `claim-of-${key}`,
  uid: 'u',
  resourceVersion: '1',
  key,
  transitions: 0,
  holder: { namespace: 'default', name, uid: `uid-of-${name}` },
})

describe('claims that no binding followed', () => {
  test('are too many from the fourth in ten minutes on, until they are older', () => {
    const { clock, vain } = scene()
    const seen: boolean[] = []
    for (const name of ['a', 'b', 'c', 'd']) {
      vain.made(claim(name))
      seen.push(vain.areTooMany(claim(name)))
      clock.advance(minuteMs)
    }
    expect(seen).toEqual([false, false, false, true])
    clock.advance(6 * minuteMs - 1)
    expect(vain.areTooMany(claim('d'))).toBe(true)
    clock.advance(1)
    expect(vain.areTooMany(claim('d'))).toBe(false)
  })

  test('are counted for each key, and not if a binding followed', () => {
    const { followed, vain } = scene()
    for (const name of ['a', 'b', 'c', 'd', 'e']) vain.made(claim(name))
    expect(vain.areTooMany(claim('e', 'another key'))).toBe(false)
    followed.add('a')
    expect(vain.areTooMany(claim('e'))).toBe(true)
    followed.add('b')
    expect(vain.areTooMany(claim('e'))).toBe(false)
  })

  test('of one binding count once if it tries again at once, and again if later', () => {
    const { clock, vain } = scene()
    for (let count = 0; count < 14; count += 1) {
      vain.made(claim('a'))
      clock.advance(1000)
    }
    expect(vain.areTooMany(claim('a'))).toBe(false)
    for (let count = 0; count < 3; count += 1) {
      clock.advance(15_000)
      vain.made(claim('a'))
    }
    expect(vain.areTooMany(claim('a'))).toBe(true)
  })

  test('are forgotten when they no longer count, and nothing else is kept', () => {
    const { clock, followed, vain } = scene()
    for (let count = 0; count < 1000; count += 1) vain.made(claim(`b-${count}`, `key ${count}`))
    for (let count = 0; count < 500; count += 1) {
      followed.add(`b-${count}`)
      vain.collected(claim(`b-${count}`, `key ${count}`))
    }
    expect(vain.size).toBe(500)
    clock.advance(10 * minuteMs)
    vain.made(claim('last', 'last key'))
    expect(vain.size).toBe(1)
    clock.advance(10 * minuteMs)
    vain.forgetOld()
    expect(vain.size).toBe(0)
  })
})
