import { field, objectOr, textOr, type JsonObject } from '../../src/core/json.ts'
import { bindingResource, type Resource } from '../../src/core/resources.ts'
import type { AdmissionRequest } from '../../src/webhook/admission-review.ts'

/** What an API server asks about an object, once its body is decoded. */
export function requestFor(
  object: JsonObject,
  options: Partial<AdmissionRequest> & { readonly of?: Resource } = {},
): AdmissionRequest {
  const { of = bindingResource, ...rest } = options
  const { group, version, kind, plural } = of
  const metadata = objectOr(object['metadata'])
  return {
    uid: 'review',
    operation: 'CREATE',
    dryRun: false,
    namespace: textOr(field(metadata, 'namespace'), ''),
    name: textOr(field(metadata, 'name'), ''),
    group,
    version,
    resource: plural,
    subresource: '',
    kind: { group, version, kind },
    user: { username: 'someone' },
    object,
    oldObject: null,
    ...rest,
  }
}
