import { binOf } from '@tributary/shared/schema/numeric'
import type { BinnedSpec, CategoricalSpec, NumericSpec } from '@tributary/shared/study/study-schema'
import type { ColumnProfile } from './column-profile.ts'
import type { Spelling } from './level-spelling.ts'
import { type Problem, type ProblemKind, problemKinds } from './problem.ts'
import { isKnownUnit, likelyUnits } from './unit-conversion.ts'

/** Fewer rows say nothing about a column. */
const fewestRows = 50

/** Shares from which something is worth a word, stands in the way of approval, or is nearly everything. */
const [some, most, nearlyAll] = [0.01, 0.5, 0.95]

/** A column's rough shares: what an officer may see of patients' rows. */
export const shareRange = (part: number, of: number): string => {
  const share = part / of
  if (share < some) return 'under 1 %'
  if (share < 0.05) return '1 to 5 %'
  if (share < 0.2) return '5 to 20 %'
  if (share < most) return '20 to 50 %'
  return share < nearlyAll ? 'more than half' : 'nearly all'
}

const spellingNames: Record<Spelling, string> = {
  blanks: 'blanks around or inside them differ',
  case: 'capital and small letters differ',
  number: 'leading zeros, a .0 or a decimal comma differ (numeric_text compares levels as numbers)',
  punctuation: 'dots, dashes or other signs differ',
}

/**
 * What makes a hospital's columns look unlike the study's: other units, codes, spellings, dates, hardly filled columns. Judged by
 * coarse shares and by where the middle value lies in the declared range; nothing of a row is said. For eyes inside the hospital.
 */
export const unlikeness = (profiles: readonly ColumnProfile[]): Problem[] =>
  profiles.filter(({ rows }) => rows >= fewestRows).flatMap(unlikenessOf)

const unlikenessOf = (profile: ColumnProfile): Problem[] => {
  const { column, rows, missing, present } = profile
  const found: Problem[] = []
  const say: Say = (kind, part, blocks, detail) =>
    found.push({
      kind,
      column: column.name,
      detail: detail === undefined ? problemKinds[kind] : `${problemKinds[kind]}: ${detail}`,
      count: shareRange(part, kind === 'nearly all missing' ? rows : present),
      blocks,
    })
  if (missing >= nearlyAll * rows) say('nearly all missing', missing, false)
  if (present < fewestRows) return found
  if (column.kind === 'categorical') lookAtCodes(profile, column, say)
  else {
    lookAtSpelling(profile, say)
    lookAtRange(profile, column, say)
  }
  if (profile.mostFrequent >= 0.999 * present) say('nearly constant', profile.mostFrequent, false)
  return found
}

/** `part`: rows of the column's present ones. */
type Say = (kind: ProblemKind, part: number, blocks: boolean, detail?: string) => void

const lookAtCodes = ({ spelled, unlisted, present }: ColumnProfile, column: CategoricalSpec, say: Say): void => {
  for (const [spelling, count] of [...spelled].sort(([, a], [, b]) => b - a))
    if (count >= some * present) say('written otherwise', count, false, spellingNames[spelling])
  if (column.other !== 'refuse' && unlisted >= 0.2 * present) say('other codes', unlisted, unlisted >= most * present)
}

const lookAtSpelling = ({ decimalComma, otherDate, swapped, days, column, present }: ColumnProfile, say: Say): void => {
  if (decimalComma >= some * present)
    say('written otherwise', decimalComma, false, 'a decimal comma instead of a point')
  if (otherDate >= some * present)
    say('written otherwise', otherDate, false, 'dates with day or month first instead of year-month-day')
  if (swapped > 0) say('day and month swapped', swapped, true)
  else if (column.kind === 'date' && neverLate(days)) say('day and month swapped', present, false, 'no day is above 12')
}

const lookAtRange = (profile: ColumnProfile, column: BinnedSpec, say: Say): void => {
  const { present, below, above, median, mostFrequentOutside: alone } = profile
  const outside = below + above
  if (outside >= most * present) {
    const units = column.kind === 'date' ? [] : fittingUnits(column, median)
    if (units.length > 0) say('other unit', outside, true, units.join('; or '))
    else say('outside the range', outside, true)
  } else if (alone >= some * present && alone >= 0.9 * outside) say('one value outside', alone, false)
  else if (outside >= 0.2 * present) say('outside the range', outside, false)
  else if (column.kind === 'numeric') {
    const unit = doubtfulUnit(column, median)
    if (unit !== undefined) say('other unit', present, false, `the middle value would fit ${unit}`)
  }
}

/** Conversions that take the local median well inside the declared range, the nearest to its middle first; at most three. */
const fittingUnits = (column: NumericSpec, median: number | undefined): string[] => {
  if (median === undefined) return []
  const { bins, maximum, unit } = column
  const known = unit !== undefined && isKnownUnit(unit) ? unit : undefined
  return likelyUnits(median, known)
    .filter((each) => each.median > bins[0]! && each.median < maximum && isInside(column, each.median))
    .sort((a, b) => offMiddle(column, a.median) - offMiddle(column, b.median))
    .slice(0, 3)
    .map(({ text }) => text)
}

/**
 * A conversion of the column's own declared unit that takes a median from the range's edge to its middle, although most values are
 * inside the range. Only where a unit is declared: without one, too many columns have their middle elsewhere.
 */
const doubtfulUnit = (column: NumericSpec, median: number | undefined): string | undefined => {
  if (median === undefined || median <= 0 || column.unit === undefined || !isKnownUnit(column.unit)) return undefined
  const here = offMiddle(column, median)
  const best = likelyUnits(median, column.unit)
    .filter((each) => isInside(column, each.median))
    .sort((a, b) => offMiddle(column, a.median) - offMiddle(column, b.median))[0]
  if (best === undefined || here < Math.log(2)) return undefined
  return offMiddle(column, best.median) < Math.min(Math.log(1.6), here / 3) ? best.text : undefined
}

/** Not in the first or last tenth of the bins. */
const isInside = (column: NumericSpec, value: number): boolean => {
  const place = (binOf(column, value) + 0.5) / column.bins.length
  return place > 0.1 && place < 0.9
}

/** Logarithm of the ratio of a value to the middle bin's start: authors put as many bins below as above what is usual. */
const offMiddle = ({ bins }: NumericSpec, value: number): number => {
  const middle = bins[bins.length >> 1]!
  return middle > 0 && value > 0 ? Math.abs(Math.log(value / middle)) : Number.POSITIVE_INFINITY
}

/** Days 1 to 12 in plenty and none above: what a swapped export leaves of the dates that are still dates. */
const neverLate = (days: Float64Array): boolean => {
  const early = days.subarray(1, 13)
  return early.every((count) => count > 0) && days.subarray(13).every((count) => count === 0)
}
