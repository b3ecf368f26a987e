import type { Check } from '../facts.ts'
import { finding } from '../findings.ts'
import { clusterSpiffeIdResource, crdName } from '../resources.ts'

export const outputKindIsServed: Check = ({ world }) => {
  if (world.isServed(clusterSpiffeIdResource)) return undefined
  const crd = crdName(clusterSpiffeIdResource)
  return finding(
    'clusterSpiffeIdCrdMissing',
    { field: 'spec', cause: 'NotFound', value: crd },
    `spec: no CustomResourceDefinition serves its ClusterSPIFFEID (${crd})`,
  )
}
