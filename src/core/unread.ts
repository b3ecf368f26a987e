import { crdName, type Resource } from './resources.ts'

/**
 * A kind is unread if its CustomResourceDefinition is Established and serves other versions than the one that this operator reads:
 * its objects may be there, so nothing follows from not seeing them.
 */
export type Unread = {
  readonly resource: Resource
  /** The versions that are served. */
  readonly versions: readonly string[]
}

/** What to do about a kind that is unread. */
export const unreadFix =
  'let that version be served too, or run a version of this operator that reads another one'

export const unreadWords = ({ resource, versions }: Unread): string =>
  `CustomResourceDefinition ${crdName(resource)} serves ${versions.join(', ') || 'no version'} instead of ${resource.version}, the version that this operator reads`
