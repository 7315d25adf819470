import * as z from 'zod'

/** Characters of a condition. */
export const longestCondition = 4000

/**
 * Which rows a cohort holds. Logic has two values, unlike SQL's: a comparison with a missing value is false, so that `not` of
 * it is true. Levels are the study's texts; a number compares with the value as the cohort prints it.
 */
export type Condition =
  | { column: string; is: string | number }
  | { column: string; in: (string | number)[] }
  | ({ column: string } & Bounds)
  | { column: string; missing: true }
  | { all: Condition[] }
  | { any: Condition[] }
  | { not: Condition }

/** A number, or a date as `2024-02-29`. */
export type Bound = string | number

/** At least one bound; at most one from below and one from above. Numeric and date columns only. */
export interface Bounds {
  at_least?: Bound
  above?: Bound
  at_most?: Bound
  below?: Bound
}

const column = z.string().min(1).max(200)
const value = z.union([z.string().min(1).max(200), z.number()])
const bound = value.optional()

const bounds = z
  .strictObject({ column, at_least: bound, above: bound, at_most: bound, below: bound })
  .refine((range) => [range.at_least, range.above, range.at_most, range.below].some((end) => end !== undefined), {
    error: 'a range needs a bound',
  })
  .refine(
    (range) =>
      (range.at_least === undefined || range.above === undefined) &&
      (range.at_most === undefined || range.below === undefined),
    { error: 'a range has one bound from below and one from above' },
  )

/** A condition as JSON; shapes only: `compiledCondition` checks it against a study. */
export const conditionSchema: z.ZodType<Condition> = z.lazy(() =>
  z.union([
    z.strictObject({ column, is: value }),
    z.strictObject({ column, in: z.array(value).min(1).max(1000) }),
    z.strictObject({ column, missing: z.literal(true) }),
    bounds as z.ZodType<{ column: string } & Bounds>,
    z.strictObject({ all: z.array(conditionSchema).min(2).max(1000) }),
    z.strictObject({ any: z.array(conditionSchema).min(2).max(1000) }),
    z.strictObject({ not: conditionSchema }),
  ]),
)

/** A rule with other leaves beside a condition's. */
export type Tree<T> = T | Leaf | { all: Tree<T>[] } | { any: Tree<T>[] } | { not: Tree<T> }

/** A condition on one column. */
export type Leaf = Extract<Condition, { column: string }>
