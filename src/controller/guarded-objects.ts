import type { Objects, Reply } from '../core/objects.ts'
import type { Resource } from '../core/resources.ts'
import type { Budget } from './budget.ts'

const isAnswer = ({ kind }: Reply): boolean => kind !== 'failed'

/** The budget learns from how long each call takes. */
export function measured(objects: Objects, budget: Pick<Budget, 'measured'>): Objects {
  const guard =
    <Rest extends readonly unknown[]>(
      verb: string,
      call: (resource: Resource, ...rest: Rest) => Promise<Reply>,
    ) =>
    (resource: Resource, ...rest: Rest): Promise<Reply> =>
      budget.measured(`${verb} ${resource.plural}`, () => call(resource, ...rest), isAnswer)
  return {
    get: guard('get', objects.get),
    create: guard('create', objects.create),
    replace: guard('replace', objects.replace),
    replaceStatus: guard('replaceStatus', objects.replaceStatus),
    mergePatch: guard('mergePatch', objects.mergePatch),
    remove: guard('remove', objects.remove),
  }
}

/**
 * Writes fail at once when another replica may be leading, without a connection being closed for them.
 * kube/last-moment.ts does the same for a write that has waited for its connection.
 */
export function fenced(objects: Objects, mayWrite: () => boolean): Objects {
  const guard =
    <Args extends readonly unknown[]>(write: (...args: Args) => Promise<Reply>) =>
    async (...args: Args): Promise<Reply> =>
      mayWrite() ? write(...args) : { kind: 'failed', cause: 'not leading any more', retryAfterMs: undefined }
  return {
    get: objects.get,
    create: guard(objects.create),
    replace: guard(objects.replace),
    replaceStatus: guard(objects.replaceStatus),
    mergePatch: guard(objects.mergePatch),
    remove: guard(objects.remove),
  }
}
