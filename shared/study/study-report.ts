import { atLeastFigure, atMostFigure } from '../dp/odds.ts'
import type { PlanPrice } from '../dp/plan.ts'
import { heldOutShare } from '../evaluation/held-out-share.ts'
import { explainFamily } from '../synthesizers/auto/explain-family.ts'
import { adversaryLines, epsilonText } from './adversary-text.ts'
import { collusionLines } from './opening-rule-text.ts'
import { whatAUnitGives, whatItAsks } from './query-words.ts'
import type { Manifest } from './study-schema.ts'

export { oddsSentence } from './adversary-text.ts'

/** What `study validate` says about a priced study, for people; `--json` gives the numbers themselves. */
export const studyReport = (manifest: Manifest, hash: string, price: PlanPrice): string =>
  [
    [`study ${manifest.name}`, `  ${manifest.purpose.trim()}`, `  manifest ${hash}`],
    familyLines(manifest),
    privacyLines(manifest, price),
    adversaryLines(price),
    queryLines(manifest, price),
    federationLines(manifest, price),
    trafficLines(price),
  ]
    .map((lines) => lines.join('\n'))
    .join('\n\n')
    .concat('\n')

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

const row = (label: string, value: string, note = ''): string =>
  `  ${label.padEnd(38)}${value.padEnd(14)}${note}`.trimEnd()

/** Which generator, why, and what cannot be expected of it. */
const familyLines = (manifest: Manifest): string[] => [
  `family ${manifest.family.name}`,
  ...explainFamily(manifest).map((sentence) => `  ${sentence}`),
]

const privacyLines = ({ privacy, federation }: Manifest, price: PlanPrice): string[] => {
  const { epsilon, delta, largestDelta, ledger } = price
  const lines = [
    `privacy: unit ${price.unit}, neighbours add or remove one, delta ${atMostFigure(delta, 3)}`,
    row(
      'epsilon promised',
      String(privacy.epsilon),
      `to whoever misses ${federation.noise_shares} noise shares: ${epsilonText(epsilon.target)}`,
    ),
    row('charged to each patient ledger', epsilonText(ledger), 'all attempts, as another hospital sees them'),
  ]
  if (price.deltaFlag)
    lines.push(
      `  FLAG: delta is above 1/(10 N) = ${largestDelta.toPrecision(3)}: for comparison with published tables only`,
    )
  return lines
}

const heldOutLine = row(
  'asks',
  `${100 * heldOutShare} % held out`,
  'by a secret hash of each hospital; training asks the others, and a patient pays for one of the two',
)

const queryLines = ({ plan, privacy }: Manifest, price: PlanPrice): string[] =>
  plan.queries.flatMap((query, i) => {
    const cost = price.queries[i]
    if (!cost) return []
    const { grid } = query
    const clamp = `${grid.clamp.toLocaleString('en')} steps`
    return [
      `query ${query.kind}: ${counted(query.steps, 'step')}, ${counted(query.attempts, 'attempt')}, sampling rate ${query.sampling_rate}`,
      `  ${whatItAsks[query.kind]}; ${whatAUnitGives(query.kind, privacy.unit, query.sampling_rate)}`,
      row(
        'vector',
        query.dimension.toLocaleString('en'),
        `clip norm ${query.clip_norm.toPrecision(6)}, divisor ${query.divisor}`,
      ),
      ...(query.kind === 'scores' ? [heldOutLine] : []),
      row(
        'noise multiplier',
        String(query.noise_multiplier),
        `${cost.effectiveMultiplier.toPrecision(6)} to the accountant, sum's deviation at least ${atLeastFigure(cost.noise, 4)}`,
      ),
      row(
        'grid',
        grid.step.toPrecision(4),
        `${grid.share_steps.toLocaleString('en')} steps a share, slack ${atMostFigure(100 * cost.slack, 3)} % of the clip norm`,
      ),
      row(
        'slots',
        `${grid.slot_bits} bits`,
        `${grid.values_per_coefficient} a coefficient, clamp ${clamp} = ${cost.clampValue.toPrecision(4)}`,
      ),
      row(
        'contribution',
        `${cost.bytesPerContribution.toLocaleString('en')} B`,
        `${cost.bytesPerParameter.toPrecision(3)} bytes a value`,
      ),
    ]
  })

const federationLines = ({ federation }: Manifest, { contributors }: PlanPrice): string[] => {
  const { sites, holders, least, mostAbsent, threshold } = contributors
  const lost = (count: number, all: number, who = '') =>
    count === 0 ? 'nobody may be lost' : `${count} of ${all}${who} may be lost`
  const committee =
    holders < sites
      ? [row('hold key shares', String(holders), "the roster's committee; the others contribute only")]
      : []
  return [
    `federation: ${sites} sites; colluders c ${federation.colluders}, threshold t ${threshold}, least contributors ${least}`,
    row(
      'must contribute',
      String(least),
      `${lost(sites - least, sites)} before contributing; a plan may allow for ${mostAbsent}`,
    ),
    ...committee,
    row(
      'must answer',
      String(threshold),
      `${lost(holders - threshold, holders, holders < sites ? ' holders' : '')} after contributing`,
    ),
    ...collusionLines(contributors),
  ]
}

const trafficLines = ({ bytes, rounds }: PlanPrice): string[] => [
  `rounds: ${rounds.steps}, with spares ${rounds.attempts}`,
  row(
    'each site sends',
    `${(bytes.perSite / 1e6).toFixed(1)} MB`,
    `${(bytes.perRound / 1000).toFixed(0)} kB a round, ${bytes.bytesPerParameter.toPrecision(3)} bytes a value`,
  ),
]
