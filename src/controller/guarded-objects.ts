import type { Objects, Reply } from '../core/objects.ts'
import type { Resource } from '../core/resources.ts'
import type { Budget } from './budget.ts'

/**
 * A refusal or a conflict comes without a write to etcd, and so sooner than an answer that did what was asked: it would make
 * those look slow.
 */
const isAnswer = ({ kind }: Reply): boolean => kind === 'done' || kind === 'absent'

/** The budget learns from how long each call takes. A dry run is a kind of its own, because it writes nothing. */
export function measured(objects: Objects, budget: Pick<Budget, 'measured'>): Objects {
  const time = (verb: string, { plural }: Resource, call: () => Promise<Reply>): Promise<Reply> =>
    budget.measured(`${verb} ${plural}`, call, isAnswer)
  return {
    get: (resource, ...rest) => time('get', resource, () => objects.get(resource, ...rest)),
    create: (resource, object, options) =>
      time(inWords('create', options), resource, () => objects.create(resource, object, options)),
    replace: (resource, object, options) =>
      time(inWords('replace', options), resource, () => objects.replace(resource, object, options)),
    replaceStatus: (resource, object) =>
      time('replaceStatus', resource, () => objects.replaceStatus(resource, object)),
    mergePatch: (resource, ...rest) =>
      time('mergePatch', resource, () => objects.mergePatch(resource, ...rest)),
    remove: (resource, ...rest) => time('remove', resource, () => objects.remove(resource, ...rest)),
  }
}

const inWords = (verb: string, options?: { readonly dryRun?: boolean }): string =>
  options?.dryRun ? `dry ${verb}` : verb

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
