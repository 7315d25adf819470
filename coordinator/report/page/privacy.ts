import type { Report } from '../report-schema.ts'
import { arrow, belief, counted, epsilonText, measured } from './datum.ts'
import { facts, table } from './figure.ts'
import { type Content, html, type Markup } from './html.ts'

type Privacy = Report['privacy']

const beliefs = ({ public: toPublic, peer, unit }: Privacy): Markup =>
  table(
    {
      head: [
        `belief that a given ${unit} is in the data, before`,
        'after, the public: at most',
        'after, another hospital: at most',
      ],
      rows: toPublic.beliefs.map(({ before, after }, i) => [
        belief(before),
        belief(after),
        belief(peer.beliefs[i]?.after ?? after),
      ]),
    },
    'Odds',
  )

const colluders = ({ colluders: views }: Privacy): Markup =>
  table(
    {
      head: ['hospitals that collude with the coordinator', 'epsilon against another hospital\u2019s unit', 'note'],
      rows: views.map((view) => [
        counted(view.colluders),
        epsilonText(view.epsilon, view.ideal_noise),
        view.isolates ? 'enough to open one hospital alone, its own noise only' : '',
      ]),
    },
    'Colluders',
  )

/** Significant digits by which both multipliers of every query can be told apart: 3 to 9. */
const digitsApart = (queries: Privacy['queries']): number => {
  const areApart = (digits: number) =>
    queries.every(
      ({ noise_multiplier: promised, effective_multiplier: effective }) =>
        promised === effective || promised.toPrecision(digits) !== effective.toPrecision(digits),
    )
  return [3, 4, 5, 6, 7, 8].find(areApart) ?? 9
}

/** Queries side by side: on a phone there is no room for ten columns. */
const composition = ({ queries }: Privacy): Markup => {
  const digits = digitsApart(queries)
  const row = (what: string, of: (query: Privacy['queries'][number]) => Content) => [what, ...queries.map(of)]
  return table(
    {
      head: ['', ...queries.map(({ kind }) => kind)],
      rows: [
        row('releases wanted', ({ steps }) => counted(steps)),
        row('releases charged, spares included', ({ attempts }) => counted(attempts)),
        row('numbers in each', ({ dimension }) => counted(dimension)),
        row('sampling rate', ({ sampling_rate: rate }) => measured(rate)),
        row('clip norm', ({ clip_norm: norm }) => measured(norm)),
        row('noise multiplier', ({ noise_multiplier: multiplier }) => measured(multiplier, digits)),
        row('the same, rounding taken off, as the accountant is given it', (query) =>
          measured(query.effective_multiplier, digits),
        ),
        row('divisor', ({ divisor }) => measured(divisor)),
      ],
    },
    'Composition',
  )
}

/** The formal promise: who, epsilon, odds, unit, and how it was computed. */
export const privacySection = ({ privacy }: Report): Markup => {
  const { public: toPublic, peer, patient } = privacy
  const views = [toPublic, peer, ...privacy.colluders, ...privacy.hospitals, privacy.ledger]
  const isIdeal = views.some((view) => view.ideal_noise)
  return html`<section><h2 id="privacy">Privacy, formal</h2>
<div class="tiles">
<div class="tile"><b>ε ${epsilonText(toPublic.epsilon, toPublic.ideal_noise)}</b><span>to the public. Someone\u2019s belief that a given ${privacy.unit} is in the data: ${arrow(toPublic.odds)}</span></div>
<div class="tile"><b>ε ${epsilonText(peer.epsilon, peer.ideal_noise)}</b><span>to another hospital, which knows its own noise: ${arrow(peer.odds)}</span></div>
<div class="tile"><b>ε ${privacy.cost_of_this_cohort}</b><span>cost of this cohort and report: both are drawn from the generator alone, any number of times</span></div>
</div>
${facts([
  ['unit of privacy', privacy.unit_sentence],
  ['adjacency', privacy.adjacency],
  ['estimand', html`what one row stands for: ${privacy.estimand}`],
  [
    'delta',
    html`${measured(privacy.delta)}: a small allowance beside epsilon, as if, with that probability, anything might be revealed; 1 / (10 N) = ${measured(privacy.largest_delta)}${privacy.delta_flag && ' \u2014 delta is above it: for comparison with published tables only'}`,
  ],
  patient === null
    ? null
    : [
        'a patient with all their rows',
        html`ε ${epsilonText(patient.epsilon, patient.ideal_noise)} for at most ${counted(patient.most_rows)} row${patient.most_rows === 1 ? '' : 's'}: ${arrow(patient.odds)}`,
      ],
  ['units promised', html`${counted(privacy.promised_units)}: sampling rates and divisors use promises, never counts`],
  ['ledger', html`ε ${epsilonText(privacy.ledger.epsilon, privacy.ledger.ideal_noise)} ${privacy.ledger.what}`],
  ['accountant', privacy.accountant],
])}
<h3>As odds</h3>
<p>Whatever somebody believed about one ${privacy.unit} being in the data before anything was released, they may believe at most this afterwards (delta is a small allowance beside that):</p>
${beliefs(privacy)}
<h3>The same ${privacy.unit} in several hospitals</h3>
${table(
  {
    head: [`hospitals with that ${privacy.unit}`, 'epsilon to the public', 'odds'],
    rows: privacy.hospitals.map((view) => [
      counted(view.hospitals),
      epsilonText(view.epsilon, view.ideal_noise),
      arrow(view.odds),
    ]),
  },
  'Several hospitals',
)}
<h3>If hospitals collude with the coordinator</h3>
${colluders(privacy)}
<h3>What was composed</h3>
<p>${privacy.queries.map(({ kind, what }, i) => [i > 0 && '; ', kind, ': ', what])}.</p>
${composition(privacy)}
<p class="note">A noise multiplier counts ${counted(privacy.noise_shares)} noise shares; every contributor adds one.${isIdeal && html` * holds for noise within ${measured(privacy.sampler_distance)} in total variation of the noise that was drawn.`}</p>
</section>
`
}
