import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { homeProblem } from '../../src/core/checks/identity.ts'
import { composeIdentity, isSpiffeId, spiffeId } from '../../src/core/identity.ts'
import { podLabels } from '../../src/core/selectors.ts'
import { dnsLabels, labels, subdomains } from '../support/arbitraries.ts'

/** An ID of so many bytes. */
const of = (bytes: number): string => 'spiffe://d/'.padEnd(bytes, 'x')

describe('a SPIFFE ID', () => {
  test('is made of the names of what it stands for', () => {
    expect(spiffeId('example.org', 'ns', 'PoolOnly', 'chat')).toBe('spiffe://example.org/ns/ns/pool/chat')
    expect(spiffeId('example.org', 'ns', 'PerObjective', 'a.b')).toBe(
      'spiffe://example.org/ns/ns/objective/a.b',
    )
  })

  test.each([
    ['spiffe://d/a'],
    ['spiffe://a-b_c.0/A-Z_a.z/...'],
    ['spiffe://d/.a/..b'],
    [`spiffe://${'d'.repeat(255)}/a`],
    [of(2048)],
  ])('%s is one', (id) => {
    expect(isSpiffeId(id)).toBe(true)
  })

  test.each([
    [''],
    ['spiffe://d'],
    ['spiffe://d/'],
    ['spiffe://d/a/'],
    ['spiffe://d//a'],
    ['spiffe:///a'],
    ['spiffe://D/a'],
    ['SPIFFE://d/a'],
    ['https://d/a'],
    ['spiffe://d:8080/a'],
    ['spiffe://u@d/a'],
    ['spiffe://d/.'],
    ['spiffe://d/..'],
    ['spiffe://d/./a'],
    ['spiffe://d/a/../b'],
    ['spiffe://d/a?b'],
    ['spiffe://d/a#b'],
    ['spiffe://d/a b'],
    ['spiffe://d/a\n'],
    ['\nspiffe://d/a'],
    ['spiffe://d/%41'],
    ['spiffe://d/é'],
    ['spiffe://d/{{.}}'],
    [`spiffe://${'d'.repeat(256)}/a`],
    [of(2049)],
  ])('%s is none', (id) => {
    expect(isSpiffeId(id)).toBe(false)
  })

  test('is one for every name that Kubernetes allows', () => {
    fc.assert(
      fc.property(
        dnsLabels,
        subdomains,
        fc.constantFrom('PoolOnly', 'PerObjective'),
        (namespace, name, mode) => {
          expect(isSpiffeId(spiffeId('example.org', namespace, mode, name))).toBe(true)
        },
      ),
    )
  })
})

describe('selectors stay at home', () => {
  const home = ['k8s:container-name:main', 'k8s:ns:ns', 'k8s:pod-label:app:a', 'k8s:sa:server']

  test.each([
    ['as they are rendered', home, undefined],
    ['without the namespace', home.toSpliced(1, 1), 'confined to k8s:ns:ns'],
    ['in another namespace', home.with(1, 'k8s:ns:other'), 'confined to k8s:ns:ns'],
    ['in a namespace that starts alike', home.with(1, 'k8s:ns:ns2'), 'confined to k8s:ns:ns'],
    ['in two namespaces', [...home, 'k8s:ns:other'], 'confined to k8s:ns:ns'],
    ['without a service account', home.slice(0, 3), 'confined to k8s:sa:server'],
    ['of another service account', home.with(3, 'k8s:sa:root'), 'confined to k8s:sa:server'],
    ['of two service accounts', [...home, 'k8s:sa:root'], 'confined to k8s:sa:server'],
    ['twice the same', [...home, 'k8s:pod-label:app:a'], 'repeats'],
    ['twice the same namespace', [...home, 'k8s:ns:ns'], 'repeats'],
    ['with a template', home.with(2, 'k8s:pod-label:app:{{ .PodMeta.Name }}'), 'template'],
    ['not at all', [], 'confined to k8s:ns:ns'],
  ])('%s', (_title, selectors, problem) => {
    const found = homeProblem(selectors, 'ns', 'server')
    expect(found ?? 'none').toContain(problem ?? 'none')
  })

  test('for every identity that is made', () => {
    fc.assert(
      fc.property(
        dnsLabels,
        subdomains,
        labels,
        fc.option(dnsLabels, { nil: undefined }),
        (ns, sa, some, main) => {
          const identity = composeIdentity({
            namespace: ns,
            mode: main === undefined ? 'PoolOnly' : 'PerObjective',
            spiffeId: 'spiffe://d/a',
            poolGroup: 'g',
            serviceAccountName: sa,
            pods: podLabels(some),
            container: main,
          })
          expect(homeProblem(identity.selectors, ns, sa)).toBeUndefined()
          expect(identity.collisionKey === undefined).toBe(main === undefined)
        },
      ),
    )
  })
})
