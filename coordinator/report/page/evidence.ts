import type { Report } from '../report-schema.ts'
import { counted, measured, percent, strength } from './datum.ts'
import { distanceFigure } from './distance-chart.ts'
import { type chartDocument, facts, table } from './figure.ts'
import { html, type Markup } from './html.ts'
import { marginalFigure } from './marginal-chart.ts'
import { pairFigure } from './pair-chart.ts'
import { participationFigure } from './participation-chart.ts'

type ChartDocument = ReturnType<typeof chartDocument>

export const participationSection = (
  { participation: run }: Report,
  document: ChartDocument,
): Markup => html`<section><h2 id="who">Who contributed</h2>
<p>${counted(run.invited.length)} hospitals were invited and promised ${counted(run.promised_patients)} patients with ${counted(run.promised_rows)} rows together. A sum is opened when at least ${counted(run.least)} contributed and ${counted(run.threshold)} answered; ${counted(run.opened)} of ${counted(run.attempts)} attempts were opened.</p>
${table(
  {
    head: ['hospital', 'rounds contributed', 'rounds missed'],
    rows: run.sites.map(({ site, contributed, missed }) => [site, counted(contributed), counted(missed)]),
  },
  'Rounds by hospital',
)}
${participationFigure(run, document)}
${table(
  {
    head: ['query', 'attempts used', 'attempts reserved (all paid for)'],
    rows: run.queries.map(({ kind, used, reserved }) => [kind, counted(used), counted(reserved)]),
  },
  'Attempts',
)}
${
  run.failed.length > 0 &&
  html`<details><summary>Attempts without a sum: ${counted(run.failed.length)}</summary>${table(
    {
      head: ['attempt', 'step of the plan', 'why'],
      rows: run.failed.map(({ attempt, step, reason }) => [counted(attempt), counted(step), reason]),
    },
    'Attempts without a sum',
  )}</details>`
}</section>
`

const legend = html`<ul class="legend">
<li><i class="bar"></i>bar: released marginal (noisy)</li>
<li><i class="whisker"></i>whisker: 95 % of its noise</li>
<li><i class="cross">\u00d7</i>cross: the generator\u2019s own rows, not raked</li>
<li><i class="dot"></i>dot: unconditional rows, raked to the bars</li>
<li><i class="diamond"></i>diamond: this cohort</li>
</ul>`

export const fidelitySection = (
  { fidelity }: Report,
  document: ChartDocument,
): Markup => html`<section><h2 id="fidelity">Fidelity of the generator</h2>
<p>Unconditional rows, ${counted(fidelity.sample_rows)} of each kind, against the only real aggregates there are: the noisy marginals that the hospitals released. The noise alone makes a mean distance of ${percent(fidelity.mean_noise_distance)}; one released count has a noise of ${measured(fidelity.noise_units)} (standard deviation).</p>
${table(
  {
    head: ['rows', 'mean distance', 'levels inside the bar', 'with sampling error', 'of', 'what it tests'],
    rows: [
      [
        'the generator\u2019s own, not raked',
        percent(fidelity.network_mean_distance),
        counted(fidelity.network_inside),
        counted(fidelity.network_inside_with_sampling),
        counted(fidelity.cells),
        'what training kept of the marginals that it began from',
      ],
      [
        'raked, as cohorts are',
        percent(fidelity.mean_distance),
        counted(fidelity.inside),
        counted(fidelity.inside_with_sampling),
        counted(fidelity.cells),
        'raked to these: this tests the raking, not the generator',
      ],
    ],
  },
  'Distance to the released marginals',
)}
<p>Raking repeats some rows and drops others to reach the marginals: afterwards they are worth ${percent(fidelity.raking_effective_share)} of their number (effective sample size). The less, the more of the agreement is its doing.</p>
<ul>${fidelity.notes.map((note) => html`<li>${note}</li>`)}</ul>
${distanceFigure(fidelity, document)}
<h3>Column by column</h3>
${legend}
<div class="charts">
${fidelity.columns.map((column) => marginalFigure(column, document))}
</div></section>
`

export const pairsSection = (
  { pairs, asked, verdict }: Report,
  document: ChartDocument,
): Markup => html`<section><h2 id="pairs">Relations between columns</h2>
<p>Bias-corrected Cramér\u2019s V of every pair, 0 none to 1 each decides the other. Computed from synthetic rows: it shows what the generator learned, noise included, and no test of a pair against patients was made.${verdict.relations_grade === 'little' && html` <strong>Here the noise of training outweighs what could be learned: none of these is a finding.</strong>`}${verdict.cohort_grade === 'little' && html` <strong>Hardly any patient stands behind this cohort: what it shows beyond the whole generator is guess.</strong>`}</p>
${pairs.left_out.length > 0 && html`<p class="note">Without ${pairs.left_out.join(', ')}: too many levels or columns to count pairs.</p>`}
<div class="pair">
${pairs.columns.length > 1 && pairFigure(pairs.columns, pairs.cohort, 'Pair map of the cohort', document)}
${asked.where !== null && pairs.columns.length > 1 && pairFigure(pairs.columns, pairs.sample, 'Pair map of the generator, unconditional', document)}
</div>
<h3>Strongest pairs of the cohort</h3>
${table(
  {
    head: ['first column', 'second column', 'cohort', 'generator, unconditional'],
    rows: pairs.strongest.map(({ first, second, cohort, sample }) => [
      first,
      second,
      strength(cohort),
      strength(sample),
    ]),
  },
  'Strongest pairs',
)}</section>
`

export const supportSection = ({ support, asked }: Report): Markup => html`<section><h2 id="support">Support</h2>
<p>${support.sentence}</p>
${facts([
  [
    'support',
    html`${percent(support.support)} \u00b1 ${percent(support.standard_error)} (one standard error of the draws)`,
  ],
  support.noise_error === null || asked.where === null
    ? null
    : [
        'from the noise of training',
        html`\u00b1 ${percent(support.noise_error)} of the synthetic population (one standard error, at most)`,
      ],
  ['patients promised', counted(support.promised_patients)],
  [
    'patients expected behind it',
    html`${measured(support.expected_patients)}: from the model and the promises, never from a look at patients`,
  ],
])}
${
  support.warnings.length > 0 &&
  html`<h3>Warnings</h3><ul>${support.warnings.map(({ code, message }) => html`<li>${message} <code>${code}</code></li>`)}</ul>`
}</section>
`
