import * as z from 'zod'

const wholeFrom = (least: number, most: number) => z.int().min(least).max(most)

/** Public choices of the mixture synthesizer, frozen in the study's manifest. */
export const mixtureSchema = z.strictObject({
  name: z.literal('mixture'),
  chosen: z.literal('auto').optional().describe('Written where `auto` resolved to this block.'),
  components: wholeFrom(1, 65_535).default(600).describe('Products of independent columns that are mixed.'),
  fit_steps: wholeFrom(1, 100_000).default(500).describe('Steps of the fit at the coordinator; no privacy cost.'),
  residual_rounds: wholeFrom(0, 20)
    .default(2)
    .describe('Times that what the fit missed is cleaned of noise and fitted again.'),
  most_groups: z
    .union([wholeFrom(1, 65_535), z.array(wholeFrom(1, 65_535)).min(1).max(2000)])
    .default(32)
    .describe(
      'Groups of levels of a column in the pairs: one number for all columns but the outcome, or one for each.',
    ),
  outcome: z.string().min(1).max(200).optional().describe('Column whose pairs get more precision.'),
  outcome_weight: z
    .number()
    .min(1)
    .max(1000)
    .default(3)
    .describe('Times the precision of other pairs, where an outcome is named.'),
  pair_exponent: z
    .number()
    .min(0)
    .max(2)
    .default(0.5)
    .describe('Precision of a pair is proportional to its cells to this power.'),
  marginals_share: z
    .number()
    .positive()
    .lt(1)
    .default(0.15)
    .describe('Share of the budget, in zCDP, for the 1-way marginals.'),
  steps: z
    .strictObject({ marginals: wholeFrom(1, 100), pairs: wholeFrom(1, 100) })
    .default({ marginals: 8, pairs: 16 })
    .describe(
      'Releases of each kind, combined by inverse variance: as exact as one, and a spare costs a part of one only.',
    ),
  spares: z
    .strictObject({ marginals: wholeFrom(0, 100), pairs: wholeFrom(0, 100) })
    .default({ marginals: 1, pairs: 1 })
    .describe('Attempts reserved beyond the steps, all paid for in advance.'),
})

export type MixtureSettings = z.output<typeof mixtureSchema>
