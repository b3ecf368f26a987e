import type { Reference } from '../core/binding.ts'
import { rules } from '../core/findings.ts'
import {
  bindingResource,
  clusterSpiffeIdResource,
  gvk,
  objectiveResources,
  poolResources,
  type Resource,
} from '../core/resources.ts'
import { unreadFix, unreadWords } from '../core/unread.ts'
import type { Snapshot } from './cluster.ts'
import { refTo, type ReportFinding } from './report-finding.ts'

/** What of several kinds, of which one is enough, is needed. */
type Need = {
  readonly reason: string
  readonly anyOf: readonly Resource[]
  readonly fix: string
  /** What to do if a reference names a group. */
  readonly fixWithGroup?: string
}

const { inferencePoolCrdMissing, inferenceObjectiveCrdMissing } = rules

export const needs = {
  bindings: {
    reason: 'InferenceIdentityBindingCRDMissing',
    anyOf: [bindingResource],
    fix: 'install the operator',
  },
  outputs: {
    reason: 'ClusterSPIFFEIDCRDMissing',
    anyOf: [clusterSpiffeIdResource],
    fix: 'install SPIRE Controller Manager',
  },
  pools: {
    reason: 'GAIECRDMissing',
    anyOf: poolResources,
    fix: inferencePoolCrdMissing.fix,
    fixWithGroup: inferencePoolCrdMissing.fixWithGroup,
  },
  objectives: {
    reason: 'GAIECRDMissing',
    anyOf: objectiveResources,
    fix: inferenceObjectiveCrdMissing.fix,
    fixWithGroup: inferenceObjectiveCrdMissing.fixWithGroup,
  },
} as const satisfies { readonly [kind: string]: Need }

/** A finding for each need of which no kind is served. */
export const missingKinds = (
  wanted: readonly Need[],
  { served, unread = [] }: Pick<Snapshot, 'served' | 'unread'>,
): readonly ReportFinding[] =>
  wanted
    .filter(({ anyOf }) => !anyOf.some((one) => served.includes(one)))
    .map(({ reason, anyOf, fix }) => {
      const others = unread.filter(({ resource }) => anyOf.includes(resource))
      const missing = `no CustomResourceDefinition serves ${anyOf.map(gvk).join(' or ')}`
      return {
        id: 'crd-missing',
        severity: 'error',
        reason,
        message: others.length > 0 ? others.map(unreadWords).join(' and ') : missing,
        affectedRefs: anyOf.map((resource) => refTo(resource, {})),
        fix: others.length > 0 ? unreadFix : fix,
      }
    })

/** The part of a need that a reference asks for: the kinds of its group, or all if it names no group. */
export const neededBy = (need: Need, { group }: Reference): Need =>
  group === undefined
    ? need
    : {
        ...need,
        anyOf: need.anyOf.filter((one) => one.group === group),
        fix: need.fixWithGroup ?? need.fix,
      }
