import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Client } from '../../src/kube/client.ts'
import { kubectl } from '../support/kubectl.ts'
import { describeReal, freshNamespace } from '../support/real.ts'
import { admissionCases, reconcileCases } from '../support/vectors.ts'
import { accepted, poolOnly, refused } from './crd-cases.ts'
import { asPrinted, causesOfCore, causesOfCrd, connect, findingsOfCore, manifest } from './crd-doors.ts'

// Names that are nearly right are likelier than chance has them.
const bits = fc.constantFrom(
  'a',
  'main',
  'llm-d.ai',
  'PoolOnly',
  'A',
  '0',
  '-',
  '.',
  '_',
  ' ',
  '\t',
  '\n',
  '"',
  '\\',
)
const spaces = fc.constantFrom('\u0085', '\u00a0', '\u1680', '\u2003', '\u2028', '\u3000', '\ufeff', '\u200b')
const groups = fc.constantFrom(
  'inference.networking.k8s.io',
  'inference.networking.x-k8s.io',
  'llm-d.ai',
  ' llm-d.ai ',
)
const specs = (text: fc.Arbitrary<string>): fc.Arbitrary<object> => {
  const optional = fc.option(text, { nil: null })
  const group = fc.oneof(groups, optional)
  return fc.record(
    {
      mode: fc.oneof(fc.constantFrom('PoolOnly', 'PerObjective', '', null), text),
      poolRef: fc.record({ name: text, group }, { requiredKeys: ['name'] }),
      objectiveRef: fc.option(fc.record({ name: optional, group }, { requiredKeys: [] }), { nil: null }),
      serviceAccountName: text,
      containerName: optional,
    },
    { requiredKeys: ['poolRef', 'serviceAccountName'] },
  )
}
const tidy = fc.array(bits, { maxLength: 4 }).map((parts) => parts.join(''))
const wild = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.array(fc.oneof(bits, spaces), { maxLength: 4 }).map((parts) => parts.join('')),
)

describeReal('the CRD alone', () => {
  let client: Client
  let namespace: string
  beforeAll(async () => {
    client = connect()
    namespace = await freshNamespace('crd')
  })
  afterAll(() => client.close())

  test.each(accepted)('accepts %s', async (_title, spec) => {
    expect(findingsOfCore(spec)).toEqual([])
    expect(await causesOfCrd(client, namespace, spec)).toEqual([])
  })

  test.each(refused)('refuses, in the words of the core, %s', async (_title, spec, ...names) => {
    expect(findingsOfCore(spec).map(({ rule }) => rule)).toEqual(names)
    expect(await causesOfCrd(client, namespace, spec)).toEqual(causesOfCore(spec))
  })

  test.each([253, 1])('accepts a binding name of %i characters', async (size) => {
    const body = JSON.stringify(manifest(poolOnly, 'n'.repeat(size)))
    const { code, stderr } = await kubectl(['create', '--dry-run=server', '-n', namespace, '-f', '-'], {
      input: body,
    })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  test.each([
    ['no poolRef', { ...poolOnly, poolRef: undefined }, 'spec.poolRef'],
    ['poolRef null', { ...poolOnly, poolRef: null }, 'spec.poolRef'],
    ['no poolRef.name', { ...poolOnly, poolRef: {} }, 'spec.poolRef.name'],
    ['no service account', { ...poolOnly, serviceAccountName: undefined }, 'spec.serviceAccountName'],
    ['service account null', { ...poolOnly, serviceAccountName: null }, 'spec.serviceAccountName'],
    ['no spec', undefined, 'spec'],
  ])('refuses %s as the schema does', async (_title, spec, field) => {
    expect(findingsOfCore(spec).length).toBeGreaterThan(0)
    expect(await causesOfCrd(client, namespace, spec)).toContainEqual({
      reason: 'FieldValueRequired',
      field,
      message: 'Required value',
    })
  })

  describe('as kubectl prints it', () => {
    const lastOfEach = [
      ...new Map(refused.filter((one) => one.length === 3).map((one) => [one[2], one])).values(),
    ]

    test.each(lastOfEach)('%s is refused with exit code 1 and one line', async (_title, spec) => {
      const { code, stderr } = await kubectl(['apply', '-n', namespace, '-f', '-'], {
        input: JSON.stringify(manifest(spec)),
      })
      const lines = causesOfCore(spec).map(({ field, message }) => `${field}: ${message}`)
      expect(lines).toHaveLength(1)
      expect({ code, stderr: asPrinted(stderr) }).toEqual({
        code: 1,
        stderr: `The InferenceIdentityBinding "chat" is invalid: ${lines.join('')}\n`,
      })
    })

    test('all problems are listed at once', async () => {
      const spec = { poolRef: { name: '' }, objectiveRef: {}, serviceAccountName: 'X', containerName: 'a.b' }
      const { code, stderr } = await kubectl(['apply', '-n', namespace, '-f', '-'], {
        input: JSON.stringify(manifest(spec)),
      })
      const lines = causesOfCore(spec).map(({ field, message }) => `* ${field}: ${message}`)
      expect(lines).toHaveLength(4)
      const [title, ...printed] = stderr.trimEnd().split('\n')
      expect({ code, title, printed: printed.map(asPrinted).toSorted() }).toEqual({
        code: 1,
        title: 'The InferenceIdentityBinding "chat" is invalid: ',
        printed: lines.toSorted(),
      })
    })
  })

  test.each(admissionCases)('decides $id $title', async ({ binding, expect: { admitted } }) => {
    const { code, stderr } = await kubectl(['create', '--dry-run=server', '-n', namespace, '-f', '-'], {
      input: JSON.stringify({ ...binding, metadata: { name: binding.metadata.name } }),
    })
    expect({ code, isInvalid: stderr.includes('is invalid') }).toEqual({
      code: admitted ? 0 : 1,
      isInvalid: !admitted,
    })
  })

  test.each(reconcileCases)('says of $id $title what the core says of it', async ({ binding: { spec } }) => {
    expect(await causesOfCrd(client, namespace, spec)).toEqual(causesOfCore(spec))
  })

  test('says of any spec what the core says of it', async () => {
    await fc.assert(
      fc.asyncProperty(specs(tidy), async (spec) => {
        expect(await causesOfCrd(client, namespace, spec)).toEqual(causesOfCore(spec))
      }),
      { numRuns: 300 },
    )
  })

  test('refuses whatever text the core refuses, at the same fields, and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(specs(wild), async (spec) => {
        const fields = (await causesOfCrd(client, namespace, spec)).map(({ field }) => field)
        expect(fields.toSorted()).toEqual(
          findingsOfCore(spec)
            .map(({ field }) => field)
            .toSorted(),
        )
      }),
      { numRuns: 300 },
    )
  })
})
