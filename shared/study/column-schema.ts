import * as z from 'zod'

/**
 * A study's columns: public facts of its authors, never read from patients' rows (R19). `columnSchema` is what a manifest holds:
 * every cell of every column spelled out, so that the manifest's hash covers it. `columnFileSchema` is what people may write
 * instead: a grid for bins, dates for days, a file for levels, a site column without levels.
 */
const text = z.string().min(1).max(200)
const levels = z.array(text).min(1).max(65_535)
const bins = z.array(z.number()).min(1).max(65_535)

const missing = z.enum(['refuse', 'level']).default('refuse').describe('level: missing is a level of its own.')
const outside = z
  .enum(['refuse', 'clamp'])
  .default('refuse')
  .describe('clamp: a value outside the bins counts in the nearest.')
const unit = z.string().min(1).max(40).optional().describe('Unit of every number of the column at every site: mg/dL.')
const decimals = z
  .int()
  .min(0)
  .max(9)
  .optional()
  .describe('Decimals that values are printed with. Default: as many as the bins need.')
const integer = z.boolean().default(false)

const categorical = {
  name: text,
  kind: z.literal('categorical'),
  ordered: z.boolean().default(false),
  numeric_text: z.boolean().default(false).describe('Compare as numbers, so that 1 and 1.0 are one level.'),
  missing,
  other: z.string().max(200).default('refuse').describe('refuse, or the level that any unlisted text counts as.'),
  hierarchy: z
    .strictObject({
      prefixes: z
        .array(z.int().min(1).max(199))
        .min(1)
        .max(8)
        .describe('Ascending: levels that share their first so many characters are close.'),
    })
    .optional()
    .describe('For code systems (ICD, ATC): where there are too many levels, rare ones are told apart by prefix only.'),
}

export const categoricalSchema = z.strictObject({
  ...categorical,
  levels: levels.describe('Exact texts, in the order of their codes.'),
  filled_with: z
    .literal('site')
    .optional()
    .describe("Each hospital fills the column with its own name: it is in nobody's table."),
})

const numeric = { name: text, kind: z.literal('numeric'), unit, integer, decimals, missing, outside }

export const numericSchema = z.strictObject({
  ...numeric,
  bins: bins.describe('Ascending starts of right-open bins.'),
  maximum: z.number().describe('Largest value of the last bin, included.'),
})

export const calendarSteps = ['day', 'week', 'month', 'quarter', 'year'] as const
const every = z.enum(calendarSteps)

/** Days since 1970-01-01, so that a date is a whole number wherever numbers are worked with. */
export const dateSchema = z.strictObject({
  name: text,
  kind: z.literal('date'),
  every: every.describe('What one bin is; the first and the last may be shorter.'),
  bins: bins.describe('First day of each bin, ascending, in days since 1970-01-01.'),
  maximum: z.int().describe('Last day of the last bin.'),
  missing,
  outside,
})

export const columnSchema = z.discriminatedUnion('kind', [categoricalSchema, numericSchema, dateSchema])

export const valueGridSchema = z
  .strictObject({
    from: z.number().describe('Smallest value. With scale log above 0, or 0 where integer or decimals says how fine.'),
    to: z.number().describe('Largest value, included.'),
    cells: z.int().min(1).max(1024).describe('At most so many: edges that round to the same value are one.'),
    scale: z.enum(['linear', 'log']).default('linear').describe('log: cells of equal ratio, for heavy tails.'),
  })
  .describe('Many narrow public bins, instead of bins and maximum.')

const isoDate = z.iso.date('must be a date like 2024-02-29')

/** As people write it. Which of two ways was taken is checked with the rest of the facts, in column-file.ts. */
export const columnFileSchema = z.discriminatedUnion('kind', [
  z
    .strictObject({
      ...categorical,
      levels: levels.optional().describe('Exact texts, in the order of their codes.'),
      levels_file: text
        .optional()
        .describe('Instead of levels: a text file beside the study, one level a line or the first column of a CSV.'),
    })
    .meta({ anyOf: [{ required: ['levels'] }, { required: ['levels_file'] }] }),
  z
    .strictObject({
      ...numeric,
      bins: bins.optional().describe('Ascending starts of right-open bins.'),
      maximum: z.number().optional().describe('Largest value of the last bin, included.'),
      grid: valueGridSchema.optional(),
    })
    .meta({ anyOf: [{ required: ['bins', 'maximum'] }, { required: ['grid'] }] }),
  z.strictObject({
    name: text,
    kind: z.literal('date'),
    from: isoDate.describe('First day.'),
    to: isoDate.describe('Last day, included.'),
    every: every.describe('What one bin is: days, weeks from Monday, months, quarters or years.'),
    missing,
    outside,
  }),
  z.strictObject({ name: text, kind: z.literal('site') }).describe('The hospital itself: its name, from no row.'),
])

export type ColumnSpec = z.output<typeof columnSchema>
export type CategoricalSpec = z.output<typeof categoricalSchema>
export type NumericSpec = z.output<typeof numericSchema>
export type DateSpec = z.output<typeof dateSchema>
/** Columns whose values are numbers in bins; a date's are days since 1970-01-01. */
export type BinnedSpec = NumericSpec | DateSpec
export type ColumnFile = z.output<typeof columnFileSchema>
export type ValueGrid = z.output<typeof valueGridSchema>
export type CalendarStep = (typeof calendarSteps)[number]
