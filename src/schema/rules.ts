import { field, isObject } from '../core/json.ts'
import { show } from '../core/show.ts'
import type { SchemaCause } from './cause.ts'
import type { Path } from './path.ts'
import { anywhereIn, fieldSchema, type Schema } from './schema.ts'
import { causeAt } from './validate.ts'

/**
 * The CEL rules of the known kinds, rewritten by hand and found by the text of the rule. Rules of our own kind are
 * missing here, because the checks of the core include them.
 */
const rules: Readonly<Record<string, (self: unknown) => boolean>> = {
  "self.kind != 'Service' || has(self.port)": (self) =>
    !isObject(self) || field(self, 'kind') !== 'Service' || field(self, 'port') !== undefined,
  'self.all(p1, self.exists_one(p2, p1.number==p2.number))': (self) =>
    !Array.isArray(self) || new Set(self.map(numberOf)).size === self.length,
}

const numberOf = (item: unknown): unknown => (isObject(item) ? field(item, 'number') : undefined)

/** Whether a rule is known here. An unknown rule refuses nothing. */
export const isKnownRule = (rule: string): boolean => Object.hasOwn(rules, rule)

const hasRules = anywhereIn((schema) => schema['x-kubernetes-validations'] !== undefined)

/** The rules that an object breaks, which its schema otherwise accepts. */
export function brokenRules(
  value: unknown,
  schema: Schema | undefined,
  path: Path = [],
): readonly SchemaCause[] {
  if (!schema || value === null || !hasRules(schema)) return []
  const inner = Array.isArray(value)
    ? value.flatMap((item: unknown, at) => brokenRules(item, schema.items, [...path, at]))
    : isObject(value)
      ? Object.entries(value).flatMap(([name, one]) =>
          brokenRules(one, fieldSchema(schema, name), [...path, name]),
        )
      : []
  const own = (schema['x-kubernetes-validations'] ?? []).flatMap(({ rule, message }) => {
    if (rules[rule]?.(value) ?? true) return []
    // The API server prints values only if they are scalars.
    const shown = typeof value === 'object' ? '' : `${show(value)}: `
    return [
      causeAt(
        path,
        'FieldValueInvalid',
        value,
        `Invalid value: ${shown}${message ?? `failed rule: ${rule}`}`,
      ),
    ]
  })
  return [...own, ...inner]
}

/** The rules of a schema that are not known here. */
export function unknownRules(schema: Schema | undefined): readonly string[] {
  if (!schema) return []
  const { properties = {}, additionalProperties, items } = schema
  return [
    ...(schema['x-kubernetes-validations'] ?? []).flatMap(({ rule }) => (isKnownRule(rule) ? [] : [rule])),
    ...Object.values(properties).flatMap(unknownRules),
    ...(typeof additionalProperties === 'object' ? unknownRules(additionalProperties) : []),
    ...unknownRules(items),
  ]
}
