import type { AdversaryRow, EpsilonFigure } from '../dp/adversary-table.ts'
import { atMostFigure, atMostText, beliefText, odds } from '../dp/odds.ts'
import type { PlanPrice } from '../dp/plan.ts'

/** Epsilon as a change of belief: someone 50 % sure that a given patient is in the data is at most this sure afterwards. */
export const oddsSentence = (epsilon: number): string =>
  `50 % before -> at most ${beliefText(odds(epsilon, 0.5))} after`

/** Three digits after the point, rounded up; a star where the figure holds for the noise that was drawn only within its distance. */
export const epsilonText = ({ epsilon, idealNoise }: EpsilonFigure): string =>
  `${atMostText(epsilon, epsilon < 100 ? 3 : 0)}${idealNoise ? ' *' : ''}`

const widths = [47, 8, 10, 19] as const
const line = (...cells: readonly string[]): string =>
  `  ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('')}`.trimEnd()

/** The adversary table for a terminal: who, how many noise shares they miss, epsilon, what a belief becomes, what they know. */
export const adversaryLines = ({
  adversaryTable: table,
  delta,
  distance,
}: Pick<PlanPrice, 'adversaryTable' | 'delta' | 'distance'>): string[] => {
  const shares = (row: AdversaryRow) => `${row.missedShares}`
  const belief = (row: AdversaryRow) => beliefText(row.belief.afterAtMost)
  const [each, groups] = [table.filter(isOfOne), table.filter((row) => !isOfOne(row))]
  return [
    `who learns how much about ${each[0]?.target.name ?? 'nobody'}: noise shares missed, epsilon at delta ${atMostFigure(delta, 3)}, most that 50 % sure becomes`,
    line('who', 'misses', 'epsilon', '50 % sure ->', 'knows'),
    ...each.map((row) => line(row.name, shares(row), epsilonText(row), belief(row), row.knows)),
    ...(groups.length > 0 ? ['and the public about'] : []),
    ...groups.map((row) => line(row.target.name, shares(row), epsilonText(row), belief(row))),
    '  all figures stand on AES-256-CTR as a generator of noise; those of the coordinator, who holds what is sealed, on RLWE too (docs/privacy.md)',
    ...(table.some((row) => row.idealNoise)
      ? [`  * for noise within ${distance.toExponential(1)} in total variation of the noise drawn`]
      : []),
  ]
}

const isOfOne = ({ target }: AdversaryRow): boolean => target.hospitals * target.recordsEach === 1
