import { definitionsIn, type Definition } from '../schema/definition.ts'
import { unknownRules } from '../schema/rules.ts'
import { documentsIn } from './documents.ts'
import { readTexts, type FileOptions } from './files.ts'
import { objectsIn } from './manifests.ts'

export type Definitions = {
  readonly definitions: readonly Definition[]
  readonly problems: readonly string[]
  /** Remarks about parts of the definitions that are not evaluated. */
  readonly remarks: readonly string[]
}

/** Reads the CustomResourceDefinitions in files and folders. Other objects in them are ignored. */
export async function definitionsFrom(
  paths: readonly string[],
  options: Omit<FileOptions, 'flag'>,
): Promise<Definitions> {
  const all: Definition[] = []
  const problems: string[] = []
  for (const path of paths) {
    const before = all.length
    for (const one of await readTexts([path], { ...options, flag: '--crds' })) {
      if (one.kind === 'problem') {
        problems.push(one.problem)
        continue
      }
      for (const document of documentsIn(one.text)) {
        const { value, where } = document
        if (value instanceof Error) problems.push(`${one.file}:${where}: ${value.message}`)
        for (const { object } of objectsIn(document, one.file).objects) all.push(...definitionsIn(object))
      }
    }
    if (all.length === before && problems.length === 0)
      problems.push(`--crds ${path}: it holds no CustomResourceDefinition that serves anything`)
  }
  return { definitions: all, problems, remarks: all.flatMap(unapplied) }
}

/** A remark about the parts of a definition that are not evaluated, if it has any. */
export function unapplied({ group, version, kind, schema, unread }: Definition): readonly string[] {
  const rules = unknownRules(schema).length
  const what = [
    ...(rules > 0 ? [`${rules} rule${rules === 1 ? '' : 's'} in CEL`] : []),
    ...(unread.length > 0 ? [unread.join(', ')] : []),
  ]
  return what.length === 0
    ? []
    : [`of ${kind} of ${group}/${version} is not applied here: ${what.join('; ')}`]
}
