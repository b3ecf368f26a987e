import { isObject, type JsonObject } from '../core/json.ts'
import type { Objects, ObjectName, Reply } from '../core/objects.ts'
import type { Resource } from '../core/resources.ts'
import { isAbsent } from './answer.ts'
import { failureWords, isTransient, resourcePath, type Answer, type Client } from './client.ts'

/**
 * Reads and writes single objects as raw JSON. PUT and DELETE carry preconditions, so that a version which was not read is never
 * overwritten.
 *
 * @param fence.until its abort ends all requests under way but reads that came with a signal of their own
 * @param fence.mayStart asked right before each request is written to a connection
 */
export function createObjects(
  client: Pick<Client, 'call'>,
  fence?: { readonly until: AbortSignal; readonly mayStart: () => boolean },
): Objects {
  const call = async (...[request]: Parameters<Client['call']>): Promise<Reply> =>
    replyOf(
      await client.call(fence ? { signal: fence.until, ...request, mayStart: fence.mayStart } : request),
    )
  return {
    get: (resource, at, signal) =>
      call({ method: 'GET', path: path(resource, at), ...(signal && { signal }) }),
    create: (resource, object, options) => {
      const { namespace } = nameOf(object)
      const at = namespace === undefined ? {} : { namespace }
      return call({ method: 'POST', path: path(resource, at), body: object, query: dryRun(options) })
    },
    replace: (resource, object, options) =>
      call({ method: 'PUT', path: path(resource, nameOf(object)), body: object, query: dryRun(options) }),
    replaceStatus: (resource, object) =>
      call({ method: 'PUT', path: path(resource, nameOf(object), 'status'), body: object }),
    mergePatch: (resource, at, patch) => call({ method: 'PATCH', path: path(resource, at), body: patch }),
    remove: (resource, at, preconditions) =>
      call({ method: 'DELETE', path: path(resource, at), body: { ...deleteOptions, preconditions } }),
  }
}

const path = (resource: Resource, at: Partial<ObjectName>, subresource?: string): string =>
  resourcePath(resource, { ...at, subresource })

const deleteOptions = { apiVersion: 'v1', kind: 'DeleteOptions' }

const dryRun = (options?: { readonly dryRun?: boolean }): Readonly<Record<string, string>> =>
  options?.dryRun ? { dryRun: 'All' } : {}

function nameOf(object: JsonObject): ObjectName {
  const metadata = isObject(object['metadata']) ? object['metadata'] : {}
  const { namespace, name } = metadata
  return {
    name: typeof name === 'string' ? name : '',
    ...(typeof namespace === 'string' && { namespace }),
  }
}

function replyOf(answer: Answer): Reply {
  if (answer.kind === 'ok')
    return isObject(answer.body)
      ? { kind: 'done', object: answer.body }
      : {
          kind: 'failed',
          cause: 'the API server answered with something that is no object',
          retryAfterMs: undefined,
        }
  if (isAbsent(answer)) return { kind: 'absent' }
  if (answer.kind === 'refused' && answer.code === 409) return { kind: 'conflict', message: answer.message }
  // A 404 that `isAbsent` does not believe is no answer either.
  if (answer.kind === 'lost' || isTransient(answer) || answer.code === 404)
    return {
      kind: 'failed',
      cause: failureWords(answer),
      retryAfterMs: answer.kind === 'lost' ? undefined : answer.retryAfterMs,
      ...(answer.kind === 'refused' && { code: answer.code, reason: answer.reason }),
    }
  return { kind: 'refused', code: answer.code, message: answer.message }
}
