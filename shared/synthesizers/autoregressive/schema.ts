import * as z from 'zod'

/** The `family` block of an autoregressive study. */
export const autoregressiveSchema = z.strictObject({
  name: z.literal('autoregressive'),
  chosen: z.literal('auto').optional().describe('Set where `name: auto` in the study file led to this family.'),
  hidden: z.int().min(1).max(65_536).default(192),
  learning_rate: z.number().positive().max(1).default(0.01),
  averaged_share: z.number().min(0).max(1).default(0.5),
  steps: z.int().min(1).max(100_000).default(300),
  sampling_rate: z.number().positive().max(1).default(0.05),
  most_levels: z
    .int()
    .min(2)
    .max(65_535)
    .default(64)
    .describe('A column with more levels is modelled by so many groups of them.'),
  marginals_share: z
    .number()
    .positive()
    .lt(1)
    .default(0.1)
    .describe('Share of the budget, in zCDP, for the 1-way marginals.'),
  clip_norm: z.literal(1).default(1),
  spares: z
    .strictObject({ marginals: z.int().min(0).max(100), gradient: z.int().min(0).max(100_000) })
    .default({ marginals: 1, gradient: 6 })
    .describe('Attempts reserved beyond the steps, all paid for in advance.'),
})

export type AutoregressiveBlock = z.output<typeof autoregressiveSchema>
