import type { CalendarStep } from '../study/column-schema.ts'

const dayMilliseconds = 86_400_000
const iso = /^([1-9]\d{3})-(\d\d)-(\d\d)(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?: ?(?:Z|[+-]\d\d(?::?\d\d)?))?)?$/

/** Days since 1970-01-01 of a day that the calendar has (Gregorian, years 1000 to 9999). `month` from 1. */
const dayOf = (year: number, month: number, day: number): number => Date.UTC(year, month - 1, day) / dayMilliseconds

/**
 * Days since 1970-01-01 of an ISO 8601 date, or of a date-time by the date that is written in it, whatever its zone; blanks around
 * it ignored. Undefined for any other text, and for days that no calendar has: `2023-02-29`.
 */
export const parseDate = (text: string): number | undefined => {
  const [, year, month, day] = iso.exec(text.trim()) ?? []
  if (year === undefined) return undefined
  const days = dayOf(Number(year), Number(month), Number(day))
  return dateText(days) === `${year}-${month}-${day}` ? days : undefined
}

/** `2024-02-29` for a whole number of days since 1970-01-01. */
export const dateText = (days: number): string => new Date(days * dayMilliseconds).toISOString().slice(0, 10)

/** First day of the step after the one that `days` lies in. Weeks begin on Monday. */
const nextStart = (days: number, every: CalendarStep): number => {
  if (every === 'day') return days + 1
  // 1970-01-01 was a Thursday, three days after a Monday.
  if (every === 'week') return days + 7 - ((((days + 3) % 7) + 7) % 7)
  const date = new Date(days * dayMilliseconds)
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
  if (every === 'year') return dayOf(year + 1, 1, 1)
  // A month beyond December is the next year's.
  return every === 'month' ? dayOf(year, month + 2, 1) : dayOf(year, month - (month % 3) + 4, 1)
}

/** First days of the steps from `from` to `to`, both days included; the first may begin inside its step. At most `most` + 1. */
export const calendarStarts = (from: number, to: number, every: CalendarStep, most: number): number[] => {
  const starts: number[] = []
  for (let start = from; start <= to && starts.length <= most; start = nextStart(start, every)) starts.push(start)
  return starts
}
