import { colours } from './colours.ts'

export interface Rows {
  /** One a row, from above. */
  readonly names: readonly string[]
  /** px, of the chart, of a row, and the most that the names may take. */
  readonly width: number
  readonly rowHeight: number
  readonly mostMargin: number
  /** Share of a row left empty. */
  readonly padding: number
  /** What is drawn, for who cannot see it; no foreign text, linkedom does not escape `<` in an attribute. */
  readonly ariaLabel: string
}

/** What every chart of named rows shares: its size, its margins, its type, its rows by number so that equal names stay apart. */
export const rowFrame = ({ names, width, rowHeight, mostMargin, padding, ariaLabel }: Rows) => ({
  width,
  height: rowHeight * names.length + 44,
  marginLeft: Math.min(mostMargin, 14 + 6 * Math.max(...names.map((name) => name.length))),
  marginRight: 14,
  marginTop: 6,
  marginBottom: 38,
  style: { color: colours.text, fontSize: '10.5px', background: 'none' },
  ariaLabel: `${ariaLabel}; the same numbers are in the table below`,
  y: {
    domain: names.map((_, i) => i),
    tickFormat: (i: number) => names[i]!,
    tickSize: 0,
    label: null,
    padding,
  },
})

/** The label of a horizontal axis: below its middle, without an arrow. */
export const plainAxis = { labelArrow: 'none', labelAnchor: 'center' } as const
