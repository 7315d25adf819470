import * as Plot from '@observablehq/plot'
import type { Report } from '../report-schema.ts'
import { colours } from './colours.ts'
import { counted } from './datum.ts'
import { type chartDocument, figure, shortened, svgMarkup } from './figure.ts'
import { type Markup, printable } from './html.ts'
import { plainAxis, rowFrame } from './row-frame.ts'

const width = 400

/** One strip a site over all attempts, and one for the sums: a full bar where it contributed, a thin line where it did not. */
export const participationFigure = (
  { sites, sums, attempts }: Report['participation'],
  document: ReturnType<typeof chartDocument>,
): Markup => {
  const strips = [...sites.map(({ site, spans }) => ({ name: site, spans })), { name: 'sum opened', spans: sums }]
  const names = strips.map(({ name }) => shortened(printable(name), 20))
  const spans = strips.flatMap(({ spans: all, name }, i) => all.map((span) => ({ ...span, name, i })))
  const title = 'Contributions over all attempts'
  const common = { x1: ({ from }: { from: number }) => from - 1, x2: 'to', y: 'i' }
  const svg = Plot.plot({
    document,
    ...rowFrame({ names, width, rowHeight: 22, mostMargin: 132, padding: 0.25, ariaLabel: title }),
    x: {
      domain: [0, Math.max(1, attempts)],
      ticks: 6,
      label: 'attempts, in order',
      ...plainAxis,
    },
    marks: [
      Plot.barX(
        spans.filter(({ present }) => present),
        { ...common, fill: colours.present },
      ),
      Plot.barX(
        spans.filter(({ present }) => !present),
        { ...common, fill: colours.absent, insetTop: 6.5, insetBottom: 6.5 },
      ),
      Plot.ruleX([0], { stroke: colours.text }),
    ],
  })
  return figure(
    { svg: svgMarkup(svg), title, caption: 'Full bar: contributed (or opened). Thin line: did not.', wide: true },
    {
      head: ['strip', 'from attempt', 'to attempt', 'present'],
      rows: spans.map(({ name, from, to, present }) => [name, counted(from), counted(to), present ? 'yes' : 'no']),
    },
  )
}
