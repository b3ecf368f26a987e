import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { describeReal } from '../support/real.ts'
import { build, deploy, type Manifests } from './manifests.ts'

const objects = [
  {
    apiVersion: 'inference.networking.k8s.io/v1',
    kind: 'InferencePool',
    metadata: { name: 'chat' },
    spec: { selector: { matchLabels: { app: 'vllm' } } },
  },
  {
    apiVersion: 'llm-d.ai/v1alpha2',
    kind: 'InferenceObjective',
    metadata: { name: 'fast' },
    spec: { poolRef: { name: 'chat', namespace: 'default' } },
  },
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'server' } },
  {
    apiVersion: 'kleym.sonda.red/v1alpha1',
    kind: 'InferenceIdentityBinding',
    metadata: { name: 'new', annotations: { 'kleym.sonda.red/replaces': 'old' } },
    spec: { poolRef: { name: 'chat' }, objectiveRef: { name: 'fast' }, serviceAccountName: 'server' },
  },
  {
    apiVersion: 'kleym.sonda.red/v1alpha1',
    kind: 'InferenceIdentityBinding',
    metadata: { name: 'old' },
    spec: { poolRef: { name: 'chat' }, objectiveRef: { name: 'elsewhere' }, serviceAccountName: 'default' },
  },
]

/** A kustomization of somebody who has pools, objectives and bindings, under other names. */
async function renamed(components: readonly string[]): Promise<Manifests> {
  const directory = await mkdtemp(join(tmpdir(), 'bindings-'))
  try {
    await writeFile(
      join(directory, 'all.json'),
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
    )
    const kustomization = {
      resources: ['all.json'],
      components: components.map((name) => relative(directory, join(deploy, 'components', name))),
      namePrefix: 'a-',
      nameSuffix: '-z',
      namespace: 'prod',
    }
    await writeFile(join(directory, 'kustomization.yaml'), JSON.stringify(kustomization))
    return await build(directory)
  } finally {
    await rm(directory, { recursive: true })
  }
}

describeReal('the component for bindings', () => {
  test('has a binding follow the names of what it refers to, where that is among the resources', async () => {
    const mine = await renamed(['bindings'])
    expect(mine.named('InferenceIdentityBinding', 'a-new-z')).toMatchObject({
      metadata: { namespace: 'prod', annotations: { 'kleym.sonda.red/replaces': 'a-old-z' } },
      spec: {
        poolRef: { name: 'a-chat-z' },
        objectiveRef: { name: 'a-fast-z' },
        serviceAccountName: 'a-server-z',
      },
    })
    expect(mine.named('InferenceIdentityBinding', 'a-old-z')).toMatchObject({
      spec: { objectiveRef: { name: 'elsewhere' }, serviceAccountName: 'default' },
    })
    expect(mine.only('InferenceObjective')).toMatchObject({
      spec: { poolRef: { name: 'a-chat-z', namespace: 'prod' } },
    })
  })

  test('is what does it', async () => {
    expect((await renamed([])).named('InferenceIdentityBinding', 'a-new-z')).toMatchObject({
      spec: { poolRef: { name: 'chat' } },
    })
  })
})
