import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import type { JsonObject } from '../../src/core/json.ts'
import { binding, objective, pool, poolOnly } from '../support/builders.ts'
import { bindingsIn, checked, folderWith, listOf, verdictsOn, live } from './checking.ts'

const good = [pool(), objective()]
const verdicts = async (...objects: readonly unknown[]): Promise<readonly string[]> =>
  (await verdictsOn(objects)).map(({ name, verdict }) => `${name} ${verdict}`)

test.each([
  [['-f', '-', '--trust-domain', '-o', 'json'], 'kleym: --trust-domain: its value is missing; write '],
  [['--trust-domain', 'a', '-f'], 'kleym: -f: its value is missing; write '],
])('a value that is missing is one mistake: %j', async (argv, words) => {
  const { code, stderr } = await checked(argv, '', {}, {})
  expect({ code, lines: stderr.trimEnd().split('\n') }).toStrictEqual({
    code: 4,
    lines: [expect.stringContaining(words)],
  })
})

describe('bindings are applied in the order given', () => {
  const [a, b] = [binding({ name: 'a' }), binding({ name: 'b' })]

  test('of two that collide the later one is refused, and neither would be ready', async () => {
    expect(await verdicts(...good, a, b)).toStrictEqual(['a allow', 'b deny'])
    expect(await verdicts(...good, b, a)).toStrictEqual(['b allow', 'a deny'])
    const both = await verdictsOn([...good, a, b])
    expect(both.map(({ clusterSPIFFEID }) => clusterSPIFFEID)).toStrictEqual([null, null])
  })

  test('pools and objectives count wherever they are', async () => {
    expect(await verdicts(a, objective(), pool())).toStrictEqual(['a allow'])
  })

  test('one that was refused is not there for the next', async () => {
    const alsoB = binding({ name: 'c', spec: { containerName: 'side' } })
    const both = binding({ name: 'b', spec: { containerName: 'side', serviceAccountName: '' } })
    expect(await verdicts(...good, both, alsoB)).toStrictEqual(['b deny', 'c allow'])
  })

  test('one that is being deleted holds nothing, and is past judging', async () => {
    const status = { conditions: [], trustDomain: 'old.example.org' }
    const leaving = {
      ...binding({ name: 'a', metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }),
      status,
    }
    expect(await verdicts(...good, leaving, b)).toStrictEqual(['a allow', 'b allow'])
    expect(await verdicts(...good, b, leaving)).toStrictEqual(['b allow', 'a allow'])
    const [last] = await verdictsOn([...good, leaving])
    expect(last).toMatchObject({ findings: [], status, clusterSPIFFEID: null })
  })

  const { name: _, ...nameless } = binding().metadata
  const unnamed = (spec: JsonObject = {}) => ({
    ...binding({ spec }),
    metadata: { ...nameless, generateName: 'chat-' },
  })

  test('one that the API server is to name is called by what its name is to begin with', async () => {
    const { stdout } = await checked(['-f', '-'], stringify(unnamed({ mode: 'Both' })))
    expect(stdout).toMatch(/^standard input:1: deny {2}default\/chat-00001 \("Both"\)$/m)
  })

  test('two that the API server is to name are two, also where they stand on the same line', async () => {
    const text = listOf([...good, unnamed()])
    await using folder = await folderWith({ 'a.json': text, 'b.json': listOf([unnamed()]) })
    expect(await verdicts(...good, unnamed(), unnamed())).toStrictEqual([
      'chat-00003 allow',
      'chat-00004 deny',
    ])
    const { code, stdout } = await checked(['-f', folder.path, '-o', 'json'])
    expect(bindingsIn(stdout).map(({ name, verdict }) => `${name} ${verdict}`)).toStrictEqual([
      'chat-00003 allow',
      'chat-00004 deny',
    ])
    expect(code).toBe(2)
  })

  test('of two whose ClusterSPIFFEIDs get one name the first one has it', async () => {
    // Found by search: the hashes of their SPIFFE IDs begin alike.
    const scenes = [
      { namespace: 'a', name: 'b-c', objectiveRef: { name: 'o28198' } },
      { namespace: 'a-b', name: 'c', objectiveRef: { name: 'o9466' } },
    ].map(({ namespace, name, objectiveRef }) => [
      pool({ namespace }),
      objective({ namespace, name: objectiveRef.name }),
      binding({ namespace, name, spec: { objectiveRef } }),
    ])
    // In the last order the first one is not complete until the second one is.
    const late = scenes.map((objects, at) => (at === 0 ? objects.slice(-1) : objects))
    for (const objects of [scenes, scenes.toReversed(), [...late, ...scenes.slice(0, 1)]]) {
      const [first, second] = await verdictsOn(objects.flat())
      expect(first?.clusterSPIFFEID?.metadata['name']).toBe('kleym-a-b-c-objective-830afa89')
      expect(second).toMatchObject({ verdict: 'allow', clusterSPIFFEID: null })
      expect(second?.status.conditions[0]?.reason).toBe('ManagedOutputApplyFailed')
    }
  })
})

describe('the same name again is an update', () => {
  const broken = binding({ spec: { objectiveRef: { name: 'x' } } })

  test('of which only new harm is refused', async () => {
    const peer = binding({ name: 'peer', spec: { objectiveRef: { name: 'second' }, containerName: 'side' } })
    const moved = binding({ spec: { containerName: 'side' } })
    expect(await verdicts(...good, objective({ name: 'second' }), peer, binding(), moved)).toStrictEqual([
      'peer allow',
      'chat allow',
      'chat deny',
    ])
  })

  test('and old harm is a warning', async () => {
    const unsafe = [pool({ selector: {} }), objective()]
    const overridden = await checked(
      ['-f', '-', '-o', 'json', '--webhook-action', 'InvalidPoolSelector=warn'],
      listOf([...unsafe, binding(), binding({ spec: { containerName: 'side' } })]),
    )
    expect(bindingsIn(overridden.stdout).map(({ verdict }) => verdict)).toStrictEqual(['warn', 'warn'])
    expect(await verdicts(...unsafe, binding(), binding())).toStrictEqual(['chat deny', 'chat deny'])
  })

  test('after which the last one counts', async () => {
    const [first, last] = await verdictsOn([...good, broken, binding()])
    expect(first).toMatchObject({ verdict: 'warn', findings: [{ reason: 'TargetObjectiveNotFound' }] })
    expect(last).toMatchObject({ verdict: 'allow', findings: [] })
    expect(last?.clusterSPIFFEID).not.toBeNull()
  })

  test('in another namespace is another binding', async () => {
    const abroad = [pool({ namespace: 'x' }), objective({ namespace: 'x' }), binding({ namespace: 'x' })]
    expect(await verdicts(...good, binding(), ...abroad)).toStrictEqual(['chat allow', 'chat allow'])
  })
})

describe('beside a cluster', () => {
  test('what the cluster holds counts, and only what is in the files is judged', async () => {
    const { stdout } = await checked(
      ['--live', '-f', '-', '-o', 'json'],
      listOf([binding({ name: 'b' })]),
      live(...good, binding({ name: 'a' })),
    )
    expect(bindingsIn(stdout).map(({ name, verdict }) => `${name} ${verdict}`)).toStrictEqual(['b deny'])
  })

  test('a binding that is there already is updated', async () => {
    const unsafe = [pool({ selector: {} }), objective()]
    const { code, stdout } = await checked(
      ['--live', '-f', '-', '-o', 'json'],
      listOf([binding()]),
      live(...unsafe, binding()),
    )
    expect(code).toBe(0)
    expect(bindingsIn(stdout)[0]?.verdict).toBe('warn')
  })

  test('without files, what is there is judged as if it came today', async () => {
    const { code, stdout } = await checked(
      ['--live', '-o', 'json'],
      '',
      live(...good, binding({ name: 'a' }), binding({ name: 'b' })),
    )
    expect(code).toBe(2)
    expect(bindingsIn(stdout).map(({ name, verdict }) => `${name} ${verdict}`)).toStrictEqual([
      'a deny',
      'b deny',
    ])
  })

  test('that can not be read, nothing is judged', async () => {
    expect(await checked(['--live'], '')).toStrictEqual({
      code: 4,
      stdout: '',
      stderr: 'kleym: there is no cluster here\n',
    })
  })
})

test('kinds that do not count as served are missing', async () => {
  const [one] = await verdictsOn(
    [...good, binding()],
    '--served',
    'csid,inference.networking.k8s.io/v1/InferencePool',
  )
  expect(one).toMatchObject({ verdict: 'warn', findings: [{ reason: 'InferenceObjectiveCRDMissing' }] })
})

test('kinds that are served may be named one by one', async () => {
  const both = ['--served', 'csid', '--served=inference.networking.k8s.io/v1/InferencePool']
  expect(await verdictsOn([pool(), poolOnly()], ...both)).toMatchObject([{ verdict: 'allow', findings: [] }])
})

test('what has no namespace is in the one of -n', async () => {
  const homeless = [pool(), objective(), binding()].map((object) => ({
    ...object,
    metadata: { name: object.metadata.name },
  }))
  const text = homeless.map((object) => stringify(object)).join('---\n')
  const [named, defaulted] = await Promise.all([
    checked(['-f', '-', '-o', 'json', '-n', 'team'], text),
    checked(['-f', '-', '-o', 'json'], text),
  ])
  expect(bindingsIn(named.stdout)).toMatchObject([{ namespace: 'team', verdict: 'allow' }])
  expect(bindingsIn(defaulted.stdout)).toMatchObject([{ namespace: 'default', verdict: 'allow' }])
})
