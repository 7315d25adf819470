import { longestCondition } from '@tributary/shared/condition/condition-tree'
import * as z from 'zod'

/** Rows that one cohort may have. */
export const mostRows = 10_000_000

/** What a cohort is a function of, besides the released model: equal orders of one model give equal bytes. */
export const cohortOrderSchema = z.strictObject({
  rows: z.int().min(1).max(mostRows),
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .describe('Public: draws the cohort, and draws it again.'),
  // Its length is no matter of shape: `parseCondition` refuses with the condition's own error.
  where: z.string().optional().meta({
    description: 'A condition that every row meets: age >= 60 AND (diabetes = yes OR NOT smoking = current).',
    minLength: 1,
    maxLength: longestCondition,
  }),
})

export type CohortOrder = z.output<typeof cohortOrderSchema>
