import * as Plot from '@observablehq/plot'
import type { EvaluationSection } from '../evaluation-schema.ts'
import { colours } from './colours.ts'
import { counted, measured, percent } from './datum.ts'
import { type chartDocument, facts, figure, svgMarkup, table } from './figure.ts'
import { html, type Markup } from './html.ts'

type ChartDocument = ReturnType<typeof chartDocument>

/** Receiver operating characteristics of held-out patients and of synthetic rows, over the line of pure chance. */
const rocFigure = ({ roc, synthetic_roc: synthetic }: EvaluationSection, document: ChartDocument): Markup => {
  const title = 'ROC of the classifier'
  const common = { x: 'false_positive', y: 'true_positive' }
  const axis = { domain: [0, 1], ticks: 5 }
  const svg = Plot.plot({
    document,
    width: 320,
    height: 320,
    ariaLabel: title,
    x: { ...axis, label: 'false positives' },
    y: { ...axis, label: 'true positives' },
    marks: [
      Plot.line([...synthetic], { ...common, stroke: colours.sample, strokeWidth: 3 }),
      Plot.line([...roc], { ...common, stroke: colours.bar, strokeWidth: 2 }),
      Plot.line(
        [
          { false_positive: 0, true_positive: 0 },
          { false_positive: 1, true_positive: 1 },
        ],
        { ...common, stroke: colours.text, strokeDasharray: '2 3' },
      ),
    ],
  })
  const lines = [
    ...roc.map((point) => ['held-out patients (noised)', point] as const),
    ...synthetic.map((point) => ['synthetic rows', point] as const),
  ]
  return figure(
    { svg: svgMarkup(svg), title, caption: 'Black: patients held out. Blue: synthetic rows. Dotted: chance.' },
    {
      head: ['of', 'false positives', 'true positives'],
      rows: lines.map(([of, point]) => [of, percent(point.false_positive), percent(point.true_positive)]),
    },
  )
}

const shareText = (value: number | null) => (value === null ? '\u2013' : percent(value))

export const evaluationSection = (evaluation: EvaluationSection | undefined, document: ChartDocument): Markup | false =>
  evaluation !== undefined &&
  html`<section><h2 id="evaluation">On held-out patients</h2>
<p><strong>${evaluation.sentence}</strong></p>
<p>A classifier (${evaluation.classifier}) was tried inside the hospitals on patients whom no study with an evaluation trains on: ${percent(evaluation.held_out_share)} of all, by a secret hash of the patient, for ever. Each of them added one vector to one sealed, noised histogram of scores; everything here is read off that histogram.</p>
${facts([
  ['outcome', html`${evaluation.outcome}: ${evaluation.positive.join(', ')}`],
  ['patients held out', html`${counted(evaluation.patients)} (noised, \u00b1 ${measured(evaluation.patients_error)})`],
  ['of them with the outcome', counted(evaluation.positives)],
  [
    'AUC on them',
    evaluation.held_out === null
      ? 'cannot be read: too few beside the noise'
      : html`${measured(evaluation.held_out.auc)} \u00b1 ${measured(evaluation.held_out.noise_error)} from the noise, \u00b1 ${measured(evaluation.held_out.sampling_error)} from which patients they are (one standard error each)`,
  ],
  ['AUC on synthetic rows', evaluation.synthetic_auc === null ? '\u2013' : measured(evaluation.synthetic_auc)],
  evaluation.excess === null
    ? null
    : [
        'the difference',
        html`${measured(evaluation.excess.auc)} \u00b1 ${measured(evaluation.excess.error)} (one standard error, noise and both samples)${evaluation.excess.is_clear && html`: <strong>relations are stronger in synthetic rows than in patients</strong>`}`,
      ],
])}
${evaluation.roc.length > 0 && rocFigure(evaluation, document)}
${table(
  {
    head: ['predicted from', 'to', 'patients (noised)', 'with the outcome', '\u00b1 noise', 'synthetic rows with it'],
    rows: evaluation.bins.map((bin) => [
      percent(bin.from, 1),
      percent(bin.to, 1),
      counted(bin.patients),
      shareText(bin.positive_share),
      shareText(bin.share_error),
      shareText(bin.synthetic_share),
    ]),
  },
  'Calibration',
)}</section>
`
