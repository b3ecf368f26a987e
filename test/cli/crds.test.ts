import { describe, expect, test } from 'vitest'
import { pool } from '../support/builders.ts'
import { checked, folderWith, listOf } from './checking.ts'

const definition = (schema: object): string =>
  JSON.stringify({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    spec: {
      group: 'inference.networking.k8s.io',
      names: { kind: 'InferencePool' },
      versions: [
        {
          name: 'v1',
          served: true,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, ...schema },
              },
            },
          },
        },
      ],
    },
  })

describe('--crds', () => {
  const objects = listOf([pool({ selector: { matchLabels: { app: 'chat' }, any: 1 } })])

  test('counts instead of the schema that is known', async () => {
    await using folder = await folderWith({ 'crd.json': definition({ required: ['tier'] }) })
    const { stdout } = await checked(['-f', '-', '--crds', folder.path], objects)
    expect(stdout).toContain('deny spec.tier: Required value')
    expect(stdout).not.toContain('unknown field')
  })

  test.each(['List', 'CustomResourceDefinitionList'])(
    'is found in a %s, beside what is no object',
    async (kind) => {
      const { apiVersion, spec } = JSON.parse(definition({ required: ['tier'] }))
      const item = kind === 'List' ? { apiVersion, kind: 'CustomResourceDefinition', spec } : { spec }
      const crds = JSON.stringify({ apiVersion: kind === 'List' ? 'v1' : apiVersion, kind, items: [item] })
      await using folder = await folderWith({ 'crds.json': crds, 'kustomization.yaml': 'resources: [x]\n' })
      const { code, stdout } = await checked(['-f', '-', '--crds', folder.path], objects)
      expect(code).toBe(2)
      expect(stdout).toContain('deny spec.tier: Required value')
    },
  )

  test('what of it is not applied is said', async () => {
    const rules = { 'x-kubernetes-validations': [{ rule: 'self.a == 1' }], oneOf: [{}] }
    await using folder = await folderWith({ 'crd.json': definition(rules) })
    const { code, stderr } = await checked(['-f', '-', '--crds', folder.at('crd.json')], objects)
    expect(code).toBe(0)
    expect(stderr).toContain(
      'kleym: of InferencePool of inference.networking.k8s.io/v1 is not applied here: 1 rule in CEL; oneOf\n',
    )
  })

  test('that holds none is a mistake', async () => {
    await using folder = await folderWith({ 'x.json': JSON.stringify(pool()) })
    const { code, stderr } = await checked(['-f', '-', '--crds', folder.path], objects)
    expect({ code, stderr }).toStrictEqual({
      code: 4,
      stderr: `kleym: --crds ${folder.path}: it holds no CustomResourceDefinition that serves anything\n`,
    })
  })
})
