import { printable } from '@tributary/shared/cli/printable'
import { atMostFigure } from '@tributary/shared/dp/odds'
import { csvField } from '@tributary/shared/csv-field'

const isNumber = (text: string) => /^-?[\d.,]+( %)?$/.test(text)

/** Aligned columns under their titles; columns of numbers to the right. Cost O(cells). */
export const textTable = (titles: readonly string[], rows: readonly (readonly string[])[]): string => {
  const lines = [titles, ...rows].map((line) => line.map(printable))
  const widths = titles.map((_, at) => lines.reduce((width, line) => Math.max(width, line[at]?.length ?? 0), 0))
  const right = titles.map((_, at) => rows.length > 0 && rows.every((row) => isNumber(row[at] ?? '') || row[at] === ''))
  return lines
    .map((line) =>
      line
        .map((text, at) => (right[at] ? text.padStart(widths[at] ?? 0) : text.padEnd(widths[at] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** `name   value` lines: what one thing is. */
export const textList = (entries: readonly (readonly [string, string])[]): string => {
  const width = entries.reduce((most, [name]) => Math.max(most, name.length), 0)
  return entries.map(([name, value]) => `${name.padEnd(width)}  ${printable(value)}`).join('\n')
}

/** RFC 4180, with plain line feeds as Tributary's own CSV has. */
export const csvText = (titles: readonly string[], rows: readonly (readonly string[])[]): string =>
  [titles, ...rows].map((row) => row.map(csvField).join(',')).join('\n')

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
/** 12,345 */
export const wholeText = (value: number): string => whole.format(value)

const percent = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 })
/** 8.1 % */
export const shareText = (share: number): string => `${percent.format(share * 100)} %`

/** Three significant digits, as weights are told. */
export const numberText = (value: number): string => percent.format(value)

/** Three significant digits, rounded up: what is promised at most. */
export const epsilonText = (epsilon: number): string => atMostFigure(epsilon, 3)

/** 1e-6 */
export const deltaText = (delta: number): string => delta.toExponential(1).replace('.0e', 'e')

/** One word for a POSIX shell: quoted only where it must be. */
export const shellWord = (text: string): string =>
  /^[\w./:@%+,=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
