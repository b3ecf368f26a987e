import { describeFlags, type Flags } from './read.ts'

/** Flags of every command that renders identities. */
export const identityFlags = {
  'trust-domain': {
    placeholder: 'DOMAIN',
    help: 'Required. The SPIFFE trust domain of the identities: a-z, 0-9, ".", "-" and "_".',
    env: 'KLEYM_TRUST_DOMAIN',
  },
  'clusterspiffeid-class-name': {
    placeholder: 'CLASS',
    help: 'The className of each ClusterSPIFFEID; empty means none.',
    env: 'KLEYM_CLUSTERSPIFFEID_CLASS_NAME',
  },
} as const satisfies Flags

/** Flags of every command that talks to a cluster. */
export const clusterFlags = {
  kubeconfig: {
    placeholder: 'FILE',
    help: "How to reach the cluster. Otherwise the pod's service account, then $KUBECONFIG, then ~/.kube/config.",
  },
  context: { placeholder: 'NAME', help: 'The context of the kubeconfig. Otherwise its current one.' },
} as const satisfies Flags

/** The flag of every command that judges as admission does. */
export const webhookActionFlag = {
  'webhook-action': {
    placeholder: 'REASON=deny|warn|ignore',
    help: 'What admission does about a reason. May be repeated.',
  },
} as const satisfies Flags

/** Flags of every command that judges pools and objectives, too. */
export const verdictFlags = {
  ...webhookActionFlag,
  'webhook-on-references': {
    placeholder: 'deny|warn|ignore',
    help: 'What admission does about a pool or an objective by which a binding would get no identity.',
    default: 'deny',
  },
  'webhook-on-loss': {
    placeholder: 'deny|warn|ignore',
    help: 'What admission does about a change of a pool or an objective by which a binding loses its identity otherwise. Deletions are only ever warned about.',
    default: 'warn',
  },
} as const satisfies Flags

export const operatorFlags = {
  ...identityFlags,
  'trust-domain-change': {
    placeholder: 'DOMAIN',
    help: 'A former trust domain: ClusterSPIFFEIDs with IDs of it are replaced. Otherwise they are kept as they are. May be repeated.',
  },
  'clusterspiffeid-class-change': {
    placeholder: 'CLASS',
    help: 'A former className, empty for none: ClusterSPIFFEIDs with it are changed. Otherwise they are kept as they are. May be repeated.',
  },
  ...clusterFlags,
  namespace: {
    placeholder: 'NAMESPACE',
    help: "Where the Leases and the Secret of the operator live. Otherwise the pod's, else kleym-system.",
  },
  'leader-elect': {
    help: 'Reconcile on one replica only, the holder of Lease a558cee8.sonda.red.',
    default: 'false',
  },
  'metrics-bind-address': {
    placeholder: 'ADDRESS',
    help: 'Where /metrics is served: HOST:PORT, [IPv6]:PORT or :PORT; 0 is off.',
    default: '0',
  },
  'metrics-secure': {
    help: 'Serve metrics over HTTPS, to tokens that may GET the URL /metrics.',
    default: 'true',
  },
  'metrics-cert-path': {
    placeholder: 'DIRECTORY',
    help: 'Where the certificate of the metrics server is. Otherwise it makes one itself.',
  },
  'metrics-cert-name': {
    placeholder: 'FILE',
    help: 'The name of the certificate in --metrics-cert-path.',
    default: 'tls.crt',
  },
  'metrics-cert-key': {
    placeholder: 'FILE',
    help: 'The name of the private key in --metrics-cert-path.',
    default: 'tls.key',
  },
  'health-probe-bind-address': {
    placeholder: 'ADDRESS',
    help: 'Where /healthz and /readyz are served; 0 is off.',
    default: ':8081',
  },
  'webhook-bind-address': {
    placeholder: 'ADDRESS',
    help: 'Where admission reviews are served; 0 switches the webhook off.',
    default: ':9443',
  },
  'webhook-url': {
    placeholder: 'URL',
    help: 'For an operator outside the cluster: where the API server reaches it, over https. Creates both webhook configurations. Otherwise they name the Service.',
  },
  'webhook-cert-dir': {
    placeholder: 'DIRECTORY',
    help: 'tls.crt, tls.key and ca.crt of the webhook, reloaded when they change. Otherwise the operator manages its own.',
  },
  'webhook-client-ca': {
    placeholder: 'FILE',
    help: 'Serve only clients with a certificate of this authority.',
  },
  'webhook-validating-configuration': {
    placeholder: 'NAME',
    help: 'The ValidatingWebhookConfiguration that the operator writes its caBundle and paths into.',
    default: 'kleym-validating-webhook-configuration',
  },
  'webhook-mutating-configuration': {
    placeholder: 'NAME',
    help: 'The MutatingWebhookConfiguration that the operator writes its caBundle and paths into.',
    default: 'kleym-mutating-webhook-configuration',
  },
  'webhook-service': {
    placeholder: 'NAME',
    help: 'The Service by which the API server reaches the webhook: its certificate is for that name.',
    default: 'kleym-operator-webhook-service',
  },
  'webhook-secret': {
    placeholder: 'NAME',
    help: 'The Secret that holds the certificates and the token of the webhook.',
    default: 'kleym-operator-webhook-cert',
  },
  ...verdictFlags,
  workloads: {
    help: 'Look at the pods that a binding is for, and warn where none of them would get its identity.',
    default: 'true',
  },
  'log-level': {
    placeholder: 'debug|info|warn|error',
    help: 'The least serious log line that is written.',
    default: 'info',
    aliases: ['zap-log-level'],
  },
  'enable-http2': { help: 'HTTP/2 is always on.', ignored: true },
  'zap-devel': { help: "Of the former operator's logger.", ignored: true },
  'zap-encoder': { placeholder: 'ENCODER', help: "Of the former operator's logger.", ignored: true },
  'zap-stacktrace-level': {
    placeholder: 'LEVEL',
    help: "Of the former operator's logger.",
    ignored: true,
  },
  'zap-time-encoding': {
    placeholder: 'ENCODING',
    help: "Of the former operator's logger.",
    ignored: true,
  },
} as const satisfies Flags

export type OperatorFlag = keyof typeof operatorFlags

export const operatorHelp = `Gives inference workloads their SPIFFE identities: an admission webhook and a reconcile loop.

Usage: kleym operator --trust-domain DOMAIN [flags]

${describeFlags(operatorFlags)}`
