import { definitionResource } from '../../../../src/core/resources.ts'
import { until, type Cluster } from '../../support/cluster.ts'

/** Has the kinds of other projects served, so that manifests with such objects can be applied. Nothing acts on the objects. */
export async function serveAsStubs(cluster: Cluster, group: string, kinds: readonly string[]): Promise<void> {
  for (const kind of kinds) {
    const plural = `${kind.toLowerCase()}s`
    await cluster.create(definitionResource, {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${plural}.${group}` },
      spec: {
        group,
        scope: 'Namespaced',
        names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        ],
      },
    })
    await until(`${plural} are served`, async () => {
      const { code } = await cluster.client.get(`/apis/${group}/v1/${plural}`)
      return code === 200
    })
  }
}
