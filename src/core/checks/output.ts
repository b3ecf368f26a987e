import type { Check } from '../facts.ts'
import { finding } from '../findings.ts'
import { clusterSpiffeIdResource, crdName } from '../resources.ts'
import { unreadAmong, unreadFinding } from './references.ts'

export const outputKindIsServed: Check = ({ world }) => {
  if (world.isServed(clusterSpiffeIdResource)) return undefined
  const crd = crdName(clusterSpiffeIdResource)
  const rule = 'clusterSpiffeIdCrdMissing'
  const at = { field: 'spec', cause: 'NotFound', value: crd } as const
  return (
    unreadFinding(rule, at, 'spec:', unreadAmong([clusterSpiffeIdResource], world)) ??
    finding(rule, at, `spec: no CustomResourceDefinition serves its ClusterSPIFFEID (${crd})`)
  )
}
