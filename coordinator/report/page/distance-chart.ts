import * as Plot from '@observablehq/plot'
import type { Report } from '../report-schema.ts'
import { colours } from './colours.ts'
import { counted, percent } from './datum.ts'
import { type chartDocument, figure, shortened, svgMarkup } from './figure.ts'
import { type Markup, printable } from './html.ts'
import { plainAxis, rowFrame } from './row-frame.ts'

const mostColumns = 60
const width = 400

/** Per column: the distance to the release of the generator's rows (cross) and of raked rows (dot), and what noise alone makes (bar). */
export const distanceFigure = (fidelity: Report['fidelity'], document: ReturnType<typeof chartDocument>): Markup => {
  const columns = fidelity.columns.slice(0, mostColumns).map((column, i) => ({ ...column, i }))
  const names = columns.map(({ column }) => shortened(printable(column), 24))
  const largest = Math.max(0.001, ...columns.flatMap((c) => [c.distance, c.network_distance, c.noise_distance]))
  const title = 'Distance to the released marginals, by column'
  const svg = Plot.plot({
    document,
    ...rowFrame({ names, width, rowHeight: 19, mostMargin: 156, padding: 0.3, ariaLabel: title }),
    x: {
      domain: [0, 105 * largest],
      percent: true,
      ticks: 5,
      label: 'total variation distance, %',
      ...plainAxis,
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
      Plot.dot(columns, {
        y: 'i',
        x: 'network_distance',
        r: 4,
        symbol: 'times',
        stroke: colours.network,
        strokeWidth: 1.8,
      }),
      Plot.ruleX([0], { stroke: colours.text }),
    ],
  })
  return figure(
    {
      svg: svgMarkup(svg),
      title,
      caption: 'Bar: what the privacy noise alone makes. Cross: the generator, not raked. Dot: raked to these.',
      wide: true,
    },
    {
      head: [
        'column',
        'generator to release',
        'raked to release',
        'noise alone',
        'cohort to raked',
        'levels inside: generator',
        'raked',
        'levels',
      ],
      rows: columns.map((column) => [
        column.column,
        percent(column.network_distance),
        percent(column.distance),
        percent(column.noise_distance),
        percent(column.cohort_distance),
        counted(column.network_inside),
        counted(column.inside),
        counted(column.levels.length),
      ]),
      ...(columns.length < fidelity.columns.length && {
        note: `The first ${columns.length} of ${fidelity.columns.length} columns; report.json has them all.`,
      }),
    },
  )
}
