import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeLabelSelector, maySelect, selects } from '../../src/core/label-selector.ts'

const gold = { app: 'chat', tier: 'gold' }
const expression = (operator: string, values?: readonly string[], key = 'tier') => ({
  matchExpressions: [{ key, operator, ...(values && { values }) }],
})

/** Whether a selector selects pods with exactly the labels `gold`, and whether it may select pods that have more labels. */
const judged = (selector: unknown) => {
  const decoded = decodeLabelSelector(selector)
  return decoded && [selects(decoded, gold), maySelect(decoded, gold)]
}

describe('a label selector', () => {
  test.each([
    ['that is absent', undefined, true, true],
    ['that is empty', {}, true, true],
    ['by labels that are there', { matchLabels: { app: 'chat' } }, true, true],
    ['by another value', { matchLabels: { app: 'other' } }, false, false],
    ['by a label that is not known', { matchLabels: { zone: 'a' } }, false, true],
    ['In, of the value', expression('In', ['silver', 'gold']), true, true],
    ['In, of others', expression('In', ['silver']), false, false],
    ['In, of an unknown label', expression('In', ['a'], 'zone'), false, true],
    ['NotIn, of the value', expression('NotIn', ['gold']), false, false],
    ['NotIn, of others', expression('NotIn', ['silver']), true, true],
    ['NotIn, of an unknown label', expression('NotIn', ['a'], 'zone'), true, true],
    ['Exists, of one that is there', expression('Exists'), true, true],
    ['Exists, of an unknown label', expression('Exists', undefined, 'zone'), false, true],
    ['DoesNotExist, of one that is there', expression('DoesNotExist'), false, false],
    ['DoesNotExist, of an unknown label', expression('DoesNotExist', undefined, 'zone'), true, true],
    ['by both, of which one fails', { matchLabels: { app: 'x' }, ...expression('Exists') }, false, false],
    ['by a label of Object', { matchLabels: { constructor: 'x' } }, false, true],
  ])('%s', (_title, selector, exactly, perhaps) => {
    expect(judged(selector)).toEqual([exactly, perhaps])
  })

  test.each([['text'], [{ matchExpressions: 'x' }], [expression('Like', ['x'])]])(
    'like %j can not be read',
    (selector) => {
      expect(judged(selector)).toBeUndefined()
    },
  )

  test('of any JSON is read or not, and what selects an object may select it', () => {
    const label = fc.constantFrom('a', 'b', 'c')
    const labels = fc.dictionary(label, label, { noNullPrototype: true })
    const expressions = fc.array(
      fc.record({
        key: label,
        operator: fc.constantFrom('In', 'NotIn', 'Exists', 'DoesNotExist'),
        values: fc.array(label),
      }),
    )
    const selector = fc.oneof(
      fc.jsonValue(),
      fc.record({ matchLabels: labels, matchExpressions: expressions }),
    )
    fc.assert(
      fc.property(selector, labels, labels, (one, known, more) => {
        const decoded = decodeLabelSelector(one)
        if (!decoded || !selects(decoded, { ...more, ...known })) return
        expect(maySelect(decoded, known)).toBe(true)
      }),
    )
  })
})
