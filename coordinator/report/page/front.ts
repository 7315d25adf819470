import type { Report } from '../report-schema.ts'
import { arrow, counted, epsilonText, measured, percent } from './datum.ts'
import { facts, table } from './figure.ts'
import { html, type Markup } from './html.ts'

export const banner = (report: Report): Markup => html`<header role="banner"><div class="in">
<p class="mark">SYNTHETIC</p>
<h1>Synthetic cohort ${report.release}</h1>
<p>No row of this cohort is a patient. It was drawn from the generator <strong>${report.generator.name}</strong> of ${report.federation}, which was trained under differential privacy.</p>
${facts([
  ['release', html`<span class="hash">${report.release}</span>, made ${report.created.slice(0, 10)}`],
  ['model (SHA-256)', html`<span class="hash">${report.generator.model_sha256}</span>`],
  ['context of use', report.context_of_use],
  ['not for', html`<ul>${report.not_for.map((use) => html`<li>${use}</li>`)}</ul>`],
])}</div></header>
`

const gradeWords: Record<Report['verdict']['grade'], string> = {
  usable: 'large groups and relations can be read',
  coarse: 'only the coarse picture can be read',
  little: 'very little can be read from it',
}

export const verdict = (report: Report): Markup => {
  const { verdict: found, privacy, asked } = report
  return html`<section aria-labelledby="verdict" class="verdict ${found.grade}">
<h2 id="verdict">In short: ${gradeWords[found.grade]}</h2>
<p><strong>${found.headline}</strong></p>
<ul>${found.sentences.map((sentence) => html`<li>${sentence}</li>`)}</ul>
<p class="note">Graded from ${report.evaluation === undefined ? 'public facts alone' : 'public facts and the evaluation on held-out patients'} (usable, coarse or little). Shares of levels: ${found.marginals_grade}. Relations between columns: ${found.relations_grade}. Patients behind this cohort: ${found.cohort_grade}.</p>
</section>
<div class="tiles">
<div class="tile"><b>${counted(asked.rows)}</b><span>synthetic rows; effective sample size ${counted(asked.effective_sample_size)}</span></div>
<div class="tile"><b>${measured(report.support.expected_patients)}</b><span>promised patients may stand behind them: ${percent(report.support.support)} of the synthetic population</span></div>
<div class="tile"><b>ε ${epsilonText(privacy.public.epsilon, privacy.public.ideal_noise)}</b><span>to the public: ${arrow(privacy.public.odds)}</span></div>
<div class="tile"><b>${counted(found.cells_like_zero)} of ${counted(found.cells)}</b><span>shares that cannot be told from zero</span></div>
</div>`
}

/** What is asked beyond a condition. */
const addedFacts = (order: Report['asked']): [string, Markup][] => [
  ...(order.reweight ?? []).map(({ condition, share }): [string, Markup] => [
    'share held',
    html`<code>${condition}</code>: ${percent(share)} of the rows`,
  ]),
  ...(order.balance === undefined ? [] : [['balanced', html`${order.balance.join(', ')}`] as [string, Markup]]),
  ...(order.augment === undefined
    ? []
    : [
        ['augmented', html`<code>${order.augment.condition}</code>, ${order.augment.times} times as many`] as [
          string,
          Markup,
        ],
      ]),
  ...(order.set ?? []).map((text): [string, Markup] => ['what if', html`<code>${text}</code>`]),
  ...(order.what_if === undefined
    ? []
    : [
        [
          'made again after it',
          html`${order.what_if.made_again.join(', ') || 'nothing'}: what the model predicts in the order of the study\u2019s columns, not an effect on patients. About ${measured(order.what_if.expected_patients)} of the promised patients are so anyway`,
        ] as [string, Markup],
      ]),
  ...(order.cohort_floor === 0
    ? []
    : [['least patients behind a part', html`${counted(order.cohort_floor)}`] as [string, Markup]]),
]

const strataTable = (strata: NonNullable<Report['asked']['strata']>, absent: readonly string[]): Markup =>
  table(
    {
      head: ['stratum', 'rows', 'share without reweighting', 'promised patients behind it', 'effective sample size'],
      rows: strata.map((part) => [
        part.condition,
        counted(part.rows),
        percent(part.share_before),
        measured(part.expected_patients),
        counted(part.effective_sample_size),
      ]),
      ...(absent.length > 0 && { note: `No rows, for hardly a synthetic patient is so: ${absent.join('; ')}.` }),
    },
    'Strata of the cohort',
  )

export const asked = ({ asked: order, generator }: Report): Markup => html`<section><h2 id="asked">What was asked</h2>
${facts([
  ['condition', order.where === null ? 'none' : html`<code>${order.where}</code>`],
  ...addedFacts(order),
  ['how it is met', order.handling_sentence],
  order.columns.length === 0
    ? null
    : ['columns it names', order.columns.map(({ name, handling }, i) => [i > 0 && ', ', name, ` (${handling})`])],
  ['rows', counted(order.rows)],
  ['seed', html`<code>${order.seed}</code>: the same order gives the same bytes`],
  ['drawn to choose from', counted(order.draws)],
  ['effective sample size', counted(order.effective_sample_size)],
  ['largest weight', html`${measured(order.largest_weight)} times the mean`],
  [
    'generator',
    html`${generator.name}: ${counted(generator.columns)} columns, ${counted(generator.parameters)} values a release. ${generator.purpose}`,
  ],
  ['study', html`<span class="hash">${generator.study}</span>`],
  ['manifest (SHA-256)', html`<span class="hash">${generator.manifest_sha256}</span>`],
])}
${order.strata !== undefined && strataTable(order.strata, order.absent ?? [])}</section>
`
