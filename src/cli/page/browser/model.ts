/**
 * What the page holds, and which of it is looked at. The files of this folder are classic scripts that share one scope, in the
 * order that `assets.ts` gives them, since a page of one file can import nothing.
 */
type Page = import('../model.ts').Page
type Group = import('../model.ts').Group
type Drawn = import('../model.ts').DrawnBinding
type Grade = import('../model.ts').Grade
type Target = import('../model.ts').Target

/** Written by the command that made the page, which is where its shape is checked. */
const page: Page = JSON.parse(document.getElementById('page')?.textContent ?? '')

const gradeWords: { readonly [grade in Grade]: string } = {
  error: 'wrong',
  warning: 'with a warning',
  ok: 'well',
}

/** What a person may type to find a binding, in lower case; made once, since a search looks at all of them. */
const searchable = new Map<Drawn, string>()
for (const group of page.groups)
  for (const binding of group.bindings) searchable.set(binding, textOf(group, binding))

function textOf({ namespace, pool, pods = [] }: Group, binding: Drawn): string {
  const { name, mode, state, objective, account, container, spiffeID, output, problems } = binding
  const own = [namespace, pool.name, name, mode, state, objective?.name, account, container, spiffeID, output]
  return [
    ...own,
    ...problems.flatMap(({ cause, fix }) => [cause, fix]),
    ...pods.filter((_, at) => binding.pods[at] === '').map((pod) => pod.name),
  ]
    .join('\n')
    .toLowerCase()
}

type Filter = {
  /** Each has to be found. */
  readonly words: readonly string[]
  readonly namespace: string
  readonly grades: ReadonlySet<Grade>
}

function matches({ namespace }: Group, binding: Drawn, filter: Filter): boolean {
  if (!filter.grades.has(binding.grade)) return false
  if (filter.namespace !== '' && filter.namespace !== namespace) return false
  const text = searchable.get(binding) ?? ''
  return filter.words.every((word) => text.includes(word))
}
