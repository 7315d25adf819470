import { printable, printableLines } from './printable.ts'

/** bigint as JSON has numbers. */
export const wholeNumbers = (_key: string, value: unknown) => (typeof value === 'bigint' ? Number(value) : value)

const cell = (value: unknown): string => {
  if (value === undefined || value === null) return '-'
  if (typeof value === 'string') return printable(value)
  // Figures for people; --json keeps every digit.
  if (typeof value === 'number' && !Number.isInteger(value)) return String(Number(value.toPrecision(6)))
  return printable(JSON.stringify(value, wholeNumbers))
}

const table = (rows: readonly object[]): string => {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const cells = rows.map((row) =>
    columns.map((column) => cell(Object.entries(row).find(([key]) => key === column)?.[1])),
  )
  const lines = [columns.map(printable), ...cells]
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)))
  return lines
    .map((line) =>
      line
        .map((text, index) => text.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

const isTable = (value: unknown): value is readonly object[] =>
  Array.isArray(value) && value.length > 0 && value.every((row) => typeof row === 'object' && row !== null)

const indented = (text: string): string => text.replaceAll(/^/gm, '  ')

/** A field a line; lists of objects and objects stand indented below their name. */
const entry = (key: string, value: unknown): string => {
  const name = printable(key)
  if (isTable(value)) return `${name}:\n${indented(table(value))}`
  if (Array.isArray(value)) return `${name}: ${value.length === 0 ? '-' : value.map(cell).join(', ')}`
  if (typeof value === 'object' && value !== null)
    return `${name}: ${Object.entries(value)
      .map(([part, inner]) => `${printable(part)} ${cell(inner)}`)
      .join(', ')}`
  return `${name}: ${cell(value)}`
}

/** A result as people read it: a table for a list of objects, else a field a line; nothing in it can steer a terminal. */
export const plainText = (data: unknown): string => {
  if (typeof data === 'string') return printableLines(data)
  if (isTable(data)) return table(data)
  if (Array.isArray(data)) return data.length === 0 ? '(none)' : data.map(cell).join('\n')
  if (typeof data !== 'object' || data === null) return cell(data)
  return Object.entries(data)
    .map(([key, value]) => entry(key, value))
    .join('\n')
}
