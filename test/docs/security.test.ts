import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { at, listAt, manifestsIn, textAt } from '../deploy/manifests.ts'
import { listOf } from '../support/embedded/json.ts'
import { readPage, root } from './pages.ts'

const folder = join(root, 'deploy/rbac')
const { objects } = manifestsIn(
  readdirSync(folder)
    .filter((file) => file !== 'kustomization.yaml')
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('\n---\n'),
)

const words = (object: unknown, key: string): readonly string[] => listOf(at(object, key)).map(String)

/** A rule of a role in the cells of the page. Rules that differ in the group alone are one row. */
function rowsOf(role: unknown): readonly string[] {
  const where = textAt(role, 'kind') === 'Role' ? 'its namespace' : 'everywhere'
  return listAt(role, 'rules').flatMap((rule) => {
    const names = at(rule, 'resourceNames') === undefined ? [] : words(rule, 'resourceNames')
    const verbs = words(rule, 'verbs').join(', ')
    return words(rule, 'resources').map(
      (resource) => `${verbs} | ${[resource, ...names].join(' ')} | ${where}`,
    )
  })
}

const isOfOperator = (subject: unknown): boolean =>
  at(subject, 'kind') === 'ServiceAccount' && at(subject, 'name') === 'kleym-operator'

test('docs/security.md has every permission of the operator, and no other', () => {
  const roles = objects
    .filter((object) => String(at(object, 'kind')).endsWith('RoleBinding'))
    .filter((binding) => listAt(binding, 'subjects').some(isOfOperator))
    .map((binding) =>
      objects.find(
        (one) =>
          at(one, 'kind') === at(binding, 'roleRef', 'kind') &&
          at(one, 'metadata', 'name') === at(binding, 'roleRef', 'name'),
      ),
    )
  expect(roles.length).toBeGreaterThan(3)
  const table =
    readPage('docs/security.md').split('| Verbs | On | Where | For |\n')[1]?.split('\n\n')[0] ?? ''
  const told = table
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, verbs = '', on = '', where = ''] = line.split('|').map((cell) => cell.trim())
      return on.split(', ').map((resource) => `${verbs} | ${resource} | ${where}`)
    })
  expect(told.toSorted()).toEqual([...new Set(roles.flatMap(rowsOf))].toSorted())
})
