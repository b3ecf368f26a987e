import { describe, expect, test } from 'vitest'
import { fateOf, decodeStats, lacksIdentity, notProcessed, statsWords } from '../../src/core/output-stats.ts'
import { clusterSpiffeId, inventoryOf, removed, upserted } from '../support/builders.ts'

const fine = { namespacesSelected: 1, podsSelected: 3, entriesToSet: 3 }
const statsOf = (stats: Readonly<Record<string, number>>) => decodeStats({ stats: { ...fine, ...stats } })

const names = (outputs: Iterable<{ readonly name: string }>) => [...outputs].map(({ name }) => name)

describe('what SPIRE Controller Manager wrote', () => {
  test.each([
    [undefined, 'not_processed', true],
    [{ namespacesIgnored: 1, podEntryRenderFailures: 1 }, 'namespace_ignored', true],
    [{ podEntryRenderFailures: 1, entriesToSet: 2 }, 'render_failures', true],
    [{ entryFailures: 1, entriesMasked: 1 }, 'entry_failures', true],
    [{ entriesMasked: 3, entriesToSet: 0 }, 'masked', false],
    [{ podsSelected: 0, entriesToSet: 0 }, 'no_pods', false],
    [{}, 'entries', false],
  ] as const)('as %j is %s', (stats, fate, trouble) => {
    const decoded = stats && statsOf(stats)
    expect(fateOf(decoded)).toBe(fate)
    expect(lacksIdentity(fate)).toBe(trouble)
  })

  test.each([undefined, null, {}, { stats: null }, { stats: 'x' }])('as %j is nothing', (status) => {
    expect(decodeStats(status)).toBeUndefined()
  })

  test('is told in words, one sentence for each count above zero', () => {
    expect(statsWords(statsOf({}), 'nothing')).toEqual(['3 pods selected, 3 entries'])
    expect(
      statsWords(
        statsOf({ namespacesIgnored: 1, podEntryRenderFailures: 2, entryFailures: 4, entriesMasked: 5 }),
        'nothing',
      ),
    ).toEqual([
      expect.stringContaining('ignoreNamespaces'),
      expect.stringContaining(
        'for 2 of 3 pods: most likely SPIRE Controller Manager is of another trust domain',
      ),
      expect.stringContaining('refused 4 entries'),
      expect.stringContaining('5 entries are masked'),
      '3 pods selected, 3 entries',
    ])
    expect(statsWords(undefined, 'nothing')).toEqual(['nothing'])
    expect(notProcessed('ours')).toContain('another class than "ours"')
    expect(notProcessed(undefined)).toContain('watchClassless: false')
  })
})

describe('in the inventory', () => {
  const annotations = { 'kleym.sonda.red/binding': 'default/chat' }
  const output = clusterSpiffeId('kleym-default-chat-objective-d964193d', { uid: 'u', annotations })
  const processed = { ...output, status: { stats: fine } }

  test('a status that SPIRE Controller Manager writes concerns nobody', () => {
    const inventory = inventoryOf([output])
    const version = { ...processed, metadata: { ...processed.metadata, resourceVersion: '7' } }
    expect([...inventory.apply(upserted(version))]).toEqual([])
    expect(inventory.output(output.metadata.name)).toMatchObject({
      resourceVersion: '7',
      stats: { podsSelected: 3, entryFailures: 0 },
    })
    expect([...inventory.apply(upserted({ ...version, spec: { hint: 'edited' } }))]).toEqual(['default/chat'])
  })

  test('our outputs without statistics are known as unprocessed, until they have some', () => {
    const inventory = inventoryOf([output, clusterSpiffeId('foreign')])
    expect(names(inventory.outputs())).toEqual([output.metadata.name])
    expect(names([...inventory.unprocessed()])).toEqual([output.metadata.name])
    inventory.apply(upserted(processed))
    expect(names([...inventory.unprocessed()])).toEqual([])
    inventory.apply(upserted(output))
    inventory.apply(removed(output))
    expect(names([...inventory.unprocessed()])).toEqual([])
    expect(names(inventory.outputs())).toEqual([])
  })

  test('an output that changes while all are gone through comes once', () => {
    const others = ['a', 'b'].map((name) =>
      clusterSpiffeId(`kleym-default-${name}-pool-0123abcd`, {
        uid: name,
        annotations: { 'kleym.sonda.red/binding': `default/${name}` },
      }),
    )
    const inventory = inventoryOf([output, ...others])
    const ways = [Iterator.from(inventory.outputs()), inventory.unprocessed()]
    for (const way of ways) expect(way.next().value).toMatchObject({ name: output.metadata.name })
    inventory.apply(upserted({ ...output, spec: { hint: 'edited' } }))
    for (const way of ways) expect([...way].map(({ uid }) => uid)).toEqual(['a', 'b'])
  })

  test('of the ClusterSPIFFEIDs of others only the existence is kept', () => {
    const large = { spiffeIDTemplate: 'x'.repeat(10_000), workloadSelectorTemplates: ['x'] }
    const inventory = inventoryOf([clusterSpiffeId('foreign', {}, large)])
    const { name, spec, labels } = inventory.output('foreign') ?? {}
    expect({ name, spec, labels }).toStrictEqual({ name: 'foreign', spec: {}, labels: {} })
  })
})
