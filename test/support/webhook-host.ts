import { lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'

/**
 * What webhooks are registered by. kube-apiserver speaks HTTP/2 to webhooks at `localhost` and at loopback addresses, and
 * HTTP/1.1 to all others (k8s.io/apiserver, pkg/util/webhook/client.go), so to all that there are in clusters. With
 * the dot that ends an absolute name this is none of the former, and Go's resolver finds it in every hosts file.
 */
export const webhookHost = 'localhost.'

/** Go's resolver takes a name with its last dot for the same; that of the C library, which Node uses, does not. */
export const lookupAsInGo: LookupFunction = (name, options, found) =>
  lookup(name.replace(/\.$/, ''), options, found)
