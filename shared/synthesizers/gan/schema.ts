import * as z from 'zod'

const wholeFrom = (least: number, most: number) => z.int().min(least).max(most)
const shareOfBudget = z.number().positive().lt(1)

/** The `family` block of a gan study. */
export const ganSchema = z.strictObject({
  name: z.literal('gan'),
  chosen: z.literal('auto').optional().describe('Set where `name: auto` in the study file led to this family.'),
  draws: wholeFrom(1, 65_535)
    .default(512)
    .describe('Latent draws of the generator: it is released at these, as a mixture.'),
  latents: wholeFrom(1, 1024).default(8).describe('Numbers in a latent draw.'),
  hidden: wholeFrom(1, 4096).default(64).describe('Hidden units of the generator.'),
  generator_steps: wholeFrom(1, 1_000_000)
    .default(600)
    .describe('Steps of the generator in all, shared out over the rounds; no privacy cost.'),
  learning_rate: z.number().positive().max(1).default(0.01).describe("Adam's rate, falling over the second half."),
  critic_hidden: wholeFrom(0, 4096)
    .default(0)
    .describe('Hidden units of the critic beside its weights of pairs of levels.'),
  critic_learning_rate: z.number().positive().max(1).default(0.01),
  pairs_share: shareOfBudget
    .default(0.8)
    .describe('Part of the squared clip norm for pairs of levels, where the critic has hidden units too.'),
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
  most_levels: wholeFrom(2, 65_535)
    .default(32)
    .describe('A column with more levels is modelled by so many groups of them, or fewer (most_pairs).'),
  most_pairs: wholeFrom(1, 10_000_000)
    .default(100_000)
    .describe('Longest vector of pairs of levels: wide tables get fewer groups a column.'),
  steps: wholeFrom(1, 100_000).default(20).describe('Rounds of the critic.'),
  sampling_rate: z
    .number()
    .positive()
    .max(1)
    .default(1)
    .describe('1: everybody in every round, no noise of sampling; a site of more than a million units needs less.'),
  marginals_share: shareOfBudget.default(0.15).describe('Share of the budget, in zCDP, for the 1-way marginals.'),
  spares: z
    .strictObject({ marginals: wholeFrom(0, 100), gradient: wholeFrom(0, 100_000) })
    .default({ marginals: 1, gradient: 2 })
    .describe('Attempts reserved beyond the steps, all paid for in advance.'),
})

export type GanBlock = z.output<typeof ganSchema>
