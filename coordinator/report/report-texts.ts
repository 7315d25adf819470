import type { CohortPlan } from '../cohort/plan-schema.ts'
import { type Additions, additionWords } from '../cohort/order.ts'
import type { Grade, Report } from './report-schema.ts'

/** What no cohort is for; `little` adds what the noise forbids. */
export const notForOf = (grade: Grade): string[] => [
  'care of a patient, or any decision about a person',
  'training or testing a model in place of real patients, or as if these rows were real',
  'looking for people: no row is one, and a match with a person is chance',
  ...(grade === 'usable' ? [] : ['estimates of small groups, rare levels or weak relations']),
  ...(grade === 'little' ? ['any estimate at all: build software, write analysis plans and teach with it'] : []),
]

export const handlingSentences: Record<Report['asked']['handling'], string> = {
  unconditional: 'No condition: rows of the whole synthetic population.',
  exact:
    'Every row meets the condition; the columns it names come first in the model, so that rows are drawn under it directly.',
  weighted:
    'Every row meets the condition; at least one column that it names comes late in the model, so that rows were drawn more widely and chosen by weight: some stand for more than one.',
}

export const strataSentence =
  'Every stratum has its number of rows, and every row meets the conditions of its stratum; inside a stratum rows follow the generator.'

/** What holds of a cohort because of what was asked beyond a condition. */
export const addedLimits = ({ strata, set }: Pick<CohortPlan, 'strata' | 'set'>): string[] => [
  ...(strata === undefined
    ? []
    : [
        'The shares that were asked for were chosen, not learned: compare within strata. A mean over all rows is a mean of the shares that were chosen, and of no population.',
      ]),
  ...(set === undefined
    ? []
    : [
        'A what-if is what the generator predicts when a column is set: columns before it stay, columns after it follow by association, in the order of the study\u2019s columns. It is no estimate of what would happen to patients.',
      ]),
]

export const supportSentence = (
  where: string | null,
  { support, expected }: { readonly support: number; readonly expected: number },
): string =>
  where === null
    ? 'No condition was asked: the whole synthetic population stands behind the cohort.'
    : `${(100 * support).toPrecision(3)} % of the synthetic population meet the condition; if the generator is right, ${expected < 1 ? 'less than one' : `about ${Math.round(expected).toLocaleString('en')}`} of the promised patients ${expected < 1.5 ? 'does' : 'do'}. More rows than that add no information about patients.`

const notEvaluated =
  'Not evaluated on real patients. That would need a query of its own at the hospitals, paid for from the privacy budget; this study bought none. Everything here compares the generator with what it was trained from: noisy sums.'
const notYetEvaluated =
  'Not evaluated on real patients: this study bought an evaluation, and its sum was not opened. Everything here compares the generator with what it was trained from: noisy sums.'
const evaluatedOnce =
  'Evaluated on real patients in one respect only: how well one classifier, trained on synthetic rows, predicts one outcome of patients held out at the same hospitals. Everything else here compares the generator with what it was trained from: noisy sums.'

export const limitsOf = (grade: Grade, evaluated: 'no' | 'bought' | 'done'): string[] => [
  { no: notEvaluated, bought: notYetEvaluated, done: evaluatedOnce }[evaluated],
  'Rows can be made without end; information cannot. Confidence intervals computed from the number of synthetic rows are too narrow: they ignore the privacy noise and the number of patients behind the generator.',
  'The hospitals that took part, and the patients who come to them, are not a population: whatever they see too rarely or record wrongly, the generator repeats. That a hospital told the truth about its data is not proven.',
  'A patient who is known at several hospitals is protected by the group figure above, not by the main one.',
  'The promise is about what can be learned of a person from this release beyond what would be learned without them. What holds of people in general is meant to be learned.',
  'Facts about a whole hospital are not hidden: that it took part and when is visible to the coordinator and printed here.',
  ...(grade === 'little'
    ? [
        'At this epsilon and with so few patients, a difference or a relation seen here is more likely noise than medicine.',
      ]
    : []),
]

export const glossary: Report['glossary'] = [
  {
    term: 'epsilon',
    meaning:
      'How much one unit can change what comes out: odds change by a factor of at most e^epsilon. Smaller is more private.',
  },
  {
    term: 'delta',
    meaning: 'A small allowance beside epsilon: as if, with that probability, anything might be revealed.',
  },
  {
    term: 'unit of privacy',
    meaning:
      'What may be added or removed without anybody being able to tell: a patient with all their rows, or one row.',
  },
  {
    term: 'to the public / to another hospital',
    meaning: 'A hospital knows the noise that it added itself, so that the rest hides a little less from it.',
  },
  { term: '1-way marginal', meaning: 'How often each level of one column occurs.' },
  { term: 'unconditional sample', meaning: 'Rows of the generator without any condition, drawn for this report only.' },
  {
    term: 'raking',
    meaning:
      'Weights drawn rows until the share of every level follows the released marginals, and draws rows again by these weights. Every cohort is raked; relations between columns are the generator\u2019s.',
  },
  {
    term: 'norm-sub',
    meaning:
      'Takes one amount off all noisy levels of a column and cuts at zero, so that shares add up to 100 %. For levels without order.',
  },
  {
    term: 'total variation distance',
    meaning: 'Half the sum of all differences of shares: 0 % equal, 100 % nothing in common.',
  },
  {
    term: "bias-corrected Cramér's V",
    meaning:
      'Strength of the relation of two columns, 0 none to 1 each decides the other; what chance alone would give is taken off (Bergsma 2013).',
  },
  { term: 'support', meaning: 'Share of the synthetic population that meets the condition.' },
  {
    term: 'effective sample size',
    meaning: 'Rows that a cohort is worth once repeated rows are taken off (Kish 1965).',
  },
]

/** In single quotes for a shell. */
const quoted = (argument: string): string => `'${argument.replaceAll("'", "'\\''")}'`

export const reproduceOf = (facts: {
  readonly releaseId: string
  readonly created: string
  readonly federation: string
  readonly generator: string
  readonly study: string
  readonly purpose: string
  readonly rows: number
  readonly seed: number
  readonly where: string | null
  readonly additions: Additions
}): Report['reproduce'] => ({
  commands: [
    `tributary request ${facts.generator} --rows ${facts.rows} --seed ${facts.seed}${facts.where === null ? '' : ` --where ${quoted(facts.where)}`}${additionWords(
      facts.additions,
      quoted,
    )
      .map((word) => ` ${word}`)
      .join('')} --purpose ${quoted(facts.purpose)}`,
    `tributary verify ${facts.releaseId}`,
  ],
  cite: `Synthetic cohort ${facts.releaseId} of generator ${facts.generator} (study ${facts.study.slice(0, 12)}), ${facts.federation}, ${facts.created.slice(0, 10)}. Synthetic data: no row is a patient.`,
  files: [
    { name: 'data/cohort.csv', what: 'the rows, with the column _synthetic_release last (when CSV was asked for)' },
    { name: 'data/cohort.csv-metadata.json', what: 'what the columns are, and that they are synthetic (W3C CSVW)' },
    { name: 'data/cohort.parquet', what: 'the same rows; the footer says synthetic (when Parquet was asked for)' },
    { name: 'release.json', what: 'what was asked and what made it, for programs' },
    { name: 'privacy.json', what: 'the privacy promise, for programs' },
    { name: 'report.json', what: 'every number of this page, each with its meaning' },
    { name: 'report.html', what: 'this page' },
    { name: 'README.txt', what: 'what is here, and how to check it' },
    { name: 'SHA256SUMS', what: 'the checksum of every file above' },
    { name: 'attestation.dsse.json', what: "the federation's signature over SHA256SUMS" },
  ],
})
