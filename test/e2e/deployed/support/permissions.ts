import type { JsonObject } from '../../../../src/core/json.ts'
import { at, listAt, nameOf, textAt, type Manifests } from '../../../deploy/manifests.ts'
import { textsOf } from '../../../support/embedded/json.ts'
import type { Authorized } from './audit.ts'

/** One verb on one resource, as one role grants it. */
export type Permission = {
  readonly role: string
  readonly verb: string
  readonly group: string
  readonly resource: string
  /** Undefined where every name is allowed. */
  readonly name: string | undefined
}

/** What the roles that are bound to the operator's ServiceAccount grant, one by one. */
export const permissionsOf = (manifests: Manifests): readonly Permission[] =>
  ['Role', 'ClusterRole'].flatMap((kind) =>
    manifests
      .all(`${kind}Binding`)
      .filter((binding) => listAt(binding, 'subjects').some(isOperator))
      .map((binding) => manifests.named(kind, textAt(binding, 'roleRef', 'name')))
      .flatMap((role) => listAt(role, 'rules').flatMap((rule) => [...permissionsIn(nameOf(role), rule)])),
  )

const isOperator = (subject: JsonObject): boolean => at(subject, 'name') === 'kleym-operator'

function* permissionsIn(role: string, rule: JsonObject): Generator<Permission> {
  const names = rule['resourceNames'] === undefined ? [undefined] : textsOf(rule['resourceNames'])
  for (const group of textsOf(rule['apiGroups']))
    for (const resource of textsOf(rule['resources']))
      for (const verb of textsOf(rule['verbs']))
        for (const name of names) yield { role, verb, group, resource, name }
}

/** Whether a request was allowed by this permission. */
export const isUseOf = ({ role, verb, group, resource, name }: Permission, request: Authorized): boolean =>
  request.verb === verb &&
  request.group === group &&
  request.resource === resource &&
  (name === undefined || request.name === name) &&
  request.reason.includes(`Role "${role}" `)

/** In one line: `kleym-manager-role: get inferencepools.inference.networking.k8s.io` */
export const granted = ({ role, verb, group, resource, name = '' }: Permission): string =>
  `${role}: ${verb} ${[resource, group].filter(Boolean).join('.')} ${name}`.trimEnd()
