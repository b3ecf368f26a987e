/** What the page is told, as JSON within it. Names and texts are as the cluster has them: the page makes text of them, never markup. */
export type Grade = 'ok' | 'warning' | 'error'

/** Something that is wrong, or odd. */
export type Problem = { readonly grade: Grade; readonly cause: string; readonly fix?: string }

export type Target = {
  readonly name: string
  /** `GROUP/VERSION/KIND`; undefined of what is not there. */
  readonly kind?: string
  /** The labels by which a pool selects, `key=value`. */
  readonly labels?: readonly string[]
}

/** Another binding of the namespace that comes near: one that gets into its way, or one that is for some of the same pods. */
export type Peer = { readonly name: string; readonly kind: 'collision' | 'overlap' }

export type DrawnBinding = {
  readonly name: string
  readonly mode: string
  readonly grade: Grade
  /** `Ready`, or the condition and the reason that keep it from being so. */
  readonly state: string
  readonly objective?: Target
  readonly account: string
  readonly container?: string
  readonly spiffeID?: string
  readonly selectors: readonly string[]
  /** The name of its ClusterSPIFFEID. */
  readonly output?: string
  readonly problems: readonly Problem[]
  readonly peers: readonly Peer[]
  /**
   * Why each pod of the group gets no identity by the binding; an empty text for a pod that does. No texts at all for a
   * binding without an identity.
   */
  readonly pods: readonly string[]
}

/** The bindings of one pool, and its pods. */
export type Group = {
  readonly namespace: string
  readonly pool: Target
  readonly bindings: readonly DrawnBinding[]
  /** Undefined where nobody looked, or may not. */
  readonly pods?: readonly {
    readonly name: string
    readonly account: string
    readonly containers: readonly string[]
  }[]
}

export type Page = {
  /** Of the files or the cluster. */
  readonly source: string
  readonly generatedAt: string
  readonly remarks: readonly string[]
  readonly groups: readonly Group[]
}
