import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { objectOr, textOr, type JsonObject } from '../../src/core/json.ts'
import { at, listAt, textAt } from '../deploy/manifests.ts'
import { holdPage, root } from './pages.ts'
import { code, row, writtenFrom } from './tables.ts'

const definition = objectOr(
  parse(readFileSync(join(root, 'deploy/crd/inferenceidentitybindings.yaml'), 'utf8')),
)
const version = listAt(definition, 'spec', 'versions')[0] ?? {}

const partOf = (name: string): JsonObject =>
  objectOr(at(version, 'schema', 'openAPIV3Schema', 'properties', name))

const propertiesOf = (schema: JsonObject): readonly (readonly [string, JsonObject])[] =>
  Object.entries(objectOr(schema['properties'])).map(([name, one]) => [name, objectOr(one)])

/** A field and all below it, by their paths. */
function* fields(path: string, schema: JsonObject): Generator<readonly [string, JsonObject, boolean]> {
  const { required } = schema
  for (const [name, one] of propertiesOf(schema)) {
    const here = `${path}.${name}`
    yield [here, one, Array.isArray(required) && required.includes(name)]
    yield* fields(here, one)
    yield* fields(`${here}[]`, objectOr(one['items']))
  }
}

function typeOf(field: JsonObject): string {
  const type = textAt(field, 'type')
  const format = textOr(field['format'], '')
  if (type === 'array') return `list of ${textAt(field, 'items', 'type')}s`
  return format === '' ? type : `${type} (${format})`
}

const fieldRows = (name: string): string =>
  [...fields(name, partOf(name))]
    .map(([path, one, isRequired]) => {
      const fallback =
        one['default'] === undefined ? '' : ` Default: ${code(JSON.stringify(one['default']))}.`
      return row(code(path), typeOf(one), isRequired ? 'yes' : '', textAt(one, 'description') + fallback)
    })
    .join('')

/** Each rule of the schema, by the field that its failure names. */
function* rulesBelow(path: string, schema: JsonObject): Generator<readonly [string, string]> {
  for (const rule of listAt(schema, 'x-kubernetes-validations'))
    yield [path + textAt(rule, 'fieldPath'), textAt(rule, 'message')]
  for (const [name, one] of propertiesOf(schema)) yield* rulesBelow(`${path}.${name}`, one)
}

test('docs/reference/binding.md holds every field, rule and column of the CustomResourceDefinition', () => {
  const rules = [...rulesBelow('spec', partOf('spec'))]
  const columns = listAt(version, 'additionalPrinterColumns')
  expect(rules.length).toBeGreaterThan(5)
  expect(columns.length).toBeGreaterThan(5)
  holdPage(
    'docs/reference/binding.md',
    `# InferenceIdentityBinding

${writtenFrom('deploy/crd', 'test/docs/binding-reference.test.ts')}
Group and version \`${textAt(definition, 'spec', 'group')}/${textAt(version, 'name')}\`, namespaced, short name \`iib\`. \`kubectl explain iib.spec\` shows the
same. [concepts.md](../concepts.md) says what the fields are for, and [troubleshooting.md](../troubleshooting.md) what each reason means.

## Spec

| Field | Type | Required | Meaning |
| --- | --- | --- | --- |
${fieldRows('spec')}
Each text of the spec has at most 1,024 characters: without such a bound the API server takes the rules below for too costly to
evaluate, and refuses the CustomResourceDefinition. No name in Kubernetes has more than 253.

## What the CustomResourceDefinition alone refuses

The API server applies these rules itself, so that they hold while no replica of the operator answers. Each message begins
with the condition and the reason.

| Where | Message |
| --- | --- |
${rules.map(([path, message]) => row(code(path), message)).join('')}
## Status

The operator writes the status. Nobody else needs to.

| Field | Type | Required | Meaning |
| --- | --- | --- | --- |
${fieldRows('status')}
## What \`kubectl get iib\` shows

| Column | Field |
| --- | --- |
${columns.map((column) => row(textAt(column, 'name'), code(textAt(column, 'jsonPath')))).join('')}`,
  )
})
