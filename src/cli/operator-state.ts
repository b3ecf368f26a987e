import { problemsOf, type OperatorStatus } from '../core/operator-status.ts'
import type { OperatorSight } from './cluster.ts'

/** How the operator is, as its leader says. */
export type OperatorState = {
  /** What it says; null where it said nothing, or nothing that may be read. */
  readonly said: OperatorStatus | null
  readonly replicas: { readonly ready: number; readonly wanted: number } | null
  /** What keeps it from doing its work. */
  readonly problems: readonly string[]
  /** Why it could not be seen, which is no problem of the operator. */
  readonly unseen: string | null
}

export function operatorState(sight: OperatorSight, namespace: string, now: Date): OperatorState {
  if (sight.kind === 'unseen') return { said: null, replicas: null, problems: [], unseen: sight.why }
  const { status, replicas } = sight
  const problems = [
    ...(replicas?.ready === 0 ? [`none of ${replicas.wanted} replicas is ready`] : []),
    ...(status
      ? problemsOf(status, now)
      : [
          `no operator has said in namespace ${namespace} that it runs; name its namespace by --operator-namespace`,
        ]),
  ]
  return { said: status ?? null, replicas: replicas ?? null, problems, unseen: null }
}

export function operatorLines({ said, replicas, problems, unseen }: OperatorState): readonly string[] {
  if (unseen !== null) return [`operator: it could not be seen: ${unseen}`]
  const expiry = Object.entries(said?.health.certificates ?? {})
  return [
    ...(said
      ? [
          [
            `operator: version ${said.health.version}, leader ${said.health.leader}`,
            ...(replicas ? [`${replicas.ready} of ${replicas.wanted} replicas ready`] : []),
            `heard of at ${said.health.heartbeat}`,
            `trust domain ${said.configuration.trustDomain}`,
            ...(said.configuration.className === undefined ? [] : [`class ${said.configuration.className}`]),
          ].join(', '),
        ]
      : []),
    ...expiry.map(([name, at]) => `operator: the certificate of the ${name} expires at ${at}`),
    ...problems.map((problem) => `operator: ${problem}`),
  ]
}
