import * as Plot from '@observablehq/plot'
import type { Report } from '../report-schema.ts'
import { colours } from './colours.ts'
import { counted, percent } from './datum.ts'
import { type chartDocument, figure, shortened, svgMarkup } from './figure.ts'
import { type Markup, printable } from './html.ts'

const mostColumns = 60
const width = 400

/** Per column: the generator's distance to the release (dot) beside what the noise alone makes (bar). */
export const distanceFigure = (fidelity: Report['fidelity'], document: ReturnType<typeof chartDocument>): Markup => {
  const columns = fidelity.columns.slice(0, mostColumns).map((column, i) => ({ ...column, i }))
  const names = columns.map(({ column }) => shortened(printable(column), 24))
  const largest = Math.max(0.001, ...columns.map(({ distance, noise_distance: noise }) => Math.max(distance, noise)))
  const title = 'Distance to the released marginals, by column'
  const svg = Plot.plot({
    document,
    width,
    height: 19 * columns.length + 44,
    marginLeft: Math.min(156, 14 + 6 * Math.max(...names.map((name) => name.length))),
    marginRight: 14,
    marginTop: 6,
    marginBottom: 38,
    style: { color: colours.text, fontSize: '10.5px', background: 'none' },
    ariaLabel: `${title}; the same numbers are in the table below`,
    x: {
      domain: [0, 105 * largest],
      percent: true,
      ticks: 5,
      label: 'total variation distance, %',
      labelArrow: 'none',
      labelAnchor: 'center',
    },
    y: {
      domain: columns.map(({ i }) => i),
      tickFormat: (i: number) => names[i]!,
      tickSize: 0,
      label: null,
      padding: 0.3,
    },
    marks: [
      Plot.gridX({ stroke: colours.line, strokeOpacity: 0.7, ticks: 5 }),
      Plot.barX(columns, {
        y: 'i',
        x1: 0,
        x2: 'noise_distance',
        fill: colours.released,
        stroke: colours.releasedLine,
        strokeWidth: 0.75,
      }),
      Plot.dot(columns, { y: 'i', x: 'distance', r: 3.5, fill: colours.sample, stroke: 'white', strokeWidth: 0.75 }),
      Plot.ruleX([0], { stroke: colours.text }),
    ],
  })
  return figure(
    { svg: svgMarkup(svg), title, caption: 'Bar: what the privacy noise alone makes. Dot: the generator.', wide: true },
    {
      head: ['column', 'generator to release', 'noise alone', 'cohort to generator', 'levels inside the bar', 'levels'],
      rows: columns.map((column) => [
        column.column,
        percent(column.distance),
        percent(column.noise_distance),
        percent(column.cohort_distance),
        counted(column.inside),
        counted(column.levels.length),
      ]),
      ...(columns.length < fidelity.columns.length && {
        note: `The first ${columns.length} of ${fidelity.columns.length} columns; report.json has them all.`,
      }),
    },
  )
}
