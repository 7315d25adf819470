import { longestCondition } from '@tributary/shared/condition/condition-tree'
import { encodeCanonical, hashBytes } from '@tributary/shared/wire/canonical'
import * as z from 'zod'

/** Rows that one cohort may have. */
export const mostRows = 10_000_000

// Its length is no matter of shape: `parseCondition` refuses with the condition's own error.
const condition = (what: string) => z.string().meta({ description: what, minLength: 1, maxLength: longestCondition })

/** What is asked for beyond a condition: which part of the rows is to be what. */
export const additionFields = {
  reweight: z
    .array(
      z.strictObject({
        condition: condition('Whose share: sex = f, or age >= 80.'),
        share: z.number().min(0).max(1).describe("The part of the cohort's rows that meets the condition, to the row."),
      }),
    )
    .min(1)
    .max(32)
    .optional()
    .describe('Shares to hold; everything else stays as near as can be to what it is without them.'),
  balance: z
    .array(z.string().min(1).max(200))
    .min(1)
    .max(6)
    .optional()
    .describe('Columns: every combination of their levels that there is gets as many rows.'),
  augment: z
    .strictObject({
      condition: condition('Whom there are to be more of.'),
      times: z.number().gt(0).max(1000).describe('How many times as many, for each of the others.'),
    })
    .optional(),
  set: z
    .array(condition('smoking = never, or chol IS MISSING.'))
    .min(1)
    .max(32)
    .optional()
    .describe(
      "What if: the rows as drawn, with a column set and every column after it, in the model's order, made again. Not a causal effect.",
    ),
}

/** What a cohort is a function of, besides the released model: equal orders of one model give equal bytes. */
export const cohortOrderSchema = z.strictObject({
  rows: z.int().min(1).max(mostRows),
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .describe('Public: draws the cohort, and draws it again.'),
  where: condition(
    'A condition that every row meets: age >= 60 AND (diabetes = yes OR NOT smoking = current).',
  ).optional(),
  ...additionFields,
})

export type CohortOrder = z.output<typeof cohortOrderSchema>
/** Of an order: what it asks for beyond rows, seed and condition. */
export type Additions = Pick<CohortOrder, 'reweight' | 'balance' | 'augment' | 'set'>

/** The additions alone, without keys that are not given. */
export const additionsOf = ({ reweight, balance, augment, set }: Additions): Additions => ({
  ...(reweight !== undefined && { reweight }),
  ...(balance !== undefined && { balance }),
  ...(augment !== undefined && { augment }),
  ...(set !== undefined && { set }),
})

/** SHA-256 of an order in normal form: one for all ways to write it. */
export const orderSha256 = (order: CohortOrder): string => {
  const { rows, seed, where } = order
  return hashBytes(
    encodeCanonical(JSON.parse(JSON.stringify({ rows, seed, where: where ?? null, ...additionsOf(order) }))),
  )
}

/** What is asked beyond a condition, as it would be typed; `quoted` makes a word of a text. */
export const additionWords = (additions: Additions, quoted: (text: string) => string): string[] => {
  const { reweight = [], balance, augment, set = [] } = additions
  return [
    ...reweight.flatMap(({ condition, share }) => ['--reweight', quoted(`${condition}:${share}`)]),
    ...(balance === undefined ? [] : ['--balance', quoted(balance.join(','))]),
    ...(augment === undefined ? [] : ['--augment', quoted(augment.condition), `x${augment.times}`]),
    ...set.flatMap((text) => ['--set', quoted(text)]),
  ]
}
