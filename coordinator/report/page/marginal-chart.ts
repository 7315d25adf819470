import * as Plot from '@observablehq/plot'
import type { Report } from '../report-schema.ts'
import { colours } from './colours.ts'
import { percent } from './datum.ts'
import { type chartDocument, figure, shortened, svgMarkup } from './figure.ts'
import { type Markup, printable } from './html.ts'
import { plainAxis, rowFrame } from './row-frame.ts'

type ColumnFidelity = Report['fidelity']['columns'][number]

/** Drawn and listed levels of one column; report.json has them all. */
const mostLevels = 40
const width = 344
const rowHeight = 19
const longestName = 20

/** Printed as 0.0 %. */
const hardlyAny = 0.0005

/** Of a column of many levels those with the largest shares, in the column's own order; none of which there is hardly any. */
const shownLevels = ({ levels }: ColumnFidelity) => {
  if (levels.length <= mostLevels) return levels
  const size = (i: number) => Math.max(levels[i]!.released, levels[i]!.network, levels[i]!.sample, levels[i]!.cohort)
  const largest = levels.map((_, i) => i).toSorted((a, b) => size(b) - size(a))
  const counted = largest.slice(0, mostLevels).filter((i) => size(i) >= hardlyAny)
  return (counted.length > 0 ? counted : largest.slice(0, mostLevels)).toSorted((a, b) => a - b).map((i) => levels[i]!)
}

/** Two days are too long for an axis, and the second is the next one's first: `from 1974-01-01`. */
const axisName = ({ kind }: ColumnFidelity, level: string): string =>
  kind === 'date' ? level.replace(/^\[([^,]+), .+[)\]]$/, 'from $1') : level

/** Bar: released; whisker: 95 % of its noise; cross: the generator; dot: raked rows; diamond: the cohort. Marks lie over each other, none is stacked. */
const draw = (column: ColumnFidelity, document: ReturnType<typeof chartDocument>): Markup => {
  const levels = shownLevels(column).map((level, i) => ({ ...level, i }))
  const names = levels.map(({ level }) => shortened(axisName(column, printable(level)), longestName))
  const largest = Math.max(
    0.02,
    ...levels.flatMap(({ high, network, sample, cohort }) => [high, network, sample, cohort]),
  )
  return svgMarkup(
    Plot.plot({
      document,
      ...rowFrame({ names, width, rowHeight, mostMargin: 132, padding: 0.25, ariaLabel: 'share of rows by level' }),
      x: {
        domain: [0, 100 * Math.min(1, 1.04 * largest)],
        percent: true,
        ticks: 5,
        label: 'share of rows, %',
        ...plainAxis,
      },
      marks: [
        Plot.gridX({ stroke: colours.line, strokeOpacity: 0.7, ticks: 5 }),
        Plot.barX(levels, {
          y: 'i',
          x1: 0,
          x2: 'released',
          fill: colours.released,
          stroke: colours.releasedLine,
          strokeWidth: 0.75,
        }),
        Plot.ruleY(levels, { y: 'i', x1: 'low', x2: 'high', stroke: colours.bar, strokeWidth: 1.1 }),
        Plot.tickX(levels, { y: 'i', x: 'low', stroke: colours.bar, strokeWidth: 1.1, insetTop: 3, insetBottom: 3 }),
        Plot.tickX(levels, { y: 'i', x: 'high', stroke: colours.bar, strokeWidth: 1.1, insetTop: 3, insetBottom: 3 }),
        Plot.dot(levels, { y: 'i', x: 'sample', r: 3, fill: colours.sample, stroke: 'white', strokeWidth: 0.75 }),
        Plot.dot(levels, {
          y: 'i',
          x: 'cohort',
          r: 4,
          symbol: 'diamond',
          fill: 'none',
          stroke: colours.cohort,
          strokeWidth: 1.6,
        }),
        Plot.dot(levels, { y: 'i', x: 'network', r: 3, symbol: 'times', stroke: colours.network, strokeWidth: 1.4 }),
        Plot.ruleX([0], { stroke: colours.text }),
      ],
    }),
  )
}

export const marginalFigure = (column: ColumnFidelity, document: ReturnType<typeof chartDocument>): Markup => {
  const levels = shownLevels(column)
  return figure(
    {
      svg: draw(column, document),
      title: column.column,
      caption: [
        'distance to the release: generator ',
        percent(column.network_distance),
        ', raked ',
        percent(column.distance),
        ', noise alone ',
        percent(column.noise_distance),
        levels.length < column.levels.length && `; the ${levels.length} largest of ${column.levels.length} levels`,
      ],
    },
    {
      head: ['level', 'released', '95 % from', 'to', 'generator', 'raked', 'cohort'],
      rows: levels.map(({ level, released, low, high, network, sample, cohort, like_zero }) => [
        level,
        [percent(released), like_zero && ' (like 0)'],
        percent(low),
        percent(high),
        percent(network),
        percent(sample),
        percent(cohort),
      ]),
      ...(levels.length < column.levels.length && {
        note: `The ${levels.length} of ${column.levels.length} levels with the largest shares; report.json has them all.`,
      }),
    },
  )
}
