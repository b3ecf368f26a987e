/** The commands, in the order in which `kleym --help` lists them. */
export const summaries = {
  operator: 'the admission webhook and the reconcile loop',
  check: 'the verdict on manifests, without a cluster or beside one',
  status: 'how the bindings of a cluster are',
  inspect: 'why workloads get no identity by a binding, or that they do',
  report: 'all bindings of a cluster, or of files, as a page of HTML',
  completion: 'what bash, zsh or fish needs to complete command lines',
  version: 'which version this is',
} as const

export type CommandName = keyof typeof summaries
