import { atMostFigure, atMostText, beliefText, odds } from '@tributary/shared/dp/odds'
import type { NoiseForTarget } from './noise-for-target.ts'
import type { Belief, PlanEpsilon, Repeated } from './plan-epsilon.ts'

const chance = ({ before, after }: Belief): string =>
  `${beliefText(before)} before -> at most ${beliefText(after)} after`

/** Rounded up: every epsilon here is a bound. */
const figure = (epsilon: number): string => (epsilon < 100 ? atMostText(epsilon, 4) : atMostFigure(epsilon, 6))

const row = (label: string, value: string, note: string): string =>
  `${label.padEnd(12)}${value.padEnd(20)}  ${note}`.trimEnd()

const whole = (value: number): string => value.toLocaleString('en')

const deltaWords = (delta: number): string => {
  const patients = Math.floor(0.1 / delta + 1e-6)
  const enough =
    patients === 0
      ? 'too large even for one patient'
      : `small enough for up to ${whole(patients)} ${patients === 1 ? 'patient' : 'patients'}`
  return row(
    'delta',
    String(delta),
    `allowance beside epsilon: as if, with that probability, anything might be revealed; ${enough} (1 / (10 N))`,
  )
}

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
            `epsilon ${atMostText(epsilon, epsilon < 100 ? 2 : 0)}`,
            chance({ before: 0.5, after: odds(epsilon, 0.5) }),
          ),
        ),
      ]

type PhaseFigures = Omit<PlanEpsilon['phases'][number], 'sigma'> & { readonly sigma: number | string }

const phaseWords = ({ sigma, q, steps, records }: PhaseFigures): string => {
  const drawn = q === 1 ? 'everybody in each' : `each patient drawn with chance ${q}`
  const rows = records === 1 ? '' : `, up to ${records} rows a patient, drawn one by one`
  return `${whole(steps)} ${steps === 1 ? 'noisy sum' : 'noisy sums'}, noise ${sigma} times the clip norm, ${drawn}${rows}`
}

/** What stands below the plan's epsilon by PLD, whichever question was asked. */
const restWords = (plan: PlanEpsilon, phases: readonly PhaseFigures[]): readonly string[] => [
  row('', figure(plan.rdp.epsilon), `the same by other mathematics, looser: a check (RDP, order ${plan.rdp.order})`),
  ...(plan.gaussian ? [row('', figure(plan.gaussian.epsilon), 'the exact value: nothing is sampled here')] : []),
  deltaWords(plan.delta),
  ...phases.map((phase, i) => `${(i === 0 ? 'plan' : '').padEnd(12)}${phaseWords(phase)}`),
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
]

/** A priced plan for somebody who answers for patients' data, not for a statistician. */
export const planWords = (plan: PlanEpsilon): string =>
  [
    row('epsilon', figure(plan.pld.epsilon), 'what the plan reveals about one patient, at most (PLD: tight)'),
    ...restWords(plan, plan.phases),
  ].join('\n')

/** A calibrated noise multiplier, up at the sixth digit, with what it buys. */
export const noiseWords = (noise: NoiseForTarget): string => {
  const sigma = atMostFigure(noise.sigma, 6)
  return [
    row('sigma', sigma, 'noise over the clip norm: the least that keeps epsilon'),
    row('epsilon', figure(noise.epsilon), `of the ${noise.target} asked for (PLD)`),
    ...restWords(
      noise,
      noise.phases.map((phase) => ({ ...phase, sigma })),
    ),
  ].join('\n')
}
