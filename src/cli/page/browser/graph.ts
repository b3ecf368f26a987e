/** How one pool is drawn: columns from left to right in the order in which an identity comes about. */
const columns = ['Pool', 'Objective', 'Binding', 'Identity', 'Pods'] as const
const columnWidth = 250
const nodeWidth = 190
const rowHeight = 56
const nodeHeight = 44
/** More pods than these are counted, not drawn. */
const podsAtMost = 20

type Cell = { readonly column: number; readonly row: number }

/** A box of the graph. `about` is the binding that the details are about when it is chosen. */
type Box = Cell & {
  readonly kind: string
  readonly title: string
  readonly remark: string
  readonly grade: Grade
  readonly about: Drawn | undefined
}

type Line = {
  readonly from: Cell
  readonly to: Cell
  readonly kind: string
  readonly about: readonly Drawn[]
}

type Sketch = { readonly boxes: readonly Box[]; readonly lines: readonly Line[]; readonly rows: number }

/** A group as it is drawn: only these of its bindings are looked at. */
function sketchOf(group: Group, shown: readonly Drawn[]): Sketch {
  const boxes: Box[] = [poolBox(group, shown[0])]
  const lines: Line[] = []
  const pool = { column: 0, row: 0 }
  const rowOf = new Map(shown.map((binding, row) => [binding.name, row]))
  const objectives = new Map<string, Cell>()
  const pods = (group.pods ?? []).slice(0, podsAtMost)
  for (const [row, binding] of shown.entries()) {
    const at = { column: 2, row }
    const { objective } = binding
    if (objective) {
      const key = `${objective.kind ?? ''}/${objective.name}`
      const known = objectives.get(key)
      const place = known ?? { column: 1, row }
      if (!known) {
        objectives.set(key, place)
        boxes.push({ ...place, ...targetBox('objective', objective, binding) })
        lines.push({ from: pool, to: place, kind: 'plain', about: [binding] })
      }
      lines.push({ from: place, to: at, kind: 'plain', about: [binding] })
    } else lines.push({ from: pool, to: at, kind: 'plain', about: [binding] })
    boxes.push({ ...at, ...bindingBox(binding) })
    const isGiven = binding.grade !== 'error'
    const identity = { column: 3, row }
    boxes.push({ ...identity, ...identityBox(binding, isGiven) })
    lines.push({ from: at, to: identity, kind: isGiven ? 'plain' : 'broken', about: [binding] })
    for (const podRow of pods.keys())
      if (isGiven && binding.pods[podRow] === '')
        lines.push({ from: identity, to: { column: 4, row: podRow }, kind: 'plain', about: [binding] })
    for (const peer of binding.peers) {
      const other = rowOf.get(peer.name)
      // Each of two says so of the other; one line is enough.
      if (other === undefined || other > row)
        lines.push({ from: at, to: { column: 2, row: other ?? row }, kind: peer.kind, about: [binding] })
    }
  }
  boxes.push(...podBoxes(group, pods.length))
  return { boxes, lines, rows: Math.max(shown.length, pods.length + 1, 1) }
}

function poolBox({ pool }: Group, about: Drawn | undefined): Box {
  const isThere = pool.kind !== undefined
  return {
    column: 0,
    row: 0,
    kind: 'pool',
    title: pool.name,
    remark: isThere ? (pool.labels?.join(', ') ?? 'selector that can not be used') : 'is not there',
    grade: isThere && pool.labels ? 'ok' : 'error',
    about,
  }
}

const targetBox = (kind: string, { name, kind: is }: Target, about: Drawn): Omit<Box, keyof Cell> => ({
  kind,
  title: name,
  remark: is === undefined ? 'is not there' : (is.split('/')[0] ?? ''),
  grade: is === undefined ? 'error' : 'ok',
  about,
})

const bindingBox = (binding: Drawn): Omit<Box, keyof Cell> => ({
  kind: 'binding',
  title: binding.name,
  remark: `${binding.state}${binding.container === undefined ? '' : `, container ${binding.container}`}`,
  grade: binding.grade,
  about: binding,
})

const identityBox = (binding: Drawn, isGiven: boolean): Omit<Box, keyof Cell> => ({
  kind: 'identity',
  title: isGiven ? (binding.spiffeID ?? 'none') : 'no identity',
  remark: isGiven ? (binding.output ?? '') : 'by this binding',
  grade: isGiven ? 'ok' : 'error',
  about: binding,
})

function podBoxes({ pods, bindings }: Group, drawn: number): readonly Box[] {
  const at = { column: 4, kind: 'pod', about: undefined }
  if (!pods) return [{ ...at, row: 0, title: 'pods', remark: 'were not looked at', grade: 'ok' }]
  if (pods.length === 0) return [{ ...at, row: 0, title: 'no pods', remark: 'that can be read', grade: 'ok' }]
  const boxes = pods.slice(0, drawn).map(({ name, account }, row): Box => {
    const isServed = bindings.some((one) => one.grade !== 'error' && one.pods[row] === '')
    const remark = isServed ? `runs as ${account}` : 'gets no identity by these'
    return { ...at, row, title: name, remark, grade: isServed ? 'ok' : 'warning' }
  })
  const rest = pods.length - drawn
  return rest === 0
    ? boxes
    : [...boxes, { ...at, row: drawn, title: counted(rest, 'more pod'), remark: 'not drawn', grade: 'ok' }]
}

/** A curve between two boxes; within a column, an arc on its left, and a stub where the other one is not drawn. */
function pathOf({ from, to }: Line): string {
  const [y1, y2] = [from.row, to.row].map((row) => row * rowHeight + nodeHeight / 2)
  const x2 = to.column * columnWidth
  if (from.column === to.column)
    return from.row === to.row
      ? `M${x2} ${y1} h-26`
      : `M${x2} ${y1} C${x2 - 46} ${y1} ${x2 - 46} ${y2} ${x2} ${y2}`
  const x1 = from.column * columnWidth + nodeWidth
  const middle = Math.max(x1 + 20, x2 - 40)
  return `M${x1} ${y1} H${middle - 20} C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`
}

type Picture = { readonly element: HTMLElement; readonly light: (about: Drawn | undefined) => void }

function draw(
  group: Group,
  shown: readonly Drawn[],
  choose: (about: Drawn, from: HTMLElement) => void,
): Picture {
  const { boxes, lines, rows } = sketchOf(group, shown)
  const [width, height] = [columns.length * columnWidth - (columnWidth - nodeWidth), rows * rowHeight].map(
    String,
  )
  const drawing = svg('svg', { width: width ?? '', height: height ?? '', 'aria-hidden': 'true' })
  const paths = lines.map((line) => {
    const path = svg('path', { d: pathOf(line), class: `line ${line.kind}` })
    drawing.append(path)
    return { path, line }
  })
  const nodes = boxes.map((box) => {
    const { kind, title, remark, grade, about, column, row } = box
    const node = element(
      'button',
      {
        class: `node ${kind} ${grade}`,
        attributes: {
          type: 'button',
          tabindex: '-1',
          title: `${title}\n${remark}`,
          'aria-label': `${kind} ${title}: ${remark}${grade === 'ok' ? '' : `, ${gradeWords[grade]}`}`,
        },
      },
      element('span', { class: 'title', text: title }),
      element('span', { class: 'remark', text: remark }),
    )
    node.style.left = `${column * columnWidth}px`
    node.style.top = `${row * rowHeight}px`
    if (about) node.addEventListener('click', () => choose(about, node))
    return { node, box }
  })
  const area = element('div', { class: 'area' }, drawing, ...nodes.map(({ node }) => node))
  area.style.width = `${width}px`
  area.style.height = `${height}px`
  walkByArrows(area, nodes)
  const headings = element(
    'div',
    { class: 'headings', attributes: { 'aria-hidden': 'true' } },
    ...columns.map((text) => element('span', { text })),
  )
  const label = `Graph of pool ${group.pool.name}; arrow keys go from box to box, Enter shows details`
  return {
    element: element(
      'div',
      { class: 'graph', attributes: { role: 'group', 'aria-label': label } },
      headings,
      area,
    ),
    light: (about) => {
      for (const { path, line } of paths)
        path.classList.toggle('lit', about !== undefined && line.about.includes(about))
      for (const { node, box } of nodes)
        node.classList.toggle('lit', about !== undefined && box.about === about)
    },
  }
}

/** One box of a graph is reached by Tab, the others from there by the arrows. */
function walkByArrows(
  area: HTMLElement,
  nodes: readonly { readonly node: HTMLElement; readonly box: Box }[],
): void {
  const [first] = nodes
  if (first) first.node.tabIndex = 0
  const steps: { readonly [key: string]: readonly [number, number] } = {
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, -1],
    ArrowDown: [0, 1],
  }
  area.addEventListener('keydown', (event) => {
    const [across, down] = steps[event.key] ?? [0, 0]
    const here = nodes.find(({ node }) => node === document.activeElement)
    if ((across === 0 && down === 0) || !here) return
    event.preventDefault()
    const ahead = nodes.filter(({ box }) =>
      across === 0
        ? box.column === here.box.column && (box.row - here.box.row) * down > 0
        : (box.column - here.box.column) * across > 0,
    )
    const far = ({ box }: (typeof nodes)[number]): number =>
      Math.abs(box.column - here.box.column) * 1000 + Math.abs(box.row - here.box.row)
    const [nearest] = ahead.toSorted((a, b) => far(a) - far(b))
    if (!nearest) return
    here.node.tabIndex = -1
    nearest.node.tabIndex = 0
    nearest.node.focus()
  })
}
