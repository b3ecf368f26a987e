import { byName, hooksOf, isCalled, type Attributes, type Hook } from './hooks.ts'
import { jsonPatch } from './json-patch.ts'
import { recordOf, textOf, type Json } from './json.ts'
import { decodeObject, type KubeObject } from './object.ts'
import { badRequest, failure, internal, Refusal } from './status.ts'
import type { Store } from './store.ts'
import type { Caller, Verdict } from './webhook-call.ts'

export type Admission = {
  /** The object as the mutating webhooks leave it. */
  readonly mutate: (attributes: Attributes) => Promise<KubeObject | undefined>
  readonly validate: (attributes: Attributes) => Promise<void>
}

const registry = 'admissionregistration.k8s.io'

/**
 * A denial as the real server passes it on: the webhook's own Status with its code, reason, details and causes, only
 * the message gets a prefix (apiserver pkg/admission/plugin/webhook/errors, ToStatusErr).
 */
const denial = (hook: Hook, status: Json): Refusal => {
  const { message, reason, details, code } = status
  const deniedBy = `admission webhook "${hook.name}" denied the request`
  const why = textOf(message) || textOf(reason)
  const text = why === '' ? `${deniedBy} without explanation` : `${deniedBy}: ${why}`
  const answer = failure(typeof code === 'number' && code >= 400 ? code : 400, textOf(reason), text)
  return new Refusal(details === undefined ? answer : { ...answer, details: recordOf(details) })
}

const ask = async (hook: Hook, attributes: Attributes, caller: Caller): Promise<Verdict | undefined> => {
  if (attributes.dryRun && !hook.runsOnDryRun) {
    throw badRequest(`admission webhook "${hook.name}" does not support dry run`)
  }
  try {
    const verdict = await caller.call(hook, attributes)
    verdict.warnings.forEach(attributes.warn)
    return verdict
  } catch (error) {
    if (hook.ignoreFailure) return undefined
    throw internal(
      `failed calling webhook "${hook.name}": ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

const patched = (hook: Hook, object: KubeObject, patch: unknown): KubeObject => {
  try {
    const decoded = decodeObject(jsonPatch(object, patch))
    if (decoded !== undefined) return decoded
  } catch (error) {
    throw internal(error instanceof Error ? error.message : String(error))
  }
  throw internal(`the patch of admission webhook "${hook.name}" leaves no object`)
}

export const createAdmission = (store: Store, caller: Caller): Admission => {
  const decoded = new WeakMap<KubeObject, readonly Hook[]>()
  const relevant = (plural: string, attributes: Attributes): readonly Hook[] => {
    // As in the real server, no webhook is asked about webhook configurations: a broken one could not be removed otherwise.
    if (attributes.kind.group === registry) return []
    const namespace = store.get('namespaces', `/${attributes.namespace}`)
    return byName(store.list(`${plural}.${registry}`))
      .flatMap((configuration) => decoded.getOrInsertComputed(configuration, hooksOf))
      .filter((hook) => isCalled(hook, attributes, namespace))
  }
  return {
    mutate: async (attributes) => {
      let { object } = attributes
      for (const hook of relevant('mutatingwebhookconfigurations', attributes)) {
        const verdict = await ask(
          hook,
          { ...attributes, ...(object === undefined ? {} : { object }) },
          caller,
        )
        if (verdict === undefined) continue
        if (!verdict.allowed) throw denial(hook, verdict.status)
        if (object !== undefined && verdict.patch !== undefined) object = patched(hook, object, verdict.patch)
      }
      return object
    },
    validate: async (attributes) => {
      const hooks = relevant('validatingwebhookconfigurations', attributes)
      const verdicts = await Promise.all(
        hooks.map(async (hook) => ({ hook, verdict: await ask(hook, attributes, caller) })),
      )
      for (const { hook, verdict } of verdicts) {
        if (verdict?.allowed === false) throw denial(hook, verdict.status)
      }
    },
  }
}
