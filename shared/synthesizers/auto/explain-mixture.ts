import { sizeOfColumn } from '../../schema/column.ts'
import type { MixtureSettings } from '../mixture/schema.ts'
import { pairCellsOf } from './group-sizes.ts'
import { type AutoFacts, noiseShareOf, type Signal } from './signal.ts'

/** Below this many units a standard deviation of a pair's noise, few relations between columns can be learnt; below `mute` hardly any. */
const weak = 60
const mute = 15
/** Columns that are named with the number of their groups; the others are counted. */
const mostNamed = 4

/** Budget, merging, size and rounds of a mixture, a sentence each. `who`: patients or rows. */
export const mixtureSentences = (
  family: MixtureSettings,
  study: AutoFacts,
  { units, strength }: Signal,
  who: string,
): string[] => {
  const { steps, spares } = family
  const { columns, privacy } = study
  const count = columns.length
  const reserveOf = (of: 'marginals' | 'pairs') => spares[of] / (steps[of] + spares[of])
  if (count < 2)
    return [
      'One column has no pairs: its counts get all of the budget.',
      `It takes ${roundsText(steps.marginals)}. ${reserveText(spares.marginals, reserveOf('marginals'))}`,
    ]
  const share = noiseShareOf(family.marginals_share, privacy.epsilon, privacy.delta)
  const kept = share * reserveOf('marginals') + (1 - share) * reserveOf('pairs')
  const pairs = (count * (count - 1)) / 2
  const noise = units / strength
  const sizes = groupsOf(family, study)
  return [
    `${percent(share)} of the budget goes to the counts of the ${count} columns, ${percent(1 - share)} to those of their ${pairs === 1 ? 'pair' : `${number(pairs)} pairs`}.`,
    `The noise on the count of one pair's cell is about ${number(noise)} ${who}, of ${number(units)}: what concerns fewer is lost in it.`,
    ...weakness(strength),
    ...merging(sizes, study),
    family.outcome === undefined
      ? 'No outcome is named: a named one would have its pairs counted with less noise.'
      : `Pairs with ${family.outcome} get ${family.outcome_weight} times the precision of others, as it is the outcome.`,
    `The model mixes ${number(family.components)} simple tables and is fitted at the coordinator to the noisy counts alone.`,
    `It takes ${roundsText(steps.marginals + steps.pairs)}, ${steps.marginals} of columns and ${steps.pairs} of pairs; the numbers that a round of pairs sends: ${number(pairCellsOf(sizes))}. ${reserveText(spares.marginals + spares.pairs, kept)}`,
  ]
}

const roundsText = (rounds: number): string => `${rounds} ${rounds === 1 ? 'round' : 'rounds'}`

/** Attempts in reserve are paid for in advance: `kept` of the budget, whether they are needed or not. */
const reserveText = (spares: number, kept: number): string =>
  spares === 0
    ? 'None is in reserve for rounds that fail.'
    : `Up to ${spares} more make up for rounds that fail: ${percent(kept)} of the budget is kept for them.`

const weakness = (strength: number): string[] => {
  const help = 'More patients, a larger epsilon or fewer columns would help.'
  if (strength < mute)
    return [`That is nearly everything: expect each column by itself to be right, and little more. ${help}`]
  if (strength < weak) return [`That is much: only a few strong relations between columns can be learnt. ${help}`]
  return []
}

const merging = (sizes: readonly number[], { columns }: AutoFacts): string[] => {
  const merged = columns.flatMap((column, j) => {
    const levels = sizeOfColumn(column)
    return sizes[j]! < levels ? [{ name: column.name, groups: sizes[j]!, levels }] : []
  })
  if (merged.length === 0) return ['All levels are counted as they are, none merged.']
  const named = merged
    .toSorted((a, b) => b.levels - a.levels)
    .slice(0, mostNamed)
    .map(({ name, groups, levels }) => `${name} by ${number(groups)} groups of its ${number(levels)} levels`)
  const others = merged.length - named.length
  return [
    `Too many levels for the noise or the traffic in ${merged.length} of ${columns.length} columns: in pairs they are counted by groups of levels, ${named.join(', ')}${others > 0 ? `, and ${others} more` : ''}. Inside its group a row gets its level by the column's own counts.`,
  ]
}

const groupsOf = (family: MixtureSettings, { columns }: AutoFacts): number[] => {
  const most = family.most_groups
  return columns.map((column, j) => {
    const levels = sizeOfColumn(column)
    if (typeof most !== 'number') return Math.min(levels, most[j]!)
    return column.name === family.outcome ? levels : Math.min(levels, most)
  })
}

const percent = (share: number): string => `${Number((100 * share).toPrecision(2))} %`
const number = (value: number): string =>
  value >= 10 ? Math.round(value).toLocaleString('en') : `${Number(value.toPrecision(2))}`
