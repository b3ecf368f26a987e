import { beforeAll, describe, expect, test } from 'vitest'
import { objectOr, type JsonObject } from '../../../../src/core/json.ts'
import { version } from '../../../../src/version.ts'
import {
  at,
  containerOf,
  listAt,
  nameOf,
  overlayOf,
  podTemplateOf,
  textAt,
  type Manifests,
} from '../../../deploy/manifests.ts'
import { accountOf, type RunningPod, type Site } from '../support/site.ts'
import { serveAsStubs } from '../support/stubs.ts'
import { isCalledByItsServices, judges, makeWay } from './refusal.ts'

const variants: readonly (readonly [string, JsonObject])[] = [
  ['namespace', { namespace: 'identities' }],
  ['namePrefix', { namePrefix: 'team-' }],
  ['nameSuffix', { nameSuffix: '-blue' }],
  ['commonLabels', { commonLabels: { team: 'serving' } }],
  [
    'labels and images',
    {
      labels: [{ pairs: { team: 'serving' }, includeSelectors: true }],
      images: [{ name: 'kleym-operator', newName: 'registry.example.com/kleym-operator', newTag: '9.9.9' }],
    },
  ],
]

/** The trust domain, as a user writes it into a kustomization. */
const trustDomain: JsonObject = {
  configMapGenerator: [
    {
      name: 'kleym-operator-config',
      namespace: 'kleym-system',
      behavior: 'merge',
      literals: ['KLEYM_TRUST_DOMAIN=example.org'],
    },
  ],
}

export function variantsSuite(site: () => Site): void {
  describe('deploy', () => {
    test.each(variants)('with %s judges bindings, under the ServiceAccount that it is given', (_, changes) =>
      works(site(), changes, '.'),
    )
  })

  describe('deploy/overlays/cert-manager', () => {
    beforeAll(() => serveAsStubs(site().cluster, 'cert-manager.io', ['Issuer', 'Certificate']))

    test.each(variants)('with %s judges bindings, with the certificate that is asked for', (_, changes) =>
      works(site(), changes, 'overlays/cert-manager'),
    )
  })
}

async function works(site: Site, changes: JsonObject, over: string): Promise<void> {
  await using overlay = await overlayOf({ ...trustDomain, ...changes }, { over })
  const installation = await site.kustomized(overlay.directory)
  const { manifests } = installation
  // The labels of its selector, which commonLabels are among, can't be changed: whoever has one already deletes it first.
  const deployment = manifests.only('Deployment')
  const { namespace } = accountOf(manifests)
  await site.kubectl('delete', 'deployment', nameOf(deployment), '-n', namespace, '--ignore-not-found')
  await site.install(installation)
  let pod: RunningPod | undefined
  try {
    pod = await site.start(manifests)
    await judges(site)
    await isCalledByItsServices(site, manifests)
    expect(pod.log()).not.toContain('"level":"error"')
  } finally {
    await pod?.stop('SIGKILL')
    await makeWay(site, manifests)
  }
  expect(await usersOf(site)).toContain(userOf(manifests))
  expect(prioritised(manifests)).toEqual([{ name: '*', namespace: accountOf(manifests).namespace }])
  expect(issuersOf(manifests)).toEqual(expect.arrayContaining([...askedOf(manifests)]))
  expect(containerOf(manifests).env['KLEYM_TRUST_DOMAIN']).toBe('example.org')
  const pods = objectOr(at(podTemplateOf(manifests), 'metadata', 'labels'))
  for (const selector of selectorsOf(manifests)) {
    expect(selector).toMatchObject(labelsOf(changes))
    expect(pods).toMatchObject(selector)
  }
  expect(containerOf(manifests).image).toBe(imageOf(changes))
}

/** The labels that a kustomization gives to selectors too. */
const labelsOf = (changes: JsonObject): JsonObject => ({
  ...objectOr(changes['commonLabels']),
  ...objectOr(at(listAt(changes, 'labels')[0], 'pairs')),
})

function imageOf(changes: JsonObject): string {
  const [image] = listAt(changes, 'images')
  return image ? `${textAt(image, 'newName')}:${textAt(image, 'newTag')}` : `kleym-operator:${version}`
}

/** The selectors by which the operator's pods are found. */
const selectorsOf = (manifests: Manifests): readonly JsonObject[] => [
  ...manifests.all('Service').map((one) => objectOr(at(one, 'spec', 'selector'))),
  objectOr(at(manifests.only('Deployment'), 'spec', 'selector', 'matchLabels')),
  objectOr(at(manifests.only('PodDisruptionBudget'), 'spec', 'selector', 'matchLabels')),
  ...manifests.all('NetworkPolicy').map((one) => objectOr(at(one, 'spec', 'podSelector', 'matchLabels'))),
]

const usersOf = async ({ audit }: Site): Promise<ReadonlySet<string>> =>
  new Set((await audit.requests()).map(({ user }) => user))

function userOf(manifests: Manifests): string {
  const { namespace, name } = accountOf(manifests)
  return `system:serviceaccount:${namespace}:${name}`
}

/** Whose requests the FlowSchema lets pass. */
const prioritised = (manifests: Manifests): readonly unknown[] =>
  listAt(manifests.only('FlowSchema'), 'spec', 'rules')
    .flatMap((rule) => listAt(rule, 'subjects'))
    .map((subject) => at(subject, 'serviceAccount'))

const issuersOf = (manifests: Manifests): readonly string[] => manifests.all('Issuer').map(nameOf)

const askedOf = (manifests: Manifests): readonly string[] =>
  manifests.all('Certificate').map((one) => textAt(one, 'spec', 'issuerRef', 'name'))
