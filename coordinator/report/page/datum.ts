import { html, type Content, type Markup } from './html.ts'

/** A number people can read; `data` keeps the value itself, as it stands in report.json. */
const datum = (value: number, text: string): Markup => html`<data value="${value}">${text}</data>`

/** Whole and large numbers with thousands marked. */
export const counted = (value: number): Markup => datum(value, Math.round(value).toLocaleString('en'))

/** Three significant digits; tiny numbers as a power of ten. */
export const measured = (value: number): Markup => {
  const size = Math.abs(value)
  if (size >= 1000) return counted(value)
  return datum(value, size !== 0 && size < 1e-3 ? value.toExponential(2) : String(Number(value.toPrecision(3))))
}

/** Epsilon: three decimals, as `study validate` prints it. */
export const epsilonText = (value: number, idealNoise: boolean): Content => [
  datum(value, value < 100 ? value.toFixed(3) : value.toFixed(0)),
  idealNoise && ' *',
]

/** A share as a percentage with one decimal, two below one percent; tiny ones by their first two digits, never as nothing. */
export const percent = (value: number): Markup => {
  if (value > 0 && value < 5e-4) return datum(value, `${(100 * value).toPrecision(2)}\u00a0%`)
  const digits = value > 0 && value < 0.01 ? 2 : 1
  return datum(value, `${(100 * value).toFixed(digits)}\u00a0%`)
}

/** Strength of a relation: two decimals, a dash where nothing can be said. */
export const strength = (value: number | null): Content => (value === null ? '\u2013' : datum(value, value.toFixed(2)))

/** The odds sentence with an arrow that reads as one. */
export const arrow = (odds: string): string => odds.replace('->', '\u2192').replaceAll(' %', '\u00a0%')
