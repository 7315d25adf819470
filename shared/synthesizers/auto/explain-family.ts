import type { StudyDraft } from '../../study/study-schema.ts'
import type { MixtureSettings } from '../mixture/schema.ts'
import { mixtureSentences } from './explain-mixture.ts'
import { type AutoFacts, signalOf } from './signal.ts'

/** Any concrete family block. */
export type ExplainedFamily = StudyDraft['family'] | MixtureSettings

/**
 * Why the family block is what it is, in plain sentences for people who decide: what was chosen, on what public facts, where the budget
 * goes, what is merged, how large the model is, what it costs in rounds, and what cannot be expected of it. Any concrete family; nothing
 * here is read from patients.
 */
export const explainFamily = (study: AutoFacts & { readonly family: ExplainedFamily }): string[] => {
  const { family, columns, privacy } = study
  const signal = signalOf(study)
  const who = privacy.unit === 'patient' ? 'patients' : 'rows'
  const units = Math.round(signal.units).toLocaleString('en')
  const isChosen = family.chosen === 'auto'
  const chosen = isChosen ? 'The rule auto chose' : 'The study names'
  const facts = `${units} promised ${who} to learn from, ${columns.length} ${columns.length === 1 ? 'column' : 'columns'}, epsilon ${privacy.epsilon}`
  const basis = isChosen ? `It follows from public facts alone: ${facts}.` : `Its public facts: ${facts}.`
  if (family.name === 'mixture')
    return [
      `${chosen} the mixture: counts of every column, then of all pairs of columns, and a model fitted to them with the noise taken out.`,
      basis,
      ...mixtureSentences(family, study, signal, who),
    ]
  const attempts = family.spares.marginals + family.spares.gradient
  const rounds = `It takes ${1 + family.steps} rounds${attempts > 0 ? `, and up to ${attempts} more where rounds fail` : ''}.`
  if (family.name === 'autoregressive')
    return [
      `${chosen} the autoregressive network: counts of every column, then a small network trained by noisy gradients.`,
      basis,
      ...(columns.length < 2
        ? [
            isChosen
              ? 'One column has no relations to learn, so that its counts get nearly all of the budget.'
              : `One column has no relations to learn: what goes to the ${family.steps} steps of training buys nothing.`,
          ]
        : [
            ...(isChosen ? ['There are too many columns to count all pairs of them in a round.'] : []),
            `It learns with ${family.hidden} hidden units over ${family.steps} steps, each from about ${percent(family.sampling_rate)} of the ${who}.`,
          ]),
      rounds,
    ]
  if (columns.length < 2 && family.critic_hidden === 0)
    return [
      `${chosen} the gan, whose critic would compare pairs of columns.`,
      basis,
      `One column has no pairs: its counts get all of the budget, in 1 round${family.spares.marginals > 0 ? `, and up to ${family.spares.marginals} more where it fails` : ''}.`,
    ]
  return [
    `${chosen} the gan: counts of every column, then a critic trained by noisy gradients, against which the coordinator trains a generator.`,
    basis,
    `The critic sees about ${percent(family.sampling_rate)} of the ${who} in each of ${family.steps} steps; the generator sees the critic alone.`,
    'It is here to be compared with: at the same epsilon the mixture follows tables more closely.',
    rounds,
  ]
}

const percent = (share: number): string => `${Number((100 * share).toPrecision(2))} %`
