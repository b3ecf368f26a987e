export type RequestCount = {
  /** As in RBAC: get, list, watch, create, update, patch, delete, deletecollection. */
  readonly verb: string
  /** `widgets.example.com`, `widgets.example.com/status`. */
  readonly resource: string
  readonly code: number
  readonly count: number
}

export type Counters = {
  readonly count: (verb: string, resource: string, code: number) => void
  readonly read: () => readonly RequestCount[]
}

export const createCounters = (): Counters => {
  const counts = new Map<string, RequestCount>()
  return {
    count: (verb, resource, code) => {
      const key = `${verb} ${resource} ${code}`
      counts.set(key, { verb, resource, code, count: (counts.get(key)?.count ?? 0) + 1 })
    },
    read: () => [...counts.values()],
  }
}
