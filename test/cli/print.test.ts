import { describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { binding, inventoryOf, objective, pool, poolOnly, renderedFrom } from '../support/builders.ts'
import { checked, listOf, verdictsOn } from './checking.ts'

const good = [pool(), objective()]

describe('the JSON', () => {
  test('is what the contract says, for a binding that is refused', async () => {
    const [refused] = await verdictsOn([...good, poolOnly({ spec: { containerName: 'main' } })])
    expect(refused).toStrictEqual({
      namespace: 'default',
      name: 'chat',
      mode: 'PoolOnly',
      verdict: 'deny',
      findings: [
        {
          condition: 'RenderFailure',
          reason: 'UnexpectedContainerName',
          action: 'deny',
          field: 'spec.containerName',
          value: 'main',
          message:
            'spec.containerName "main" has no place in a PoolOnly binding; remove it, or set spec.mode to PerObjective',
          line: 1,
        },
      ],
      status: { observedGeneration: 1, conditions: expect.any(Array), trustDomain: 'example.org' },
      clusterSPIFFEID: null,
      file: 'standard input',
      line: 1,
    })
  })

  test('shows the output and the status of one that is ready as the loop would write them', async () => {
    const [one] = await verdictsOn(
      [...good, binding({ metadata: { generation: 3 } })],
      '--clusterspiffeid-class-name=gpu',
    )
    const world = inventoryOf([...good, binding()], { className: 'gpu' })
    const wanted = renderedFrom(binding(), world)
    expect(one?.clusterSPIFFEID).toStrictEqual(wanted)
    expect(one?.status).toMatchObject({
      conditions: [{ type: 'Ready', status: 'True', observedGeneration: 3 }, {}, {}, {}, {}],
      clusterSPIFFEIDClassName: 'gpu',
      computedSpiffeIDs: [{ mode: 'PerObjective', spiffeID: wanted.spec['spiffeIDTemplate'] }],
      renderedClusterSPIFFEID: { name: wanted.metadata.name },
    })
  })

  test('of no binding at all is an empty list, and a word about it', async () => {
    expect(await checked(['-f', '-', '-o', 'json'], listOf(good))).toStrictEqual({
      code: 0,
      stdout: `${JSON.stringify({ bindings: [], references: [], objects: [], summary: { checked: 2, denied: 0, warned: 0 } }, undefined, 2)}\n`,
      stderr: 'kleym: no InferenceIdentityBinding found\n',
    })
  })
})

const yamlOf = async (items: readonly unknown[]): Promise<string> =>
  (await checked(['-f', '-', '-o', 'yaml'], listOf(items))).stdout

describe('the YAML', () => {
  const objects = [
    ...good,
    poolOnly({ name: 'z' }),
    poolOnly({ name: 'a', spec: { serviceAccountName: 'b' } }),
  ]
  test('is the ClusterSPIFFEIDs alone, sorted by name, and loads as what is rendered', async () => {
    const documents = parseAllDocuments(
      await yamlOf([...objects, poolOnly({ name: 'm', spec: { mode: 'x' } })]),
    )
    const world = inventoryOf(objects)
    expect(documents.map((document): unknown => document.toJS())).toStrictEqual(
      [objects[3], objects[2]].map((one) => one && renderedFrom(one, world)),
    )
  })

  test('is the same to the byte whatever the order of the input', async () => {
    const text = await yamlOf(objects)
    expect(text).toContain('kind: ClusterSPIFFEID')
    expect(await yamlOf(objects.toReversed())).toBe(text)
    expect(await yamlOf(objects)).toBe(text)
  })

  test('quotes what YAML would read as something else', async () => {
    const labels = { a: 'true', b: '1e3', c: 'null', d: '0777', e: 'yes', f: '1.0' }
    const text = await yamlOf([pool({ selector: { matchLabels: labels } }), poolOnly()])
    const loaded: unknown = parse(text)
    expect(loaded).toMatchObject({ spec: { podSelector: { matchLabels: labels } } })
    // kubectl reads YAML 1.1, which takes more unquoted words for booleans and numbers than YAML 1.2.
    expect(text).not.toMatch(/: (?:yes|true|null|1e3|0777|1\.0)$/m)
  })

  test('of nothing is nothing', async () => {
    expect(await yamlOf(good)).toBe('')
  })

  test('leaves the reasons for what is missing from it to standard error', async () => {
    const refused = poolOnly({ name: 'm', spec: { mode: 'x' } })
    const { code, stderr } = await checked(['-f', '-', '-o', 'yaml'], listOf([...objects, refused]))
    const { stdout } = await checked(['-f', '-'], listOf([...good, refused]))
    // The last lines are about the order of the whole input, and how many there were.
    const verdicts = stdout.split('\n').slice(0, -3).join('\n')
    expect({ code, stderr }).toStrictEqual({ code: 2, stderr: `${verdicts}\n` })
    expect(stderr).toContain('RenderFailure/UnsupportedMode')
  })
})

describe('the text', () => {
  test('is what a person reads', async () => {
    const { code, stdout, stderr } = await checked(
      ['-f', '-'],
      listOf([
        pool(),
        pool({ name: 'unsafe', selector: { matchLabels: { app: '' } } }),
        objective(),
        binding({ name: 'chat-a' }),
        binding({ name: 'chat-b' }),
        poolOnly({ name: 'chat-c', spec: { poolRef: { name: 'unsafe' }, containerName: 'main' } }),
        poolOnly({ name: 'early', spec: { poolRef: { name: 'later' } } }),
        poolOnly({ name: 'fine', spec: { serviceAccountName: 'other' } }),
      ]),
    )
    expect({ code, stderr }).toStrictEqual({ code: 2, stderr: '' })
    const { name } = renderedFrom(
      poolOnly({ name: 'fine', spec: { serviceAccountName: 'other' } }),
      inventoryOf([pool(), poolOnly({ name: 'fine', spec: { serviceAccountName: 'other' } })]),
    ).metadata
    expect(stdout).toBe(`\
standard input:1: allow default/chat-a (PerObjective)
  not Ready if all of this were applied: IdentityCollision
  without what is refused: spiffe://example.org/ns/default/objective/chat
standard input:1: deny  default/chat-b (PerObjective)
  deny spec.containerName: Duplicate value: "main": Conflict/IdentityCollision: identity collision with bindings chat-a: PerObjective bindings must not share the same pod selector and container name
    give this binding, or the one that the refusal names, another container, pool or service account; or, if this binding is only a new name for that one, set its annotation kleym.sonda.red/replaces to the name of that one
standard input:1: deny  default/chat-c (PoolOnly)
  deny spec.poolRef.name: Invalid value: "unsafe": UnsafeSelector/InvalidPoolSelector: spec.poolRef.name "unsafe": InferencePool spec.selector.matchLabels["app"] "" is not a non-empty label value: give it a value or remove the key; let the pool select by labels alone: in spec.selector.matchLabels or, in group inference.networking.x-k8s.io, right in spec.selector
  deny spec.containerName: Forbidden: RenderFailure/UnexpectedContainerName: spec.containerName "main" has no place in a PoolOnly binding; remove it, or set spec.mode to PerObjective
standard input:1: warn  default/early (PoolOnly)
  warn spec.poolRef.name: Not found: "later": InvalidRef/TargetPoolNotFound: spec.poolRef.name "later": no such InferencePool in namespace "default" (asked inference.networking.k8s.io, inference.networking.x-k8s.io); create the pool or correct the name
  not Ready if all of this were applied: TargetPoolNotFound
standard input:1: allow default/fine (PoolOnly)
  spiffe://example.org/ns/default/pool/chat
  ClusterSPIFFEID ${name}
applied in another order, something of this is refused too
8 checked, 2 denied, 1 warned
`)
  })

  test('leaves out what is ignored, and what is ignored denies nothing', async () => {
    const { code, stdout } = await checked(
      ['-f', '-', '--webhook-action=IdentityCollision=ignore'],
      listOf([...good, binding({ name: 'a' }), binding({ name: 'b' })]),
    )
    expect(code).toBe(0)
    expect(stdout).toContain('allow default/b (PerObjective)\n  not Ready')
  })

  test.each([[{ toString: 1, valueOf: 1 }], ['\u001b[2J'], [['PoolOnly']], [7]])(
    'shows the mode %j without harm',
    async (mode) => {
      const { code, stdout } = await checked(['-f', '-'], listOf([...good, binding({ spec: { mode } })]))
      expect(code).toBe(2)
      expect(stdout).toMatch(/^standard input:1: deny {2}default\/chat \([ -~…]+\)\n/)
    },
  )
})
