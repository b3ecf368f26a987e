import { explain } from '../core/findings.ts'
import { lossesBy } from '../core/impact.ts'
import type { Inventory } from '../core/inventory.ts'
import { field, objectOr, textOr } from '../core/json.ts'
import { objectiveResources, poolResources } from '../core/resources.ts'
import type { AdmissionRequest, AdmissionResponse } from './admission-review.ts'

/** Bindings that are named one by one; the rest is counted. */
const nameAtMost = 10

/**
 * The webhook on pools and objectives: says which bindings lose their identity by the change, and never refuses
 * one, since pools belong to others.
 */
export const warning =
  (inventory: Inventory) =>
  (request: AdmissionRequest): Promise<AdmissionResponse> => {
    const { namespace, group, resource: plural } = request
    const resource = [...poolResources, ...objectiveResources].find(
      (known) => known.group === group && known.plural === plural,
    )
    const losses =
      resource && request.subresource === ''
        ? lossesBy(
            {
              resource,
              namespace,
              name: nameIn(request),
              object: request.operation === 'DELETE' ? undefined : request.object,
            },
            inventory,
          )
        : []
    const named = losses.slice(0, nameAtMost)
    const warnings = named.map(
      ({ binding, finding }) =>
        `InferenceIdentityBinding ${binding.namespace}/${binding.name} loses its identity: ${explain(finding)}`,
    )
    const rest = losses.length - named.length
    return Promise.resolve({
      kind: 'allowed',
      patch: [],
      auditAnnotations: {},
      warnings:
        rest > 0 ? [...warnings, `${rest} more InferenceIdentityBindings lose their identity`] : warnings,
    })
  }

/** The deletion of a collection is asked about object by object, and names none. */
const nameIn = ({ name, object, oldObject }: AdmissionRequest): string =>
  name || textOr(field(objectOr(field(objectOr(object ?? oldObject), 'metadata')), 'name'), '')
