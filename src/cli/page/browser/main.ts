/** Bindings of one pool that are drawn at once; there is a button for more. */
const drawnAtOnce = 100
/** Groups that are open at the beginning: of those, the ones in which something is wrong. */
const openAtMost = 10

type Shelf = {
  readonly group: Group
  readonly element: HTMLDetailsElement
  /** Shows what a filter leaves of it, and says how much that is. */
  readonly show: (filter: Filter) => number
}

let unlight = (): void => undefined

function shelfOf(group: Group, isOpen: boolean): Shelf {
  let shown = group.bindings
  let limit = drawnAtOnce
  let isDrawn = false
  const count = element('span', { class: 'count' })
  const inside = element('div')
  const summary = element(
    'summary',
    {},
    element('span', {
      class: `pool-name ${group.bindings[0]?.grade ?? 'ok'}`,
      text: `${group.namespace}/${group.pool.name}`,
    }),
    count,
  )
  const shelf = element('details', { class: 'group' }, summary, inside)
  const drawNow = (): void => {
    if (!shelf.open || isDrawn) return
    isDrawn = true
    const picture = draw(group, shown.slice(0, limit), (about, from) => {
      unlight()
      picture.light(about)
      unlight = () => picture.light(undefined)
      showDetails(group, about, from, unlight)
    })
    inside.replaceChildren(picture.element)
    const rest = shown.length - limit
    if (rest <= 0) return
    const more = element('button', {
      class: 'more',
      text: `Show ${counted(Math.min(rest, drawnAtOnce), 'more binding')} of ${rest.toLocaleString('en')}`,
      attributes: { type: 'button' },
    })
    more.addEventListener('click', () => {
      limit += drawnAtOnce
      isDrawn = false
      drawNow()
    })
    inside.append(more)
  }
  shelf.addEventListener('toggle', drawNow)
  shelf.open = isOpen
  return {
    group,
    element: shelf,
    show: (filter) => {
      shown = group.bindings.filter((binding) => matches(group, binding, filter))
      shelf.hidden = shown.length === 0
      const wrong = shown.filter(({ grade }) => grade === 'error').length
      count.textContent = ` ${counted(shown.length, 'binding')}${wrong === 0 ? '' : `, ${wrong} wrong`}`
      isDrawn = false
      limit = drawnAtOnce
      if (!shelf.hidden) drawNow()
      return shown.length
    },
  }
}

const all = page.groups.flatMap(({ bindings }) => bindings)
const isWrong = (group: Group): boolean => group.bindings.some(({ grade }) => grade === 'error')
const shelves = page.groups.map((group, at) =>
  shelfOf(group, at < openAtMost && (at === 0 || isWrong(group))),
)
const found = element('p', { class: 'found', attributes: { role: 'status' } })

function apply(): void {
  const filter = filterNow()
  const left = shelves.reduce((sum, shelf) => sum + shelf.show(filter), 0)
  found.textContent = `${left.toLocaleString('en')} of ${counted(all.length, 'binding')} shown`
}

const of = (grade: Grade): string =>
  `${all.filter((one) => one.grade === grade).length.toLocaleString('en')} ${gradeWords[grade]}`

document.body.append(
  element(
    'header',
    {},
    element('h1', { text: 'InferenceIdentityBindings' }),
    element('p', {
      text: `${page.source}, ${page.generatedAt}: ${of('error')}, ${of('warning')}, ${of('ok')}`,
    }),
    ...page.remarks.map((text) => element('p', { class: 'remark', text })),
  ),
  makeFilters(apply),
  found,
  element('main', {}, ...shelves.map((shelf) => shelf.element)),
  details,
)
apply()
