import { readFile } from 'node:fs/promises'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { parse } from 'yaml'
import { objectOr, type JsonObject } from '../../src/core/json.ts'
import { kubectl } from '../support/kubectl.ts'
import { describeReal } from '../support/real.ts'
import { at, listAt, textAt } from './manifests.ts'

type Field = { readonly path: string; readonly description: string }

const file = new URL('../../deploy/crd/inferenceidentitybindings.yaml', import.meta.url)
const [version] = listAt(parse(await readFile(file, 'utf8')), 'spec', 'versions')
const schema = objectOr(at(version, 'schema', 'openAPIV3Schema'))

/** Every field below, however deep, by the path that kubectl explain takes. What is in the metadata is not ours to describe. */
function fieldsOf(node: JsonObject, path: string): readonly Field[] {
  const properties = { ...objectOr(node['properties']), ...objectOr(at(node, 'items', 'properties')) }
  return Object.entries(properties)
    .filter(([name]) => name !== 'metadata')
    .flatMap(([name, value]) => {
      const inner = `${path}.${name}`
      const field = objectOr(value)
      return [{ path: inner, description: textAt(field, 'description') }, ...fieldsOf(field, inner)]
    })
}

const root = 'inferenceidentitybinding'
const fields = fieldsOf(schema, root)
/** The fields without apiVersion and kind, for which the API server says the same of every kind. */
const explained = fields.filter(({ path }) => ![`${root}.apiVersion`, `${root}.kind`].includes(path))
const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('.'))
const nameIn = (path: string): string => path.slice(path.lastIndexOf('.') + 1)

describe('the description of', () => {
  test.each(fields)('$path is at least a sentence, for users', ({ path, description }) => {
    expect(description).toMatch(/^[A-Z].*\.$/u)
    expect(description.split(' ').length).toBeGreaterThanOrEqual(5)
    // What generators leave of the source in Go: its field's name as the first word, markers and types.
    expect(description.toLowerCase().split(' ')[0]).not.toBe(nameIn(path).toLowerCase())
    expect(description).not.toMatch(
      /\b(?:nil|struct|pointer|omitempty|metav1|u?int(?:32|64)?|json:)\b|\+\w+/u,
    )
  })

  test('no field is missing', () => {
    expect(fields.length).toBeGreaterThan(25)
  })
})

const isExplained = async (): Promise<void> => {
  expect(await kubectl(['explain', root])).toMatchObject({ code: 0 })
}

describeReal('kubectl explain', () => {
  // The API server serves a kind a moment before it describes it.
  beforeAll(() => vi.waitFor(isExplained, { timeout: 30_000, interval: 100 }), 60_000)

  test('lists every field', async () => {
    const { stdout } = await kubectl(['explain', root, '--recursive'])
    for (const { path } of fields) expect(stdout).toMatch(new RegExp(`^ +${nameIn(path)}\\t`, 'mu'))
  })

  test.each([...new Set(explained.map(({ path }) => parentOf(path)))])(
    'says of each field in %s what it is',
    async (parent) => {
      const { stdout } = await kubectl(['explain', parent])
      // It breaks lines where they are full.
      const words = stdout.replaceAll(/\s+/gu, ' ')
      for (const { path, description } of explained.filter((one) => parentOf(one.path) === parent)) {
        expect(words).toContain(` ${nameIn(path)} <`)
        expect(words).toContain(description)
      }
    },
  )

  test('marks what is required', async () => {
    const { stdout } = await kubectl(['explain', 'iib.spec'])
    expect(stdout).toMatch(/^ +poolRef\t<Object> -required-$/mu)
    expect(stdout).toMatch(/^ +serviceAccountName\t<string> -required-$/mu)
    expect(stdout).toMatch(/^ +objectiveRef\t<Object>$/mu)
  })
})
