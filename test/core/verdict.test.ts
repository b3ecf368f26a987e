import { describe, expect, test } from 'vitest'
import { configurableReasons, rules, type Finding, type RuleName } from '../../src/core/findings.ts'
import { judge, type ActionOverrides } from '../../src/core/verdict.ts'

const finding = (rule: RuleName, more: Partial<Finding> = {}): Finding => ({
  rule,
  field: 'spec.containerName',
  cause: 'Invalid',
  value: 'main',
  message: 'no',
  ...more,
})

const verdictOf = (
  after: readonly Finding[],
  before: readonly Finding[] = [],
  overrides: ActionOverrides = {},
): string => judge(after, before, overrides).verdict

describe('the default verdict', () => {
  test('of nothing is to allow', () => {
    expect(judge([], [finding('invalidPoolRef')], {})).toStrictEqual({ verdict: 'allow', findings: [] })
  })

  test.each([
    ['deny', 'invalidPoolRef'],
    ['deny', 'invalidObjectiveRef'],
    ['deny', 'missingObjectiveRef'],
    ['deny', 'invalidPoolSelector'],
    ['deny', 'unsupportedMode'],
    ['deny', 'invalidServiceAccountName'],
    ['deny', 'invalidContainerName'],
    ['deny', 'unexpectedContainerName'],
    ['deny', 'unsafeSelector'],
    ['deny', 'invalidSpiffeId'],
    ['deny', 'identityCollision'],
    ['warn', 'inferencePoolCrdMissing'],
    ['warn', 'targetPoolNotFound'],
    ['warn', 'inferenceObjectiveCrdMissing'],
    ['warn', 'targetObjectiveNotFound'],
    ['warn', 'objectiveOfAnotherPool'],
    ['warn', 'clusterSpiffeIdCrdMissing'],
  ] as const)('is %s for %s', (verdict, rule) => {
    expect(verdictOf([finding(rule)])).toBe(verdict)
  })

  test('is the worst of all, and each keeps its own action', () => {
    const both = judge([finding('targetPoolNotFound'), finding('unsupportedMode')], [], {})
    expect(both.verdict).toBe('deny')
    expect(both.findings.map(({ action }) => action)).toStrictEqual(['warn', 'deny'])
  })
})

describe('only new harm is refused', () => {
  const collision = finding('identityCollision', { collisionKey: 'one' })

  test.each([
    ['a failure that was there before', finding('unsupportedMode'), finding('unsupportedMode')],
    ['with other words', finding('unsupportedMode'), finding('unsupportedMode', { message: 'other' })],
    ['a collision with more peers', collision, { ...collision, message: 'other' }],
    [
      'no value, then and now',
      finding('invalidPoolRef', { value: undefined }),
      finding('invalidPoolRef', { value: undefined }),
    ],
  ])('%s is a warning', (_title, before, after) => {
    expect(verdictOf([after], [before])).toBe('warn')
  })

  test.each([
    ['another reason', finding('unsupportedMode'), finding('invalidPoolRef')],
    ['another field', finding('invalidPoolRef'), finding('invalidPoolRef', { field: 'spec.poolRef.group' })],
    ['another value', finding('unsupportedMode'), finding('unsupportedMode', { value: 'x' })],
    [
      'a value where none was',
      finding('invalidContainerName', { value: undefined }),
      finding('invalidContainerName'),
    ],
    [
      'text for a number',
      finding('unsupportedMode', { value: 7 }),
      finding('unsupportedMode', { value: '7' }),
    ],
    [
      'an empty text where none was',
      finding('invalidContainerName', { value: undefined }),
      finding('invalidContainerName', { value: '' }),
    ],
    [
      'another end of a long text',
      finding('unsupportedMode', { value: `${'x'.repeat(2000)}a` }),
      finding('unsupportedMode', { value: `${'x'.repeat(2000)}b` }),
    ],
    [
      'another object',
      finding('unsupportedMode', { value: { a: 1 } }),
      finding('unsupportedMode', { value: { a: 2 } }),
    ],
    ['another key', collision, { ...collision, collisionKey: 'two' }],
    ['the first of its kind', finding('targetPoolNotFound'), collision],
  ])('%s is new', (_title, before, after) => {
    expect(verdictOf([after], [before])).toBe('deny')
  })

  test('with one old and one new failure the new one is refused', () => {
    const { verdict, findings } = judge(
      [finding('unsupportedMode'), collision],
      [finding('unsupportedMode')],
      {},
    )
    expect(verdict).toBe('deny')
    expect(findings.map(({ action }) => action)).toStrictEqual(['warn', 'deny'])
  })
})

const toAll = (action: 'deny' | 'warn' | 'ignore'): ActionOverrides =>
  Object.fromEntries(Object.values(rules).map(({ reason }) => [reason, action]))

describe('actions that are configured', () => {
  const names = Object.keys(rules).filter((name): name is RuleName => Object.hasOwn(rules, name))
  const configurable = names.filter((name) => rules[name].configurable)
  const fixed = names.filter((name) => !rules[name].configurable)

  test.each(configurable)('count for %s', (rule) => {
    expect(verdictOf([finding(rule)], [], toAll('deny'))).toBe('deny')
    expect(verdictOf([finding(rule)], [], toAll('warn'))).toBe('warn')
    expect(verdictOf([finding(rule)], [], toAll('ignore'))).toBe('allow')
  })

  test.each(fixed)('do not for %s, which the CRD refuses too', (rule) => {
    expect(verdictOf([finding(rule)], [], toAll('ignore'))).toBe(rules[rule].action)
  })

  test('may be set for three that are denied and for all that are warned about', () => {
    const denied = configurable.filter((rule) => rules[rule].action === 'deny')
    expect(denied).toStrictEqual(['invalidPoolSelector', 'identityCollision', 'pendingCollision'])
    expect(
      names.filter((rule) => rules[rule].action === 'warn' && !configurable.includes(rule)),
    ).toStrictEqual([])
    expect(configurableReasons).toContain('InvalidObjectiveRef')
    expect(configurableReasons).not.toContain('InvalidPoolRef')
  })

  test('for InvalidObjectiveRef mean the objective, not the reference', () => {
    const overrides = { InvalidObjectiveRef: 'ignore' } as const
    expect(verdictOf([finding('objectiveOfAnotherPool')], [], overrides)).toBe('allow')
    expect(verdictOf([finding('invalidObjectiveRef')], [], overrides)).toBe('deny')
  })

  test('never make an old failure more than a warning, and an ignored one not even that', () => {
    const old = finding('targetPoolNotFound')
    expect(verdictOf([old], [old], { TargetPoolNotFound: 'deny' })).toBe('warn')
    expect(verdictOf([old], [old], { TargetPoolNotFound: 'ignore' })).toBe('allow')
  })
})
