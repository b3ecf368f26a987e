import type { Binaries } from './binaries.ts'

export type RunningControlPlane = {
  readonly kind: 'running'
  readonly server: string
  readonly kubeconfig: string
  readonly kubectl: string
  readonly caPem: string
  readonly adminToken: string
  readonly directory: string
  /** For a test that needs a control plane of its own. */
  readonly binaries: Binaries
}

/** What the global setup gives to the tests. */
export type ProvidedControlPlane = RunningControlPlane | { readonly kind: 'none'; readonly remedy: string }

declare module 'vitest' {
  interface ProvidedContext {
    controlPlane: ProvidedControlPlane
  }
}
