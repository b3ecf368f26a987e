import { isRecord, listOf, recordOf, textOf, textsOf, type Json } from './json.ts'
import type { Kind } from './kind.ts'
import { nameOf, type KubeObject } from './object.ts'
import { matchesLabels } from './selectors.ts'
import type { Cause } from './status.ts'

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE'

/** A request as admission sees it. */
export type Attributes = {
  readonly operation: Operation
  readonly kind: Kind
  readonly namespace: string
  readonly name: string
  readonly object?: KubeObject
  readonly oldObject?: KubeObject
  readonly dryRun: boolean
  readonly user: string
  readonly warn: (text: string) => void
}

/** One entry of `webhooks` in a webhook configuration, defaulted. */
export type Hook = {
  readonly name: string
  readonly clientConfig: Json
  readonly rules: readonly Json[]
  readonly ignoreFailure: boolean
  readonly timeoutSeconds: number
  readonly namespaceSelector: unknown
  readonly objectSelector: unknown
  /** An update is reviewed if each of these parts of the object has changed; with an empty list, every update is. */
  readonly changes: readonly ((object: KubeObject | undefined) => string)[]
  readonly runsOnDryRun: boolean
}

const specChanges = "request.operation != 'UPDATE' || object.?spec != oldObject.?spec"

const replaces = 'kleym.sonda.red/replaces'

const wishChanges = `${specChanges} || object.metadata.?annotations[?'${replaces}'] != oldObject.metadata.?annotations[?'${replaces}']`

/** The match conditions that this server knows, each with the part of the object that it compares. */
const known: ReadonlyMap<string, (object: KubeObject | undefined) => string> = new Map([
  [specChanges, (object) => JSON.stringify(object?.['spec'])],
  [
    wishChanges,
    (object) => JSON.stringify([object?.['spec'], recordOf(object?.metadata['annotations'])[replaces]]),
  ],
])

const meaningOf = (expression: unknown) =>
  known.get(textOf(expression).replaceAll('"', "'").replaceAll(/\s+/g, ' ').trim())

/** CEL is not evaluated here: a webhook with a match condition that is not in the table above is refused when it is registered. */
export const unknownConditions = (configuration: KubeObject): readonly Cause[] =>
  listOf(configuration['webhooks'])
    .map(recordOf)
    .flatMap((hook, at) =>
      listOf(hook['matchConditions'])
        .map(recordOf)
        .map(({ expression }, index) => ({
          expression,
          field: `webhooks[${at}].matchConditions[${index}].expression`,
        })),
    )
    .filter(({ expression }) => !meaningOf(expression))
    .map(({ expression, field }) => ({
      reason: 'FieldValueInvalid',
      field,
      message: `Invalid value: ${JSON.stringify(expression)}: the embedded API server understands only ${[...known.keys()].map((one) => JSON.stringify(one)).join(' and ')}`,
    }))

export const hooksOf = (configuration: KubeObject): readonly Hook[] =>
  listOf(configuration['webhooks'])
    .filter(isRecord)
    .map((hook) => ({
      name: textOf(hook['name']),
      clientConfig: recordOf(hook['clientConfig']),
      rules: listOf(hook['rules']).filter(isRecord),
      ignoreFailure: hook['failurePolicy'] === 'Ignore',
      timeoutSeconds: Number(hook['timeoutSeconds'] ?? 10),
      namespaceSelector: hook['namespaceSelector'],
      objectSelector: hook['objectSelector'],
      changes: listOf(hook['matchConditions']).flatMap(
        (condition) => meaningOf(recordOf(condition)['expression']) ?? [],
      ),
      runsOnDryRun: ['None', 'NoneOnDryRun'].includes(textOf(hook['sideEffects'])),
    }))

const includes = (list: unknown, wanted: string): boolean =>
  textsOf(list).some((item) => item === '*' || item === wanted)

const ruleMatches = (rule: Json, { kind, operation }: Attributes): boolean => {
  const scope = rule['scope'] ?? '*'
  return (
    includes(rule['operations'], operation) &&
    includes(rule['apiGroups'], kind.group) &&
    includes(rule['apiVersions'], kind.version) &&
    textsOf(rule['resources']).some((item) => ['*', '*/*', kind.plural].includes(item)) &&
    (scope === '*' || (scope === 'Namespaced') === kind.namespaced)
  )
}

/** Whether a hook is called: rules, then selectors, then match conditions. */
export const isCalled = (hook: Hook, request: Attributes, namespace: KubeObject | undefined): boolean => {
  const { object, oldObject, operation, kind } = request
  // A namespace is selected by its own labels, another cluster-scoped object always.
  const scope = kind.plural === 'namespaces' && kind.group === '' ? (object ?? oldObject) : namespace
  const versions = [object, oldObject].filter((version) => version !== undefined)
  return (
    hook.rules.some((rule) => ruleMatches(rule, request)) &&
    (scope === undefined || matchesLabels(hook.namespaceSelector, scope.metadata.labels ?? {})) &&
    versions.some((version) => matchesLabels(hook.objectSelector, version.metadata.labels ?? {})) &&
    (operation !== 'UPDATE' || hook.changes.every((part) => part(object) !== part(oldObject)))
  )
}

/** In the order in which the API server calls them: by the name of the configuration. */
export const byName = (configurations: readonly KubeObject[]): readonly KubeObject[] =>
  configurations.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
