import { beforeEach, expect, test, vi } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { objectsOf } from '../../src/cli/manifests.ts'

vi.mock('yaml', { spy: true })

beforeEach(() => {
  vi.mocked(parseAllDocuments).mockClear()
})

const list = `kind: List
items:
  - apiVersion: v1
    kind: Namespace
  - kind: NamespaceList
    items:
      - { apiVersion: v1, kind: Namespace }

      - apiVersion: v1
        kind: Namespace
        metadata:
          name: last
`

test('a List is parsed once for the lines of all its items', () => {
  const places = objectsOf(list, 'x.yaml').objects.map(({ place }) => place)
  expect(places.map(({ line }) => line)).toEqual([3, 7, 9])
  expect(parseAllDocuments).toHaveBeenCalledTimes(1)

  const [, , last] = places
  expect(last?.lineOf(['metadata', 'name'])).toBe(12)
  expect(last?.lineOf([])).toBe(9)
})

test('a List is parsed once more for the lines of fields, however many are asked', () => {
  const places = objectsOf(list, 'x.yaml').objects.map(({ place }) => place)
  expect(places.map(({ lineOf }) => lineOf(['kind']))).toEqual([4, 7, 10])
  expect(parseAllDocuments).toHaveBeenCalledTimes(2)
})
