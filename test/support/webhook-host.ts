/**
 * What webhooks are registered by. kube-apiserver speaks HTTP/2 to webhooks at `localhost` and at loopback addresses, and
 * HTTP/1.1 to all others (k8s.io/apiserver, pkg/util/webhook/client.go), so to all that there are in clusters. The
 * unspecified address counts among the others, and whoever connects to it is connected to the machine itself; it needs
 * no name that some resolver would have to know.
 */
export const webhookHost = '0.0.0.0'
