import { present, type Api, type Call } from './api.ts'
import type { Json } from './json.ts'
import { crdResource, groupResource, groupVersion } from './kind.ts'
import type { KubeObject } from './object.ts'
import { scopeOf } from './reading.ts'
import { expired } from './status.ts'
import type { Change } from './store.ts'

export type Sink = {
  readonly send: (event: Json) => void
  readonly end: () => void
}

export type WatchOptions = {
  readonly bookmarkEveryMs: number
  /** How an object is sent: as it is, or as a row of a table. */
  readonly encode: (object: KubeObject) => Json
}

type Seen = { readonly type: string; readonly object: KubeObject }

/** How a change looks to one who sees only what the selector selects. */
const seenAs = (change: Change, selects: (object: KubeObject) => boolean): Seen | undefined => {
  const { object, before, type } = change
  const was = before !== undefined && selects(before)
  const is = type !== 'DELETED' && selects(object)
  if (was && is) return { type: 'MODIFIED', object }
  if (is) return { type: 'ADDED', object }
  // An object that leaves the selection is shown as it last was in it, at the version of the change.
  if (was && type !== 'DELETED') {
    const { resourceVersion = '' } = object.metadata
    return { type: 'DELETED', object: { ...before, metadata: { ...before.metadata, resourceVersion } } }
  }
  return was ? { type: 'DELETED', object } : undefined
}

const bookmark = (api: Api, { kind }: Call, annotations: Json = {}): Json => ({
  type: 'BOOKMARK',
  object: {
    kind: kind.kind,
    apiVersion: groupVersion(kind),
    metadata: {
      resourceVersion: String(api.store.version),
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    },
  },
})

/** Where a watch begins: with what is there now, or with what happened since a version. */
const begin = (api: Api, call: Call): readonly Seen[] | 'expired' => {
  const { query, kind } = call
  const selects = scopeOf(call)
  const version = query.get('resourceVersion') ?? ''
  if (version === '' || version === '0' || query.get('sendInitialEvents') === 'true') {
    const objects = api.store.list(groupResource(kind)).filter(selects)
    return objects.map((object) => ({ type: 'ADDED', object }))
  }
  const changes = api.store.since(groupResource(kind), Number(version))
  return changes?.map((change) => seenAs(change, selects)).filter((seen) => seen !== undefined) ?? 'expired'
}

/** When a watch says how far it is: now and then, and once more before its time is up. */
const scheduleBookmarks = (send: () => void, everyMs: number, timeoutMs: number): (() => void) => {
  const regular = setInterval(send, everyMs)
  const last = timeoutMs > 0 ? setTimeout(send, Math.max(0, timeoutMs - 2000)) : undefined
  return () => {
    clearInterval(regular)
    clearTimeout(last)
  }
}

/** Sends events until its time is up, the kind is gone or the returned function is called. */
export const watch = (api: Api, call: Call, sink: Sink, options: WatchOptions): (() => void) => {
  const { kind, query } = call
  const selects = scopeOf(call)
  const past = begin(api, call)
  if (past === 'expired') {
    const asked = query.get('resourceVersion') ?? ''
    sink.send({ type: 'ERROR', object: expired(`too old resource version: ${asked} (${api.store.version})`) })
    sink.end()
    return () => undefined
  }
  const send = ({ type, object }: Seen): void => {
    sink.send({ type, object: options.encode(present(kind, object)) })
  }
  past.forEach(send)
  const wantsBookmarks = query.get('allowWatchBookmarks') === 'true'
  const fromNow = ['', '0'].includes(query.get('resourceVersion') ?? '')
  if (wantsBookmarks && (fromNow || query.get('sendInitialEvents') === 'true')) {
    sink.send(bookmark(api, call, { 'k8s.io/initial-events-end': 'true' }))
  }

  const timeoutMs = Number(query.get('timeoutSeconds') ?? 0) * 1000
  const stopBookmarks = wantsBookmarks
    ? scheduleBookmarks(() => sink.send(bookmark(api, call)), options.bookmarkEveryMs, timeoutMs)
    : () => undefined
  const deadline = timeoutMs > 0 ? setTimeout(() => finish(), timeoutMs) : undefined
  const unsubscribe = api.store.subscribe((change) => {
    if (change.resource === groupResource(kind)) {
      const seen = seenAs(change, selects)
      if (seen !== undefined) send(seen)
    }
    const isGone = change.resource === crdResource && change.type === 'DELETED'
    if (isGone && change.object.metadata.name === groupResource(kind)) finish()
  })
  const stop = (): void => {
    clearTimeout(deadline)
    stopBookmarks()
    unsubscribe()
  }
  const finish = (): void => {
    stop()
    sink.end()
  }
  return stop
}
