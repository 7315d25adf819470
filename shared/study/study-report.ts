import { odds } from '../dp/odds.ts'
import type { EpsilonFigure, PlanPrice } from '../dp/plan.ts'
import type { Manifest } from './study-schema.ts'

/** What `study validate` says about a priced study, for people; `--json` gives the numbers themselves. */
export const studyReport = (manifest: Manifest, hash: string, price: PlanPrice): string =>
  [
    [`study ${manifest.name}`, `  ${manifest.purpose.trim()}`, `  manifest ${hash}`],
    privacyLines(manifest, price),
    queryLines(manifest, price),
    federationLines(price),
    trafficLines(price),
  ]
    .map((lines) => lines.join('\n'))
    .join('\n\n')
    .concat('\n')

/** Epsilon as a change of belief: someone 50 % sure that a given patient is in the data is at most this sure afterwards. */
export const oddsSentence = (epsilon: number): string => {
  const after = odds(epsilon, 0.5)
  const percent = after > 0.9995 ? 'practically 100 %' : `${(100 * after).toFixed(after > 0.99 ? 1 : 0)} %`
  return `50 % before -> at most ${percent} after`
}

const figure = ({ epsilon, idealNoise }: EpsilonFigure): string =>
  `${epsilon < 100 ? epsilon.toFixed(3) : epsilon.toFixed(0)}${idealNoise ? ' *' : ''}`

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

const row = (label: string, value: string, note = ''): string =>
  `  ${label.padEnd(38)}${value.padEnd(14)}${note}`.trimEnd()

const privacyLines = ({ privacy, federation }: Manifest, price: PlanPrice): string[] => {
  const { epsilon, delta, largestDelta } = { ...price, epsilon: price.epsilon }
  const lines = [
    `privacy: unit ${price.unit}, neighbours add or remove one, delta ${delta.toPrecision(3)}`,
    row(
      'epsilon promised',
      String(privacy.epsilon),
      `to whoever misses ${federation.noise_shares} noise shares: ${figure(epsilon.target)}`,
    ),
    row('epsilon to the public', figure(epsilon.public), oddsSentence(epsilon.public.epsilon)),
    row('epsilon to another hospital', figure(epsilon.peer), oddsSentence(epsilon.peer.epsilon)),
    ...epsilon.byColluders.map((view, k) =>
      row(
        `  coordinator and ${k} colluding`,
        figure(view),
        k >= price.contributors.isolation ? 'one hospital alone, its own noise only' : '',
      ),
    ),
  ]
  if (epsilon.patient)
    lines.push(
      row(
        `epsilon of a patient, at most ${counted(epsilon.patient.mostRows, 'row')}`,
        figure(epsilon.patient),
        oddsSentence(epsilon.patient.epsilon),
      ),
    )
  for (const view of epsilon.perHospitals)
    lines.push(row(`epsilon of a ${price.unit} in ${view.hospitals} hospitals`, figure(view)))
  lines.push(row('charged to each patient ledger', figure(price.ledger), 'all attempts, as another hospital sees them'))
  if (price.deltaFlag)
    lines.push(
      `  FLAG: delta is above 1/(10 N) = ${largestDelta.toPrecision(3)}: for comparison with published tables only`,
    )
  const figures = [epsilon.public, epsilon.peer, ...epsilon.byColluders, ...epsilon.perHospitals, price.ledger]
  if ([...figures, ...(epsilon.patient ? [epsilon.patient] : [])].some((view) => view.idealNoise))
    lines.push(`  * for noise within ${price.distance.toExponential(1)} in total variation of the noise drawn`)
  return lines
}

const queryLines = ({ plan }: Manifest, price: PlanPrice): string[] =>
  plan.queries.flatMap((query, i) => {
    const cost = price.queries[i]
    if (!cost) return []
    const { grid } = query
    const clamp = `${grid.clamp.toLocaleString('en')} steps`
    return [
      `query ${query.kind}: ${counted(query.steps, 'step')}, ${counted(query.attempts, 'attempt')}, sampling rate ${query.sampling_rate}`,
      row(
        'vector',
        query.dimension.toLocaleString('en'),
        `clip norm ${query.clip_norm.toPrecision(6)}, divisor ${query.divisor}`,
      ),
      row(
        'noise multiplier',
        String(query.noise_multiplier),
        `${cost.effectiveMultiplier.toPrecision(6)} to the accountant, sum's deviation at least ${cost.noise.toPrecision(4)}`,
      ),
      row(
        'grid',
        grid.step.toPrecision(4),
        `${grid.share_steps.toLocaleString('en')} steps a share, slack ${(100 * cost.slack).toPrecision(3)} % of the clip norm`,
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

const federationLines = ({ contributors }: PlanPrice): string[] => {
  const { sites, least, threshold, isolation } = contributors
  const before = sites - least
  const after = sites - threshold
  const lost = (count: number) => (count === 0 ? 'nobody may be lost' : `${count} of ${sites} may be lost`)
  return [
    `federation: ${sites} sites`,
    row('must contribute', String(least), `${lost(before)} before contributing`),
    row('must answer', String(threshold), `${lost(after)} after contributing`),
    row('colluders that isolate one site', String(isolation)),
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
