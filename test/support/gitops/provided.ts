import type { GitOpsBinaries } from './binaries.ts'

/** What the global setup gives to the tests. */
export type ProvidedGitOps =
  | { readonly kind: 'found'; readonly binaries: GitOpsBinaries }
  | { readonly kind: 'none'; readonly remedy: string }

declare module 'vitest' {
  interface ProvidedContext {
    gitops: ProvidedGitOps
  }
}
