import { sizeOfColumn } from '../../schema/column.ts'
import type { StudyDraft } from '../../study/study-schema.ts'
import type { MixtureSettings } from '../mixture/schema.ts'
import { pairCellsOf } from './group-sizes.ts'
import { type AutoFacts, signalOf } from './signal.ts'

/** Below this many units a standard deviation of a pair's noise, few relations between columns can be learnt. */
const weak = 60

/** Any concrete family block. */
export type ExplainedFamily = StudyDraft['family'] | MixtureSettings

/**
 * Why the family block is what it is, in plain sentences for people who decide: what was chosen, on what public facts, what it costs
 * in rounds, and what cannot be expected of it. Any concrete family; nothing here is read from patients.
 */
export const explainFamily = (study: AutoFacts & { readonly family: ExplainedFamily }): string[] => {
  const { family, columns, privacy } = study
  const signal = signalOf(study)
  const who = privacy.unit === 'patient' ? 'patients' : 'rows'
  const units = Math.round(signal.units).toLocaleString('en')
  const basis = `It follows from public facts alone: ${units} promised ${who} to learn from, ${columns.length} columns, epsilon ${privacy.epsilon}.`
  const chosen = 'chosen' in family && family.chosen === 'auto' ? 'The rule auto chose' : 'The study names'
  if (family.name === 'mixture')
    return [
      `${chosen} the mixture: counts of every column, then of all pairs of columns, and a model fitted to them with the noise taken out.`,
      basis,
      ...mixtureSentences(family, study, signal.strength, who),
    ]
  if (family.name === 'autoregressive')
    return [
      `${chosen} the autoregressive network: counts of every column, then a small network trained by noisy gradients.`,
      basis,
      columns.length < 2
        ? 'One column has no relations to learn, so that its counts get nearly all of the budget.'
        : `It learns with ${family.hidden} hidden units over ${family.steps} steps, each from about ${percent(family.sampling_rate)} of the ${who}.`,
      `It takes ${1 + family.steps} rounds, and up to ${family.spares.marginals + family.spares.gradient} more where rounds fail.`,
    ]
  const attempts = family.spares.marginals + family.spares.gradient
  return [
    `${chosen} the gan: counts of every column, then a critic trained by noisy gradients, against which the coordinator trains a generator.`,
    basis,
    `The critic sees about ${percent(family.sampling_rate)} of the ${who} in each of ${family.steps} steps; the generator sees the critic alone.`,
    'It is here to be compared with: at the same epsilon the mixture follows tables more closely.',
    `It takes ${1 + family.steps} rounds, and up to ${attempts} more where rounds fail.`,
  ]
}

const mixtureSentences = (family: MixtureSettings, study: AutoFacts, strength: number, who: string): string[] => {
  const { steps, spares } = family
  const merged = mergedColumns(family, study)
  const cells = Array.isArray(family.most_groups) ? pairCellsOf(groupsOf(family, study)) : null
  return [
    `All pairs are counted because a relation that holds for a tenth of the ${who} would stand ${oneDigit(strength / 10)} times above the noise.`,
    ...(strength < weak
      ? [
          `That is little: only a few strong relations between columns can be learnt. More patients, a larger epsilon or fewer columns would help.`,
        ]
      : []),
    ...(merged === 0
      ? []
      : [
          `${merged} of ${study.columns.length} columns have more levels than the noise or the traffic allows: their pairs are counted by groups of levels, and a row gets its level inside a group by the column's own counts.`,
        ]),
    ...(family.outcome === undefined
      ? []
      : [
          `Pairs with ${family.outcome} are measured ${family.outcome_weight} times as precisely, as it is the outcome.`,
        ]),
    `It takes ${steps.marginals + steps.pairs} rounds, and up to ${spares.marginals + spares.pairs} more where rounds fail${cells === null ? '' : `; each of the larger ones sends ${cells.toLocaleString('en')} numbers`}.`,
    'Several rounds of each kind are averaged, so that a round in reserve costs little; one round with one in reserve would cost double.',
  ]
}

const groupsOf = (family: MixtureSettings, { columns }: AutoFacts): number[] => {
  const most = family.most_groups
  return columns.map((column, j) => Math.min(sizeOfColumn(column), typeof most === 'number' ? most : most[j]!))
}

const mergedColumns = (family: MixtureSettings, study: AutoFacts): number =>
  groupsOf(family, study).filter((groups, j) => groups < sizeOfColumn(study.columns[j]!)).length

const percent = (share: number): string => `${Number((100 * share).toPrecision(2))} %`
const oneDigit = (value: number): string => `${value >= 10 ? Math.round(value) : Number(value.toPrecision(2))}`
