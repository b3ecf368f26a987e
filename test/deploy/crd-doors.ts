import { decodeBinding } from '../../src/core/binding.ts'
import { evaluate } from '../../src/core/evaluate.ts'
import { causeWords, explain, type CauseType as Kind, type Finding } from '../../src/core/findings.ts'
import { Inventory } from '../../src/core/inventory.ts'
import { objectOr, type JsonObject } from '../../src/core/json.ts'
import { bindingResource } from '../../src/core/resources.ts'
import { createClient, resourcePath, type Client } from '../../src/kube/client.ts'
import { loadKubeConfig } from '../../src/kube/config.ts'
import { testedMinor } from '../support/controlplane/minor.ts'
import { controlPlane } from '../support/real.ts'
import { rulesOfTheSpec } from '../support/rule-names.ts'

/** One binding's spec goes through two doors: the CRD alone, and the core. Both answer in the same terms. */
export type Cause = { readonly reason: string; readonly field: string; readonly message: string }

/** They need nothing else, so an empty cluster will do. */
const cluster = new Inventory({ trustDomain: 'example.org', className: undefined })

export const manifest = (spec: unknown, name = 'chat'): JsonObject => ({
  apiVersion: `${bindingResource.group}/${bindingResource.version}`,
  kind: bindingResource.kind,
  metadata: { name },
  spec,
})

export function findingsOfCore(spec: unknown): readonly Finding[] {
  const { findings } = evaluate(decodeBinding(manifest(spec)), cluster)
  return findings.filter(({ rule }) => rulesOfTheSpec.has(rule))
}

export const causesOfCore = (spec: unknown): readonly Cause[] =>
  sorted(
    findingsOfCore(spec).map((finding) => {
      const { cause, field } = finding
      const words = causeWords({ cause, value: written(spec, field) })
      return { reason: reasons[cause], field, message: asPrinted(`${words}: ${explain(finding)}`) }
    }),
  )

/**
 * Where the tests run on a minor before 1.35, the API server prints the type of the value, and not the value, of what breaks a
 * rule (apiextensions-apiserver, pkg/apiserver/schema/cel/validation.go). There its own words about the value are left out.
 */
const printsValues = testedMinor >= 35

/** A line about a problem, as all minors print it. */
export const asPrinted = (line: string): string =>
  printsValues ? line : line.replace(/Invalid value: .*?: (?=\w+\/\w+: )/u, 'Invalid value: ')

/** metav1.CauseType */
const reasons: Readonly<Record<Kind, string>> = {
  Required: 'FieldValueRequired',
  Invalid: 'FieldValueInvalid',
  Forbidden: 'FieldValueForbidden',
  Duplicate: 'FieldValueDuplicate',
  NotFound: 'FieldValueNotFound',
}

/** The API server shows the value of a leaf untrimmed. */
const written = (spec: unknown, field: string): unknown =>
  field
    .split('.')
    .slice(1)
    .reduce((value, name) => objectOr(value)[name], spec)

export function connect(): Client {
  return createClient(loadKubeConfig({ kubeconfig: controlPlane().kubeconfig }))
}

/** A dry run: only the CRD decides, and nothing is stored. */
export async function causesOfCrd(
  client: Client,
  namespace: string,
  spec: unknown,
): Promise<readonly Cause[]> {
  const answer = await client.call({
    method: 'POST',
    path: resourcePath(bindingResource, { namespace }),
    query: { dryRun: 'All' },
    body: manifest(spec),
  })
  if (answer.kind === 'ok') return []
  if (answer.kind === 'lost' || answer.code !== 422) throw new Error(`no verdict: ${JSON.stringify(answer)}`)
  const { causes } = objectOr(objectOr(answer.body)['details'])
  if (!Array.isArray(causes)) throw new Error(`no causes: ${answer.message}`)
  return sorted(
    (causes as readonly Cause[]).map((cause) => ({ ...cause, message: asPrinted(cause.message) })),
  )
}

const sorted = (causes: readonly Cause[]): readonly Cause[] =>
  causes.toSorted((a, b) => (a.field + a.message < b.field + b.message ? -1 : 1))
