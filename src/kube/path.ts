type PathParts = {
  readonly namespace?: string | undefined
  readonly name?: string | undefined
  readonly subresource?: string | undefined
}

/** `/apis/group/version/…`, or `/api/v1/…` for the core group, which has no name. */
export function resourcePath(
  resource: { readonly group: string; readonly version: string; readonly plural: string },
  { namespace, name, subresource }: PathParts = {},
): string {
  const segments = [
    ...(resource.group === '' ? ['api'] : ['apis', resource.group]),
    resource.version,
    ...(namespace === undefined ? [] : ['namespaces', namespace]),
    resource.plural,
    ...(name === undefined ? [] : [name]),
    ...(subresource === undefined ? [] : [subresource]),
  ]
  return `/${segments.map(encode).join('/')}`
}

/** `.` and `..` are encoded too: a URL parser would walk them, and with them out of the namespace. */
function encode(segment: string): string {
  return /^\.+$/v.test(segment) ? segment.replaceAll('.', '%2E') : encodeURIComponent(segment)
}
