import * as Plot from '@observablehq/plot'
import { colours } from './colours.ts'
import { strength } from './datum.ts'
import { type chartDocument, figure, shortened, svgMarkup } from './figure.ts'
import { type Markup, printable } from './html.ts'

/** Up to so many columns the value stands in its cell. */
const mostWritten = 20
const width = 400
const longestName = 22

/** Lower triangle of Cramér's V: columns are numbered, so that no name has to lie on its side. */
export const pairFigure = (
  names: readonly string[],
  map: readonly (readonly (number | null)[])[],
  title: string,
  document: ReturnType<typeof chartDocument>,
): Markup => {
  const cells = map.flatMap((row, i) => row.slice(0, i).map((value, j) => ({ i, j, value })))
  const labels = names.map((name, i) => `${shortened(printable(name), longestName)} ${i + 1}`)
  const marginLeft = Math.min(150, 12 + 5.6 * Math.max(...labels.map((label) => label.length)))
  const side = (width - marginLeft - 8) / (names.length - 1)
  const isWritten = names.length <= mostWritten
  const written = cells.filter(({ value }) => isWritten && value !== null)
  const axis = { tickSize: 0, label: null }
  const svg = Plot.plot({
    document,
    width,
    height: side * (names.length - 1) + 24,
    marginLeft,
    marginRight: 8,
    marginTop: 2,
    marginBottom: 22,
    style: { color: colours.text, background: 'none' },
    ariaLabel: `${title}; the same numbers are in the table below`,
    color: { type: 'linear', scheme: 'Blues', domain: [0, 1], unknown: '#ffffff' },
    x: { domain: names.slice(0, -1).map((_, j) => j), axis: null, padding: 0.06 },
    y: { domain: names.slice(1).map((_, i) => i + 1), axis: null, padding: 0.06 },
    marks: [
      Plot.axisX({ ...axis, tickFormat: (j: number) => String(j + 1), fontSize: Math.min(10.5, 0.62 * side) }),
      Plot.axisY({
        ...axis,
        tickFormat: (i: number) => labels[i]!,
        fontSize: Math.min(10.5, Math.max(6, 0.75 * side)),
      }),
      Plot.cell(cells, { x: 'j', y: 'i', fill: 'value', stroke: colours.line, strokeWidth: 0.5 }),
      Plot.text(written, {
        x: 'j',
        y: 'i',
        text: ({ value }: { value: number }) => String(Math.round(100 * value)),
        fill: ({ value }: { value: number }) => (value > 0.66 ? 'white' : colours.text),
        fontSize: Math.min(9, 0.5 * side),
      }),
    ],
  })
  return figure(
    {
      svg: svgMarkup(svg),
      title,
      caption: isWritten
        ? 'Each cell: 100 times the strength; darker is stronger, empty where nothing can be said.'
        : 'Darker is stronger.',
      wide: true,
    },
    {
      head: ['', ...names.map((_, j) => j + 1)],
      rows: map.map((row, i) => [`${i + 1} ${names[i]}`, ...row.map((value, j) => (j < i ? strength(value) : ''))]),
    },
  )
}
