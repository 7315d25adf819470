import { atMostText, beliefText } from '@tributary/shared/dp/odds'
import { html, type Content, type Markup } from './html.ts'

/** A number people can read; `data` keeps the value itself, as it stands in report.json. */
const datum = (value: number, text: string): Markup => html`<data value="${value}">${text}</data>`

/** Whole and large numbers with thousands marked. */
export const counted = (value: number): Markup => datum(value, Math.round(value).toLocaleString('en'))

/** Three significant digits unless told; tiny numbers as a power of ten. */
export const measured = (value: number, digits = 3): Markup => {
  const size = Math.abs(value)
  if (size >= 1000) return counted(value)
  return datum(value, size !== 0 && size < 1e-3 ? value.toExponential(2) : String(Number(value.toPrecision(digits))))
}

/** Epsilon: three decimals, rounded up, as `study validate` prints it. */
export const epsilonText = (value: number, idealNoise: boolean): Content => [
  datum(value, atMostText(value, value < 100 ? 3 : 0)),
  idealNoise && ' *',
]

/**
 * A share as a percentage with one decimal (or `finer`), one more below one percent; tiny ones by their first two digits, never as
 * nothing.
 */
export const percent = (value: number, finer = 0): Markup => {
  if (value > 0 && value < 5e-4) return datum(value, `${(100 * value).toPrecision(2)}\u00a0%`)
  const digits = finer + (value > 0 && value < 0.01 ? 2 : 1)
  return datum(value, `${(100 * value).toFixed(digits)}\u00a0%`)
}

/** The most that a belief can become, rounded up as everywhere else. */
export const belief = (value: number): Markup => datum(value, beliefText(value).replaceAll(' %', '\u00a0%'))

/** Strength of a relation: two decimals, a dash where nothing can be said. */
export const strength = (value: number | null): Content => (value === null ? '\u2013' : datum(value, value.toFixed(2)))

/** The odds sentence with an arrow that reads as one. */
export const arrow = (odds: string): string => odds.replace('->', '\u2192').replaceAll(' %', '\u00a0%')
