/** The form above the graphs. */
const filterForm = element('form', { attributes: { role: 'search', 'aria-label': 'Filter' } })
const search = element('input', { attributes: { type: 'search', id: 'search', autocomplete: 'off' } })
const namespaces = element('select', { attributes: { id: 'namespace' } })
const gradeBoxes = (['error', 'warning', 'ok'] as const).map((grade) => {
  const box = element('input', { attributes: { type: 'checkbox', name: grade } })
  box.checked = true
  return { grade, box }
})

function makeFilters(changed: () => void): HTMLElement {
  namespaces.append(element('option', { text: 'all', attributes: { value: '' } }))
  for (const namespace of [...new Set(page.groups.map((group) => group.namespace))].toSorted())
    namespaces.append(element('option', { text: namespace, attributes: { value: namespace } }))
  filterForm.append(
    element('label', {}, 'Search ', search),
    element('label', {}, 'Namespace ', namespaces),
    ...gradeBoxes.map(({ grade, box }) => element('label', { class: grade }, box, ` ${gradeWords[grade]}`)),
  )
  filterForm.addEventListener('submit', (event) => event.preventDefault())
  filterForm.addEventListener('input', changed)
  return filterForm
}

const filterNow = (): Filter => ({
  words: search.value
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== ''),
  namespace: namespaces.value,
  grades: new Set(gradeBoxes.filter(({ box }) => box.checked).map(({ grade }) => grade)),
})
