/** One binding in words. All that the graph shows of it is here, too. */
const details = element('section', {
  class: 'details',
  attributes: { 'aria-label': 'Details', tabindex: '-1', hidden: '' },
})

let endDetails = (): void => undefined
details.addEventListener('keydown', ({ key }) => {
  if (key === 'Escape') endDetails()
})

function showDetails(group: Group, binding: Drawn, opened: HTMLElement, close: () => void): void {
  const end = (): void => {
    details.hidden = true
    close()
    opened.focus()
  }
  const button = element('button', { class: 'close', text: 'Close', attributes: { type: 'button' } })
  button.addEventListener('click', end)
  endDetails = end
  details.replaceChildren(
    button,
    element('h2', { text: `${group.namespace}/${binding.name}` }),
    element('p', { class: `state ${binding.grade}`, text: binding.state }),
    ...binding.problems.map(({ grade, cause, fix }) =>
      element(
        'div',
        { class: `problem ${grade}` },
        element('p', { text: cause }),
        ...(fix === undefined ? [] : [element('p', { class: 'fix', text: `Fix: ${fix}` })]),
      ),
    ),
    factsOf(group, binding),
  )
  details.hidden = false
  details.focus()
}

const targetWords = ({ name, kind }: Target): string => `${name}, ${kind ?? 'which is not there'}`

function factsOf({ pool, pods }: Group, binding: Drawn): HTMLElement {
  const { mode, objective, account, container, spiffeID, output, selectors, peers } = binding
  const of = (kind: 'collision' | 'overlap'): readonly string[] =>
    peers.filter((peer) => peer.kind === kind).map(({ name }) => name)
  const facts: readonly (readonly [string, readonly string[]])[] = [
    ['Mode', [mode]],
    ['Pool', [targetWords(pool)]],
    ['Pods of the pool have', pool.labels ?? []],
    ['Objective', objective ? [targetWords(objective)] : []],
    ['ServiceAccount', [account]],
    ['Container', container === undefined ? [] : [container]],
    ['SPIFFE ID', spiffeID === undefined ? [] : [spiffeID]],
    ['ClusterSPIFFEID', output === undefined ? [] : [output]],
    ['Selectors', selectors],
    ['Collides with', of('collision')],
    ['Shares pods with', of('overlap')],
    [
      'Pods',
      (pods ?? []).flatMap(({ name }, at) => {
        const lacks = binding.pods[at]
        return lacks === undefined ? [] : [`${name}: ${lacks || 'fits'}`]
      }),
    ],
  ]
  return element(
    'dl',
    {},
    ...facts
      .filter(([, values]) => values.length > 0)
      .flatMap(([term, values]) => [
        element('dt', { text: term }),
        ...values.map((text) => element('dd', { text })),
      ]),
  )
}
