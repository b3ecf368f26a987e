import { describe, expect, test } from 'vitest'
import { replacesAnnotation } from '../../src/core/binding.ts'
import { binding, objective, pool, poolOnly } from '../support/builders.ts'
import { listOf, recordOf } from '../support/embedded/json.ts'
import { resourceOf } from '../support/vectors.ts'
import type { Rule } from './history.ts'
import {
  chat,
  finalizers,
  outputOf,
  HistoryBuilder,
  refused,
  retrying,
  scene,
  settled,
} from './judge/history-builder.ts'

/** A binding is there and has all that is its due after a second. */
const fine = (): HistoryBuilder =>
  new HistoryBuilder().has(0, ...scene, chat).writes(1, outputOf(chat), settled(chat))

const only = (rule: Rule, at: number, name = 'chat'): readonly string[] => [`${at} ${rule} default/${name}`]

test('nothing is wrong with a binding that gets what is its due', () => {
  expect(fine().calm(2, 80).verdict(80)).toEqual([])
})

describe('an identity that is withdrawn', () => {
  test('without any reason', () => {
    expect(fine().deletes(30, outputOf(chat)).writes(31, outputOf(chat)).verdict(32)).toEqual(
      only('withdrawn', 30),
    )
  })

  test('for a failure of the contract', () => {
    const rest = [pool(), objective({ name: 'other' })]
    const history = fine().lacks(30, objective()).deletes(31, outputOf(chat)).writes(31, settled(chat, rest))
    expect(history.verdict(80)).toEqual([])
  })

  test('for a failure that has long passed', () => {
    const history = fine().lacks(30, objective()).has(30.1, objective()).deletes(40, outputOf(chat))
    expect(history.verdict(41)).toEqual(only('withdrawn', 40))
  })

  test('for a failure that has long passed, by one whose answers were held up since', () => {
    const history = fine().fault(29, 39, 'everything').lacks(30, objective()).has(30.1, objective())
    expect(history.deletes(40, outputOf(chat)).verdict(41)).toEqual([])
  })

  test('for a failure that has long passed, by one for whom one outage followed the other', () => {
    const history = fine().fault(29, 33, 'everything').lacks(30, objective()).has(30.1, objective())
    expect(history.fault(40, 45, 'everything').deletes(48, outputOf(chat)).verdict(49)).toEqual([])
    const late = fine().fault(29, 33, 'everything').lacks(30, objective()).has(30.1, objective())
    expect(late.fault(50, 55, 'everything').deletes(58, outputOf(chat)).verdict(59)).toEqual(
      only('withdrawn', 58),
    )
  })

  test('by somebody else', () => {
    const again = outputOf(chat)
    expect(fine().lacks(30, outputOf(chat)).writes(31, again).verdict(80)).toEqual([])
  })

  test('by the API server, as its kind goes', () => {
    const { metadata } = outputOf(chat)
    const resource = resourceOf(outputOf(chat))
    expect(metadata.name).toContain('kleym-default-chat-objective-')
    expect(fine().define(30, resource, true).deletes(30, outputOf(chat)).verdict(31)).toEqual([])
  })

  test('after somebody had edited it', () => {
    const edited = {
      ...outputOf(chat),
      spec: { ...recordOf(outputOf(chat).spec), spiffeIDTemplate: 'spiffe://a/b' },
    }
    const history = fine().has(30, edited).deletes(31, edited).writes(31, outputOf(chat))
    expect(history.verdict(80)).toEqual([])
  })
})

describe('what is written', () => {
  test('that nobody asked for', () => {
    const ghost = outputOf(poolOnly({ name: 'ghost' }))
    expect(fine().writes(30, ghost).verdict(31)).toEqual(only('unasked', 30, 'ghost'))
  })

  test('that was asked for a moment ago', () => {
    const changed = binding({
      metadata: { finalizers, generation: 2 },
      spec: { objectiveRef: { name: 'other' } },
    })
    const history = new HistoryBuilder()
      .has(0, ...scene, chat)
      .has(1, changed)
      .writes(2, outputOf(chat))
      .deletes(3, outputOf(chat))
    expect(history.writes(3, outputOf(changed), settled(changed)).verdict(60)).toEqual([])
  })

  test('for a pool that changed, and a binding that had changed before: one watch may be behind another', () => {
    const moved = binding({ metadata: { finalizers, generation: 2 }, spec: { poolRef: { name: 'gone' } } })
    const other = pool({ selector: { matchLabels: { app: 'other' } } })
    const mixed = outputOf(chat, [other, objective()])
    const history = fine().has(30, moved).has(31, other).deletes(32, outputOf(chat)).writes(32, mixed)
    expect(history.deletes(33, mixed).verdict(34)).toEqual([])
    const late = fine().has(30, moved).has(31, other).deletes(32, outputOf(chat)).writes(37, mixed)
    expect(late.verdict(38)).toEqual(only('unasked', 37))
  })

  test('a second time, under another name', () => {
    const twin = outputOf(chat)
    const name = `${twin.metadata.name.slice(0, -8)}00000000`
    const history = fine().writes(30, { ...twin, metadata: { ...twin.metadata, name, uid: 'twin' } })
    expect(history.verdict(31)).toEqual([...only('unasked', 30), ...only('doubled', 30)])
  })

  test('before what gave the identity of before is gone', () => {
    const changed = binding({
      metadata: { finalizers, generation: 2 },
      spec: { objectiveRef: { name: 'other' } },
    })
    const history = fine()
      .has(30, changed)
      .writes(31, outputOf(changed), settled(changed))
      .deletes(31, outputOf(chat))
    expect(history.verdict(80)).toEqual(only('doubled', 31))
  })

  test('for a container that another binding serves', () => {
    const rival = binding({ name: 'rival', metadata: { finalizers } })
    const history = new HistoryBuilder()
      .has(0, ...scene, rival)
      .writes(1, outputOf(rival), settled(rival))
      .has(20, chat)
    expect(history.lacks(30, rival).writes(31, outputOf(chat)).verdict(32)).toEqual(only('clashing', 31))
  })

  test('for the container of a binding that it replaces', () => {
    const annotations = { [replacesAnnotation]: 'chat' }
    const renamed = binding({ name: 'renamed', metadata: { finalizers, annotations } })
    const history = fine()
      .has(30, renamed)
      .writes(31, outputOf(renamed), settled(renamed, [...scene, chat]))
    expect(history.verdict(32)).toEqual([])
  })

  test('without one of the conditions', () => {
    const { status, ...unsaid } = settled(chat)
    const conditions = listOf(recordOf(status)['conditions']).slice(0, 4)
    const cut = { ...unsaid, status: { ...recordOf(status), conditions } }
    expect(
      new HistoryBuilder()
        .has(0, ...scene, chat)
        .writes(1, outputOf(chat), cut)
        .verdict(2),
    ).toEqual(only('shape', 1))
  })
})

describe('what is not as it should be', () => {
  test('and is not said', () => {
    const history = new HistoryBuilder().has(0, chat)
    expect(history.verdict(80)).toEqual(only('unsaid', 15))
  })

  test('is said in time', () => {
    expect(new HistoryBuilder().has(0, chat).writes(14, settled(chat, [])).verdict(80)).toEqual([])
  })

  test('is not said while the API server takes nothing, and for as long again', () => {
    const history = new HistoryBuilder().has(0, chat).fault(1, 31, 'everything')
    expect(history.verdict(120)).toEqual(only('unsaid', 77))
  })

  test('is said later where every request is slow, by what a run takes longer and no more', () => {
    const [briefly, forLong] = [13, 60].map((to) => new HistoryBuilder().has(0, chat).fault(10, to, 'haste'))
    expect(briefly?.verdict(80)).toEqual(only('unsaid', 18))
    expect(forLong?.verdict(80)).toEqual(only('unsaid', 24))
    const inTime = new HistoryBuilder().has(0, chat).fault(10, 13, 'haste').writes(17, settled(chat, []))
    expect(inTime.verdict(80)).toEqual([])
  })

  test('is said to be tried again and again', () => {
    expect(
      new HistoryBuilder()
        .has(0, ...scene, chat)
        .writes(12, retrying(chat))
        .verdict(80),
    ).toEqual([])
  })

  test('is not said again where it has been from the start', () => {
    const history = fine().lacks(30, outputOf(chat)).retries(41, chat)
    expect(history.verdict(120)).toEqual([])
  })

  test('is said to have been tried before all was well once more', () => {
    const history = fine().lacks(30, outputOf(chat)).retries(41, chat).writes(50, outputOf(chat))
    expect(history.lacks(60, outputOf(chat)).verdict(80)).toEqual(only('unsaid', 75))
  })

  test('is that it was refused, until the next try', () => {
    const history = new HistoryBuilder()
      .has(0, ...scene, chat)
      .fault(0, 20, 'outputs')
      .writes(1, refused(chat))
    expect(history.writes(78, outputOf(chat), settled(chat)).verdict(90)).toEqual([])
    const late = new HistoryBuilder().has(0, ...scene, chat).writes(1, refused(chat))
    expect(late.verdict(90)).toEqual(only('unsaid', 15))
  })

  test('is that a deleted ClusterSPIFFEID is not there again', () => {
    expect(fine().lacks(30, outputOf(chat)).verdict(60)).toEqual(only('unsaid', 45))
  })

  test('is that somebody edited it', () => {
    const edited = { ...outputOf(chat), spec: { ...recordOf(outputOf(chat).spec), ttl: '1h' } }
    expect(fine().has(30, edited).verdict(60)).toEqual(only('unsaid', 45))
  })

  test('is that the status is of an earlier generation', () => {
    const changed = { ...settled(chat), metadata: { ...chat.metadata, generation: 2 } }
    expect(fine().has(30, changed).verdict(60)).toEqual(only('unsaid', 45))
  })

  test('is a deletion that is not done', () => {
    const deleting = { ...settled(chat), metadata: { ...chat.metadata, deletionTimestamp: 'now' } }
    expect(fine().has(30, deleting).verdict(60)).toEqual(only('unsaid', 45))
  })
})

describe('what nobody asks for', () => {
  const ghost = outputOf(binding({ name: 'ghost' }))

  test('and is there for too long', () => {
    expect(fine().has(5, ghost).verdict(80)).toEqual(only('stale', 65, 'ghost'))
  })

  test('and is gone in time', () => {
    expect(fine().has(5, ghost).deletes(60, ghost).verdict(80)).toEqual([])
  })

  test('stays while ClusterSPIFFEIDs are refused', () => {
    expect(fine().has(5, ghost).fault(6, 26, 'outputs').verdict(106)).toEqual([])
  })

  test('and is somebody’s copy', () => {
    const copy = { ...outputOf(chat), metadata: { ...outputOf(chat).metadata, name: 'mine', uid: 'copy' } }
    expect(fine().has(5, copy).verdict(120)).toEqual([])
  })
})

describe('after the last fault', () => {
  test('something is still written', () => {
    const history = fine().writes(131, settled(chat)).calm(70, 140)
    expect(history.verdict(140)).toEqual(only('unquiet', 140))
  })

  test('something is not as the contract says', () => {
    const history = fine().lacks(70, objective()).fault(70, 71, 'nothing').calm(71, 140)
    expect(history.verdict(140)).toContain('140 unquiet default/chat')
  })

  test('something is not as the contract says yet', () => {
    const history = fine().lacks(70, objective()).calm(71, 80)
    expect(history.verdict(80)).toEqual([])
  })
})
