import type { Departures } from './core/former.ts'
import type { Settings } from './core/identity.ts'
import type { AdmissionActions } from './core/reference-verdict.ts'
import type { ActionOverrides } from './core/verdict.ts'
import {
  identityFlags,
  operatorFlags,
  operatorHelp,
  type OperatorFlag,
  type clusterFlags,
  type verdictFlags,
  type webhookActionFlag,
} from './flags/operator.ts'
import { readFlags, type Environment, type CommandLine } from './flags/read.ts'
import {
  action,
  address,
  className,
  decoderOf,
  fileName,
  logLevel,
  namespace,
  objectName,
  optionalText,
  serviceName,
  showAddress,
  trustDomain,
  webhookAction,
  webhookUrl,
  type Address,
  type Decoder,
} from './flags/values.ts'
import type { LogLevel } from './log.ts'

/** What `kleym operator` was told, checked and complete. An address that is undefined is switched off. */
export type Config = Settings & {
  /** Former trust domains and classes whose ClusterSPIFFEIDs may be replaced. */
  readonly departures: Departures
  readonly kubeconfig: string | undefined
  readonly context: string | undefined
  readonly namespace: string
  readonly leaderElect: boolean
  readonly logLevel: LogLevel
  readonly probes: { readonly address: Address | undefined }
  readonly metrics: {
    readonly address: Address | undefined
    readonly secure: boolean
    readonly certificate:
      | { readonly directory: string; readonly cert: string; readonly key: string }
      | undefined
  }
  readonly webhook: {
    readonly address: Address | undefined
    readonly url: string | undefined
    readonly certDir: string | undefined
    readonly clientCa: string | undefined
    readonly names: WebhookNames
    /** Whether reviews look at the pods that are there. */
    readonly workloads: boolean
    /** The overrides are only what differs from the table of findings, by reason. */
    readonly actions: AdmissionActions
  }
}

/** What the objects are called that the operator shares with its manifests. */
export type WebhookNames = {
  readonly validating: string
  readonly mutating: string
  readonly service: string
  readonly secret: string
}

export type OperatorConfig =
  | { readonly kind: 'config'; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly kind: 'usage'; readonly problems: readonly string[] }
  | { readonly kind: 'help'; readonly text: string }

type Surroundings = {
  /** The reasons whose action `--webhook-action` may set. */
  readonly configurableReasons: readonly string[]
  /** The namespace of the pod this runs in, if it runs in one. */
  readonly podNamespace?: string | undefined
}

/**
 * Reads the command line and the environment. Every flag is checked before the answer, so that all mistakes are
 * reported at once.
 */
export function operatorConfig(
  argv: readonly string[],
  env: Environment,
  { configurableReasons, podNamespace }: Surroundings,
): OperatorConfig {
  const line = readFlags(argv, env, operatorFlags, 'zap-')
  if (line.help) return { kind: 'help', text: operatorHelp }
  const decoder = decoderOf(line)
  const config = decodeConfig(line, decoder, configurableReasons, podNamespace)
  const problems = [
    ...line.problems,
    ...line.positionals.map(
      (text) =>
        `unexpected argument ${JSON.stringify(text)}; write flags only (a switch is turned off by --FLAG=false)`,
    ),
    ...(line.isGiven('trust-domain') ? [] : [trustDomainOfCluster]),
    ...decoder.problems,
    ...contradictions(line, config),
  ]
  return problems.length > 0
    ? { kind: 'usage', problems }
    : { kind: 'config', config: frozen(config), warnings: [...line.warnings, ...idle(line, config)] }
}

/** The namespace of the manifests in `deploy`. The former operator's manifests have the same one. */
export const operatorNamespace = 'kleym-system'

export const trustDomainMissing = `the trust domain is missing; write --trust-domain=DOMAIN or set ${identityFlags['trust-domain'].env}`

/** The same, with where the manifests in `deploy` take the trust domain from. */
const trustDomainOfCluster = `${trustDomainMissing}; in a cluster that is key ${identityFlags['trust-domain'].env} of ConfigMap kleym-operator-config`

/** Which cluster to ask. Where neither is given, the one that kubectl would ask. */
export type ClusterChoice = {
  readonly kubeconfig: string | undefined
  readonly context: string | undefined
  /** For all requests of a command together, in ms. Without it each request has 30 s. */
  readonly timeoutMs?: number
}

export function clusterChoice(line: CommandLine<keyof typeof clusterFlags>): ClusterChoice {
  const text = (name: keyof typeof clusterFlags): string | undefined => line.last(name)?.value || undefined
  return { kubeconfig: text('kubeconfig'), context: text('context') }
}

/**
 * The two settings that every identity depends on. A trust domain that is missing or wrong becomes the empty text, and
 * the decoder has the problem.
 */
export function decodeSettings(decoder: Decoder<keyof typeof identityFlags>): Settings {
  return {
    trustDomain: decoder.decode('trust-domain', trustDomain, ''),
    className: decoder.decode('clusterspiffeid-class-name', className, undefined),
  }
}

/** What admission does about the reasons that are named. */
export const decodeOverrides = (
  decoder: Decoder<keyof typeof webhookActionFlag>,
  reasons: readonly string[],
): ActionOverrides =>
  Object.fromEntries(
    decoder
      .decodeAll('webhook-action', (text) => webhookAction(text, reasons))
      .map(({ reason, action: wanted }) => [reason, wanted]),
  )

/** What admission does, where that can be configured. */
export const decodeActions = (
  decoder: Decoder<keyof typeof verdictFlags>,
  reasons: readonly string[],
): AdmissionActions => ({
  overrides: decodeOverrides(decoder, reasons),
  onReferences: decoder.decode('webhook-on-references', action, 'deny'),
  onLoss: decoder.decode('webhook-on-loss', action, 'warn'),
})

function decodeConfig(
  line: CommandLine<OperatorFlag>,
  decoder: Decoder<OperatorFlag>,
  reasons: readonly string[],
  podNamespace: string | undefined,
): Config {
  const { decode } = decoder
  const text = (name: OperatorFlag): string | undefined => decode(name, optionalText, undefined)
  const listener = (name: OperatorFlag): Address | undefined => decode(name, address, undefined)
  const directory = text('metrics-cert-path')
  const cert = decode('metrics-cert-name', fileName, '')
  const key = decode('metrics-cert-key', fileName, '')
  return {
    ...decodeSettings(decoder),
    departures: {
      trustDomains: decoder.decodeAll('trust-domain-change', trustDomain),
      classNames: decoder.decodeAll('clusterspiffeid-class-change', className),
    },
    ...clusterChoice(line),
    namespace: decode('namespace', namespace, undefined) ?? podNamespace ?? operatorNamespace,
    leaderElect: line.isOn('leader-elect'),
    metrics: {
      address: listener('metrics-bind-address'),
      secure: line.isOn('metrics-secure'),
      certificate: directory === undefined ? undefined : { directory, cert, key },
    },
    probes: { address: listener('health-probe-bind-address') },
    webhook: {
      address: listener('webhook-bind-address'),
      url: decode('webhook-url', webhookUrl, undefined),
      certDir: text('webhook-cert-dir'),
      clientCa: text('webhook-client-ca'),
      names: {
        validating: decode('webhook-validating-configuration', objectName, ''),
        mutating: decode('webhook-mutating-configuration', objectName, ''),
        service: decode('webhook-service', serviceName, ''),
        secret: decode('webhook-secret', objectName, ''),
      },
      workloads: line.isOn('workloads'),
      actions: decodeActions(decoder, reasons),
    },
    logLevel: decode('log-level', logLevel, 'info'),
  }
}

/** Problems of flags that are right by themselves and contradict each other. */
function contradictions(
  line: CommandLine<OperatorFlag>,
  { metrics, probes, webhook }: Config,
): readonly string[] {
  const names = ['metrics-cert-name', 'metrics-cert-key'] as const
  const lonely = metrics.certificate === undefined ? names.filter((name) => line.isGiven(name)) : []
  const listeners = [
    { flag: '--metrics-bind-address', address: metrics.address },
    { flag: '--health-probe-bind-address', address: probes.address },
    { flag: '--webhook-bind-address', address: webhook.address },
  ]
  return [
    ...lonely.map((name) => `--${name} needs --metrics-cert-path; add it, or leave --${name} out`),
    ...listeners.flatMap((one, at) =>
      listeners
        .slice(at + 1)
        .filter((other) => clash(one.address, other.address))
        .map(
          (other) =>
            `${one.flag} and ${other.flag} both use port ${one.address?.port}; give one of them another port`,
        ),
    ),
  ]
}

const clash = (one: Address | undefined, other: Address | undefined): boolean =>
  one !== undefined &&
  other !== undefined &&
  one.port !== 0 &&
  one.port === other.port &&
  (one.host === other.host || one.host === '' || other.host === '')

const certificateOfMetrics = ['metrics-cert-path', 'metrics-cert-name', 'metrics-cert-key'] as const

/**
 * Warnings about flags that were given and have no effect. The names of the Service and of the two configurations are left out: the
 * Deployment in `deploy` gives them in any case.
 */
function idle(line: CommandLine<OperatorFlag>, { metrics, webhook }: Config): readonly string[] {
  const given = (names: readonly OperatorFlag[], why: string): readonly string[] =>
    names.filter((name) => line.isGiven(name)).map((name) => `--${name} does nothing while ${why}`)
  return [
    ...(webhook.address === undefined
      ? given(
          [
            'webhook-url',
            'webhook-cert-dir',
            'webhook-client-ca',
            'webhook-action',
            'webhook-on-references',
            'webhook-on-loss',
            'workloads',
            'webhook-secret',
          ],
          'the webhook is off',
        )
      : []),
    ...(metrics.address === undefined
      ? given(['metrics-secure', ...certificateOfMetrics], 'metrics are off')
      : metrics.secure
        ? []
        : given(certificateOfMetrics, '--metrics-secure is false')),
  ]
}

/** The effective values by the names of their flags, for the first line of the log. */
export function describeConfig(config: Config): Readonly<Record<string, unknown>> {
  const { metrics, webhook } = config
  return {
    'trust-domain': config.trustDomain,
    'clusterspiffeid-class-name': config.className ?? '',
    'trust-domain-change': config.departures.trustDomains,
    'clusterspiffeid-class-change': config.departures.classNames.map((name) => name ?? ''),
    kubeconfig: config.kubeconfig ?? '',
    context: config.context ?? '',
    namespace: config.namespace,
    'leader-elect': config.leaderElect,
    'metrics-bind-address': showAddress(metrics.address),
    'metrics-secure': metrics.secure,
    'metrics-cert-path': metrics.certificate?.directory ?? '',
    'metrics-cert-name': metrics.certificate?.cert ?? '',
    'metrics-cert-key': metrics.certificate?.key ?? '',
    'health-probe-bind-address': showAddress(config.probes.address),
    'webhook-bind-address': showAddress(webhook.address),
    'webhook-url': webhook.url ?? '',
    'webhook-cert-dir': webhook.certDir ?? '',
    'webhook-client-ca': webhook.clientCa ?? '',
    'webhook-validating-configuration': webhook.names.validating,
    'webhook-mutating-configuration': webhook.names.mutating,
    'webhook-service': webhook.names.service,
    'webhook-secret': webhook.names.secret,
    'webhook-action': Object.entries(webhook.actions.overrides).map((pair) => pair.join('=')),
    'webhook-on-references': webhook.actions.onReferences,
    'webhook-on-loss': webhook.actions.onLoss,
    workloads: webhook.workloads,
    'log-level': config.logLevel,
  }
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(frozen)
  return value
}
