import { readFileSync } from 'node:fs'
import {
  gvk,
  allResources,
  clusterSpiffeIdResource,
  optionalResources,
  type Resource,
} from '../../src/core/resources.ts'

/** A Kubernetes object as a manifest has it. */
export type Manifest = {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown }
  readonly spec?: unknown
  readonly [field: string]: unknown
}

/** What a binding settles on. What a case does not mention is not looked at. */
export type Settled = {
  readonly ready: 'True' | 'False'
  readonly condition: string
  readonly reason: string
  readonly message?: string
  readonly spiffeID?: string
  readonly selectors?: readonly string[]
  readonly podSelector?: unknown
  readonly namespaceSelector?: unknown
  readonly clusterSPIFFEIDName?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly hint?: string
  readonly className?: string
}

type Given = {
  readonly id: string
  readonly title: string
  readonly trustDomain: string
  readonly className: string
  readonly binding: Manifest
  readonly pools: readonly Manifest[]
  readonly objectives: readonly Manifest[]
  readonly otherBindings: readonly Manifest[]
}

export type ReconcileCase = Given & {
  readonly kind: 'reconcile'
  readonly served?: readonly string[]
  readonly existing?: readonly {
    readonly for?: string
    readonly ns?: string
    readonly name: string
    readonly spec?: Readonly<Record<string, unknown>>
  }[]
  readonly expect: Settled & {
    readonly otherExpect?: Readonly<Record<string, Settled>>
    /** Set where admission refuses the binding of which `expect` says what the loop would settle on. */
    readonly admission?: 'denied'
  }
}

export type AdmissionCase = Given & {
  readonly kind: 'admission'
  readonly expect: {
    readonly admitted: boolean
    /** Fields of the spec as they are once defaults have been filled in. */
    readonly stored?: Readonly<Record<string, unknown>>
  }
}

export type ConfigCase = {
  readonly id: string
  readonly title: string
  readonly kind: 'operatorConfig'
  readonly flags: Readonly<Record<string, string>>
  readonly env: Readonly<Record<string, string>>
  readonly expect: {
    readonly valid: boolean
    readonly trustDomain: string | null
    readonly className: string | null
  }
}

/** The worked cases of the contract, one JSON list beside the tests. */
const cases: readonly (ReconcileCase | AdmissionCase | ConfigCase)[] = JSON.parse(
  readFileSync(new URL('../vectors.json', import.meta.url), 'utf8'),
)

export const reconcileCases = cases.filter((one) => one.kind === 'reconcile')
export const admissionCases = cases.filter((one) => one.kind === 'admission')
export const configCases = cases.filter((one) => one.kind === 'operatorConfig')

/** The optional kinds that a case has in its cluster: all, unless it says which. */
export const servedIn = (one: { readonly served?: readonly string[] }): readonly Resource[] =>
  optionalResources.filter(
    (resource) =>
      one.served === undefined ||
      one.served.includes(gvk(resource)) ||
      (resource === clusterSpiffeIdResource && one.served.includes('csid')),
  )

export const resourceOf = ({ apiVersion, kind }: Pick<Manifest, 'apiVersion' | 'kind'>): Resource => {
  const found = allResources.find(
    (resource) => `${resource.group}/${resource.version}` === apiVersion && resource.kind === kind,
  )
  if (!found) throw new Error(`no resource for ${apiVersion} ${kind}`)
  return found
}
