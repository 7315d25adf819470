import { test } from '@fast-check/vitest'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resolveColumns } from '../study/column-file.ts'
import { columnFileSchema } from '../study/study-schema.ts'
import { calendarStarts, dateText, parseDate } from './calendar.ts'
import { type Column, decodeCell, encodeAnyCell, encodeCell, levelName, sizeOfColumn } from './column.ts'

const column = (spec: object): Column => {
  const file = columnFileSchema.parse({ name: 'x', kind: 'date', ...spec })
  const { columns, findings } = resolveColumns([file], [])
  expect(findings).toEqual([])
  return { ...columns[0]!, missingTexts: ['NA'] }
}

const days = fc.integer({ min: parseDate('1000-01-01')!, max: parseDate('9999-12-31')! })
const steps = fc.constantFrom('day', 'week', 'month', 'quarter', 'year')

describe('dates', () => {
  test.prop([days])('a day prints and parses to itself, date-times by the date that they show', (day) => {
    expect(parseDate(dateText(day))).toBe(day)
    expect(parseDate(` ${dateText(day)}T23:59:59.999-11:00`)).toBe(day)
    expect(parseDate(`${dateText(day)} 00:00 `)).toBe(day)
  })

  it('knows leap years, and no day that no calendar has', () => {
    expect(parseDate('2024-02-29')! - parseDate('2024-02-28')!).toBe(1)
    expect(parseDate('2024-03-01')! - parseDate('2024-02-28')!).toBe(2)
    expect(parseDate('2000-02-29')).toBe(11_016)
    for (const text of ['2023-02-29', '1900-02-29', '2024-13-01', '2024-00-10', '2024-04-31', '0999-01-01'])
      expect(parseDate(text)).toBeUndefined()
    for (const text of ['29.02.2024', '2024/02/29', '20240229', '2024-2-9', '2024-02-29x', '19782', ''])
      expect(parseDate(text)).toBeUndefined()
  })

  it('steps begin where calendars say: Mondays, first days of months, quarters and years', () => {
    const starts = (every: 'week' | 'month' | 'quarter' | 'year', to = '2025-01-09') =>
      calendarStarts(parseDate('2024-02-07')!, parseDate(to)!, every, 1000).map(dateText)
    expect(starts('week', '2024-02-20')).toEqual(['2024-02-07', '2024-02-12', '2024-02-19'])
    expect(starts('month', '2024-04-01')).toEqual(['2024-02-07', '2024-03-01', '2024-04-01'])
    expect(starts('quarter')).toEqual(['2024-02-07', '2024-04-01', '2024-07-01', '2024-10-01', '2025-01-01'])
    expect(starts('year')).toEqual(['2024-02-07', '2025-01-01'])
  })

  test.prop([
    days,
    fc.nat({ max: 2000 }),
    steps,
    fc.nat(),
    fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  ])('a drawn date encodes to the bin that it was drawn from', (day, span, every, seed, uniform) => {
    const from = Math.min(day, parseDate('9999-12-31')! - span)
    const x = column({ from: dateText(from), to: dateText(from + span), every, missing: 'level' })
    const code = seed % sizeOfColumn(x)
    expect(encodeCell(x, decodeCell(x, code, uniform))).toBe(code)
  })

  it('outside and missing are treated like numbers, names are dates', () => {
    const x = column({ from: '2020-01-01', to: '2020-12-31', every: 'quarter' })
    expect(['2019-12-31', '2021-01-01', 'NA', '01.02.2020'].map((text) => encodeCell(x, text))).toEqual([
      -1, -1, -1, -1,
    ])
    expect(['2019-12-31', '2021-01-01', 'NA'].map((text) => encodeAnyCell(x, text))).toEqual([0, 3, 0])
    expect([0, 3].map((code) => levelName(x, code))).toEqual(['[2020-01-01, 2020-04-01)', '[2020-10-01, 2020-12-31]'])
    const clamped = column({ from: '2020-02-28', to: '2020-03-01', every: 'day', outside: 'clamp' })
    expect([0, 1, 2].map((code) => levelName(clamped, code))).toEqual(['2020-02-28', '2020-02-29', '2020-03-01'])
    expect(encodeCell(clamped, '1999-01-01 12:00')).toBe(0)
  })
})
