import { odds } from '@tributary/shared/dp/odds'
import type { NoiseForTarget } from './noise-for-target.ts'
import type { Belief, PlanEpsilon, Repeated } from './plan-epsilon.ts'

const percent = (share: number): string => {
  const value = 100 * share
  if (value > 99.9) return 'practically 100 %'
  return `${value > 99 || value < 10 ? Number(value.toFixed(1)) : value.toFixed(0)} %`
}

const chance = ({ before, after }: Belief): string => `${percent(before)} before -> at most ${percent(after)} after`

const figure = (epsilon: number): string => (epsilon < 100 ? epsilon.toFixed(4) : epsilon.toPrecision(6))

const row = (label: string, value: string, note: string): string =>
  `${label.padEnd(12)}${value.padEnd(20)}  ${note}`.trimEnd()

const whole = (value: number): string => value.toLocaleString('en')

const deltaWords = (delta: number): string =>
  row(
    'delta',
    String(delta),
    `chance that epsilon does not hold; small enough for up to ${whole(Math.floor(0.1 / delta + 1e-6))} patients (1 / (10 N))`,
  )

const oddsWords = (list: readonly Belief[]): readonly string[] => [
  'How sure somebody can become of something about one patient, whatever else they know:',
  ...list.map((belief) => `  ${chance(belief)}`),
]

const repeatedWords = (
  title: string,
  list: readonly Repeated[],
  label: (times: number) => string,
): readonly string[] =>
  list.length === 0
    ? []
    : [
        '',
        title,
        ...list.map(({ times, epsilon }) =>
          row(
            `  ${label(times)}`.padEnd(16),
            `epsilon ${epsilon < 100 ? epsilon.toFixed(2) : epsilon.toFixed(0)}`,
            chance({ before: 0.5, after: odds(epsilon, 0.5) }),
          ),
        ),
      ]

const phaseWords = ({ sigma, q, steps, records }: PlanEpsilon['phases'][number]): string => {
  const drawn = q === 1 ? 'everybody in each' : `each patient drawn with chance ${q}`
  const rows = records === 1 ? '' : `, up to ${records} rows a patient, drawn one by one`
  return `${whole(steps)} ${steps === 1 ? 'noisy sum' : 'noisy sums'}, noise ${sigma} times the clip norm, ${drawn}${rows}`
}

/** A priced plan for somebody who answers for patients' data, not for a statistician. */
export const planWords = (plan: PlanEpsilon): string =>
  [
    row('epsilon', figure(plan.pld.epsilon), 'what the plan reveals about one patient, at most (PLD: tight)'),
    row('', figure(plan.rdp.epsilon), `the same by other mathematics, looser: a check (RDP, order ${plan.rdp.order})`),
    ...(plan.gaussian ? [row('', figure(plan.gaussian.epsilon), 'the exact value: nothing is sampled here')] : []),
    deltaWords(plan.delta),
    ...plan.phases.map((phase, i) => `${(i === 0 ? 'plan' : '').padEnd(12)}${phaseWords(phase)}`),
    `${'compared'.padEnd(12)}the same data with and without one patient`,
    '',
    ...oddsWords(plan.odds),
    ...repeatedWords(
      'Where rows are drawn one by one (`unit: row`), a patient with several visits has',
      plan.visits,
      (times) => `${times} visits`,
    ),
    ...(plan.visits.length === 0
      ? []
      : ['  (with `unit: patient` all visits are drawn and clipped as one: the figure at the top)']),
    ...repeatedWords(
      'A patient whom several hospitals of the study hold, unknown to each other, has',
      plan.hospitals,
      (times) => `${times} hospitals`,
    ),
  ].join('\n')

/** A calibrated noise multiplier with what it buys. */
export const noiseWords = (noise: NoiseForTarget): string =>
  [
    row('sigma', String(noise.sigma), 'noise over the clip norm: the least that keeps epsilon'),
    row('epsilon', figure(noise.epsilon), `of the ${noise.target} asked for (PLD)`),
    deltaWords(noise.delta),
    `${'plan'.padEnd(12)}${phaseWords({ ...noise, records: 1 })}`,
    `${'compared'.padEnd(12)}the same data with and without one patient`,
    '',
    ...oddsWords(noise.odds),
  ].join('\n')
