import * as z from 'zod'

/** The `family` block of a study file that leaves the choice to public facts. The manifest holds what it was resolved to. */
export const autoSchema = z.strictObject({
  name: z.literal('auto'),
  outcome: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('Column whose relations matter most. Default: the outcome of the evaluation, if there is one.'),
  most_rounds: z
    .int()
    .min(2)
    .max(100_000)
    .default(320)
    .describe('Rounds that the consortium can afford, repeated ones included.'),
  most_levels: z
    .int()
    .min(2)
    .max(65_535)
    .optional()
    .describe('No column is modelled by more groups of levels than this. Default: chosen by the size of the study.'),
})

export type AutoBlock = z.output<typeof autoSchema>
