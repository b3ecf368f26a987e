import type { JsonObject } from '../../src/core/json.ts'

/** A pod of the default pool that fits the default binding, but for what is said. */
export type PodOptions = {
  readonly name?: string
  readonly namespace?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly account?: string | undefined
  readonly containers?: readonly string[]
  readonly initContainers?: readonly string[]
  readonly ephemeralContainers?: readonly string[]
  readonly phase?: string
  readonly startTime?: string
  readonly deleting?: boolean
}

export type PodManifest = JsonObject & {
  readonly metadata: JsonObject & { readonly name: string; readonly namespace: string }
}

export function podObject(options: PodOptions = {}): PodManifest {
  const { name = 'chat-0', namespace = 'default', labels = { app: 'chat' }, containers = ['main'] } = options
  const { initContainers = [], ephemeralContainers = [], phase, startTime, deleting } = options
  const account = 'account' in options ? options.account : 'server'
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels, ...(deleting && { deletionTimestamp: '2026-01-01T00:00:00Z' }) },
    spec: {
      ...(account !== undefined && { serviceAccountName: account }),
      containers: containers.map(container),
      ...(initContainers.length > 0 && { initContainers: initContainers.map(container) }),
      ...(ephemeralContainers.length > 0 && { ephemeralContainers: ephemeralContainers.map(container) }),
    },
    ...(phase !== undefined && { status: { phase, ...(startTime !== undefined && { startTime }) } }),
  }
}

const container = (name: string): JsonObject => ({ name, image: 'registry.example.com/model-server' })
