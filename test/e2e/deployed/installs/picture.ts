/** What a panel of the dashboard shows: a line for each series that its queries give. */
export type Shown = {
  readonly title: string
  readonly description: string
  /** One of Grafana's: short, reqps, s, bytes. */
  readonly unit: string
  /** In columns of 24, and rows, of the dashboard. */
  readonly place: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly lines: readonly Line[]
}

/** Points are seconds and values; a value that is no number is left out. */
export type Line = { readonly label: string; readonly points: readonly (readonly [number, number])[] }

const column = 50
const row = 28
const gap = 8
const colours = ['#2f6fde', '#c4560b', '#2d8a4e', '#8a4bc2', '#b8305c', '#0c8599', '#7a6a00', '#5c677d']
const font = 'font-family="system-ui, sans-serif"'

/** A dashboard as an SVG, laid out as it says. */
export function pictureOf(panels: readonly Shown[]): string {
  const height = Math.max(...panels.map(({ place }) => place.y + place.h)) * row
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${24 * column} ${height}" role="img" ${font}>`,
    '<title>The dashboard of kleym-operator</title>',
    `<rect width="100%" height="100%" fill="#eceff4"/>`,
    ...panels.flatMap(panelOf),
    '</svg>',
    '',
  ].join('\n')
}

function panelOf({ title, description, unit, place, lines }: Shown): readonly string[] {
  const [x, y] = [place.x * column + gap / 2, place.y * row + gap / 2]
  const [width, height] = [place.w * column - gap, place.h * row - gap]
  const columns = legendColumns(lines)
  const plot = {
    left: 54,
    top: 44,
    width: width - 66,
    height: height - 74 - Math.ceil(lines.length / columns) * 14,
  }
  const values = lines.flatMap(({ points }) => points.map(([, value]) => value))
  const times = lines.flatMap(({ points }) => points.map(([time]) => time))
  const most = Math.max(...values, 0) || 1
  const [from, to] = [Math.min(...times), Math.max(...times)]
  const at = ([time, value]: readonly [number, number]): string =>
    `${(plot.left + ((time - from) / (to - from || 1)) * plot.width).toFixed(1)},${(plot.top + (1 - Math.max(value, 0) / most) * plot.height).toFixed(1)}`
  return [
    `<g transform="translate(${x} ${y})">`,
    `<rect width="${width}" height="${height}" rx="4" fill="#fff"/>`,
    text(12, 20, escaped(title), 'font-size="14" font-weight="600" class="title"'),
    text(12, 35, escaped(description), 'font-size="11" fill="#5c677d"'),
    ...[0, 0.5, 1].flatMap((share) => {
      const level = plot.top + (1 - share) * plot.height
      return [
        `<path d="M${plot.left} ${level.toFixed(1)}h${plot.width}" stroke="#dde2ea"/>`,
        text(
          plot.left - 6,
          level + 4,
          shown(share * most, unit),
          'font-size="10" fill="#5c677d" text-anchor="end"',
        ),
      ]
    }),
    ...lines.flatMap(({ label, points }, index) => {
      const colour = colours[index % colours.length]
      const last = points.at(-1)
      const [left, top] = [
        12 + (index % columns) * (width / 2 - 6),
        plot.top + plot.height + 22 + Math.floor(index / columns) * 14,
      ]
      return [
        `<polyline points="${points.map(at).join(' ')}" fill="none" stroke="${colour}" stroke-width="1.5"/>`,
        `<rect x="${left}" y="${top - 8}" width="10" height="8" fill="${colour}"/>`,
        text(left + 14, top, `${escaped(label)} ${last ? shown(last[1], unit) : ''}`, 'font-size="10"'),
      ]
    }),
    '</g>',
  ]
}

/** Long labels stand below each other. */
const legendColumns = (lines: readonly Line[]): number =>
  lines.some(({ label }) => label.length > 24) ? 1 : 2

const text = (x: number, y: number, words: string, look: string): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${look}>${words}</text>`

function shown(value: number, unit: string): string {
  if (unit === 'bytes') return `${Math.round(value / 2 ** 20)} MiB`
  if (unit === 's' && value >= 86_400) return `${Math.round(value / 86_400)} d`
  if (unit === 's' && value < 1) return `${Number((value * 1000).toPrecision(2))} ms`
  const digits = Number(value.toPrecision(2))
  return unit === 's' ? `${digits} s` : unit === 'reqps' ? `${digits}/s` : String(digits)
}

const escaped = (words: string): string =>
  words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
