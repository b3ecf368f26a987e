import type { Objects } from '../core/objects.ts'
import { bindingResource } from '../core/resources.ts'

export type Probe = { readonly stop: () => void; readonly problem: () => string | undefined }

type ProbeOptions = {
  readonly objects: Pick<Objects, 'create'>
  /** The operator's own, where it may create bindings, which a dry run is to the API server too. */
  readonly namespace: string
  readonly report: (reached: boolean) => void
}

/** The way through the API server to the webhook and back is tried soon after the start, then this often. */
const everyMs = 60_000
const firstMs = 5_000

/** What there is to say before the first attempt. */
export const notTried = 'not tried yet'

/** Never stored: it is wrong in a way that only a webhook of ours answers for in these words. */
export const probeName = 'kleym-webhook-probe'

/**
 * Tries the way from now on. What it finds is told, and decides nothing: a replica that is not ready is no
 * endpoint, so that the first one's probe could never come back.
 */
export function startProbe(options: ProbeOptions): Probe {
  let problem: string | undefined = notTried
  let stopped = false
  const attempt = async (): Promise<void> => {
    problem = await tryWay(options)
    if (stopped) return
    options.report(problem === undefined)
    timer = setTimeout(() => void attempt(), everyMs)
  }
  let timer = setTimeout(() => void attempt(), firstMs)
  return {
    stop: () => {
      stopped = true
      clearTimeout(timer)
    },
    problem: () => problem,
  }
}

/** Undefined if a webhook of ours refused a binding that must be; otherwise what happened instead. */
async function tryWay({ objects, namespace }: ProbeOptions): Promise<string | undefined> {
  const spec = {
    mode: 'PoolOnly',
    poolRef: { name: probeName },
    serviceAccountName: probeName,
    containerName: '',
  }
  const binding = {
    apiVersion: `${bindingResource.group}/${bindingResource.version}`,
    kind: bindingResource.kind,
    metadata: { name: probeName, namespace },
    spec,
  }
  return problemOf(await objects.create(bindingResource, binding, { dryRun: true }))
}

const ours = /^admission webhook "(?:mutate|validate)\.inferenceidentitybinding\.kleym\.sonda\.red" denied/

function problemOf(reply: Awaited<ReturnType<Objects['create']>>): string | undefined {
  switch (reply.kind) {
    case 'refused':
      return ours.test(reply.message) ? undefined : reply.message
    case 'done':
      return 'a binding that is wrong was not refused: no webhook was asked'
    case 'absent':
      return 'the API server does not serve InferenceIdentityBindings'
    case 'conflict':
      return reply.message
    case 'failed':
      return reply.cause
  }
}
