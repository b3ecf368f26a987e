import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { isObject, type JsonObject } from '../../src/core/json.ts'
import { bindingResource, gvk } from '../../src/core/resources.ts'
import { definitionsIn } from '../../src/schema/definition.ts'
import { knownDefinitions } from '../../src/schema/kinds.ts'
import { isKnownRule, unknownRules } from '../../src/schema/rules.ts'
import type { Schema } from '../../src/schema/schema.ts'

const root = join(import.meta.dirname, '../..')

const published = globSync(['test/crds/*.yaml', 'deploy/crd/inference*.yaml'], { cwd: root }).flatMap(
  (path) => {
    const object: unknown = parse(readFileSync(join(root, path), 'utf8'))
    return isObject(object) ? definitionsIn(object).map((definition) => ({ path, ...definition })) : []
  },
)

/** Words for lists whose items come in no order, which only a status has. */
const forLists = new Set(['x-kubernetes-list-type', 'x-kubernetes-list-map-keys'])

/** A schema without the rules that the core stands for and the keywords that refuse nothing in a spec. */
const comparable = (schema: unknown, isOurs: boolean): unknown =>
  Array.isArray(schema)
    ? schema.map((one: unknown) => comparable(one, isOurs))
    : isObject(schema)
      ? Object.fromEntries(
          Object.entries(schema)
            .filter(([word]) => !forLists.has(word) && !(isOurs && word === 'x-kubernetes-validations'))
            .map(([word, inner]) => [word, comparable(inner, isOurs)]),
        )
      : schema

/** The names of fields alone. */
const shape = ({ properties, items }: Schema): JsonObject => ({
  ...(properties && {
    properties: Object.fromEntries(Object.entries(properties).map(([name, inner]) => [name, shape(inner)])),
  }),
  ...(items && { items: shape(items) }),
})

function withShapedStatus(schema: Schema | undefined, isOurs: boolean): unknown {
  const { properties: { status = {}, ...properties } = {}, ...rest } = schema ?? {}
  return { spec: comparable({ ...rest, properties }, isOurs), status: shape(status) }
}

const knownOf = (gvkText: string): Schema | undefined =>
  knownDefinitions.find((one) => `${one.group}/${one.version}/${one.kind}` === gvkText)?.schema

describe('the schemas that are known', () => {
  test.each(published)('are those that are published: $path', ({ group, version, kind, schema, unread }) => {
    const name = `${group}/${version}/${kind}`
    const isOurs = name === gvk(bindingResource)
    expect(withShapedStatus(knownOf(name), isOurs)).toEqual(withShapedStatus(schema, isOurs))
    expect(unread).toEqual([])
  })

  test('are published by somebody', () => {
    const names = new Set(published.map(({ group, version, kind }) => `${group}/${version}/${kind}`))
    const unheard = knownDefinitions.filter(
      ({ group, version, kind, schema }) => schema && !names.has(`${group}/${version}/${kind}`),
    )
    expect(unheard).toEqual([])
    expect(published.length).toBeGreaterThan(5)
  })

  test('have rules in CEL that are functions here, but for ours, which the core stands for', () => {
    const foreign = published.filter(({ group }) => group !== bindingResource.group)
    expect(foreign.flatMap(({ schema }) => unknownRules(schema))).toEqual([])
    expect(isKnownRule("self.kind != 'Service' || has(self.port)")).toBe(true)
  })
})
