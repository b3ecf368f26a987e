import { Counter, Gauge, type Registry } from 'prom-client'
import { atMost, codeLabel, oneOf } from './labels.ts'

export type ClusterMetrics = {
  /** How each reflector fares, read at each scrape. `seconds` is the time since it last heard from the API server. */
  readonly reflectorsFrom: (
    source: () => readonly {
      readonly resource: string
      readonly seconds: number
      readonly restarts: number
    }[],
  ) => void
  /** Counts a request by the status code of its answer, which is undefined if the connection failed. */
  readonly apiRequest: (method: string, code: number | undefined) => void
  readonly certificateExpires: (certificate: 'authority' | 'webhook', at: Date) => void
}

export function clusterMetrics(registers: Registry[]): ClusterMetrics {
  const resourceLabel = atMost(16)
  const methodLabel = oneOf(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])
  let source: Parameters<ClusterMetrics['reflectorsFrom']>[0] | undefined
  const lag = new Gauge({
    name: 'kleym_reflector_lag_seconds',
    help: 'Seconds since this watch last brought something from the API server.',
    labelNames: ['resource'] as const,
    registers,
    collect: () => {
      lag.reset()
      for (const { resource, seconds } of source?.() ?? [])
        lag.set({ resource: resourceLabel(resource) }, seconds)
    },
  })
  const restarts = new Gauge({
    name: 'kleym_reflector_restarts',
    help: 'Lists and watches that failed.',
    labelNames: ['resource'] as const,
    registers,
    collect: () => {
      restarts.reset()
      for (const reflector of source?.() ?? [])
        restarts.set({ resource: resourceLabel(reflector.resource) }, reflector.restarts)
    },
  })
  const requests = new Counter({
    name: 'kleym_api_requests_total',
    help: 'Requests to the API server; code 0 is a failed connection.',
    labelNames: ['method', 'code'] as const,
    registers,
  })
  const expiry = new Gauge({
    name: 'kleym_certificate_expiry_timestamp_seconds',
    help: 'When a certificate of this replica expires.',
    labelNames: ['certificate'] as const,
    registers,
  })
  return {
    reflectorsFrom: (given) => {
      source = given
    },
    apiRequest: (method, code = 0) => requests.inc({ method: methodLabel(method), code: codeLabel(code) }),
    certificateExpires: (certificate, at) => expiry.set({ certificate }, at.getTime() / 1000),
  }
}
