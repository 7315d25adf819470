import { printData } from '@tributary/shared/cli/output'
import type * as z from 'zod'
import { cohortPlanSchema } from '../api/schemas.ts'
import { type AdditionOptions, additionOptions } from './addition-options.ts'
import { apiPath } from './api-client.ts'
import { findGenerator } from './find-generator.ts'
import { numberOption } from './number-option.ts'
import { orderWords } from './order-words.ts'
import type { RemoteOptions, ResearcherPorts } from './ports.ts'
import { additionLines } from './request-text.ts'
import { openSession } from './session.ts'
import { numberText, shareText, textList, wholeText } from './text-table.ts'
import { whileWaiting } from './while-waiting.ts'

export interface PlanOptions extends RemoteOptions, AdditionOptions {
  readonly rows: string
  readonly where?: string
  readonly seed?: string
}

type CohortPlan = z.output<typeof cohortPlanSchema>

/** `tributary plan GENERATOR`: what a cohort would be worth, before it is drawn, at no privacy cost. */
export const plan = async (text: string, options: PlanOptions, ports: ResearcherPorts): Promise<void> => {
  const { where } = options
  const order = {
    rows: numberOption('-n', options.rows, 1),
    ...(options.seed === undefined ? {} : { seed: numberOption('--seed', options.seed) }),
    ...(where === undefined ? {} : { where }),
    ...additionOptions(options),
  }
  const { api } = await openSession(ports, options)
  const { generator, study } = await findGenerator(api, text)
  const asked = api.json(apiPath('generators', study, 'plan'), cohortPlanSchema, { body: order })
  const planned = await whileWaiting(ports.clock, 'trying the order on rows of the generator', asked)
  printData(planned, {
    json: options.json === true,
    text: planText(planned),
    next: `tributary request ${orderWords({ generator, ...planned })} --purpose TEXT --wait`,
  })
}

const handlings = {
  unconditional: 'nothing asked: everybody',
  exact: 'exact: drawn from the conditional distribution itself',
  weighted: 'weighted: drawn more often than kept, and resampled by weight',
} as const

/** How far the support may be off: by the people that were drawn, by the noise that protects the patients. */
const errorText = ({
  support_standard_error: sampling,
  support_noise_error: noise,
}: Pick<CohortPlan, 'support_standard_error' | 'support_noise_error'>): string => {
  const parts = [
    sampling > 0 ? `+- ${shareText(sampling)} sampling` : '',
    noise !== null && noise > 0 ? `+- ${shareText(noise)} noise of training` : '',
  ].filter((part) => part !== '')
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`
}

type Supported = Pick<CohortPlan, 'support' | 'support_standard_error' | 'support_noise_error' | 'expected_patients'>

/** The same of the patients, both errors together. */
const patientsError = (part: Supported): string => {
  const error = Math.hypot(part.support_standard_error, part.support_noise_error ?? 0)
  const patients = part.support > 0 ? (part.expected_patients * error) / part.support : 0
  return patients < 0.5 ? '' : ` (+- ${wholeText(patients)})`
}

/** A line for each stratum: whose rows, out of how many patients, and what they are worth. */
const strataLines = (strata: NonNullable<CohortPlan['strata']>): (readonly [string, string])[] =>
  strata.map((part, i) => [
    i === 0 ? 'strata' : '',
    `${wholeText(part.rows)} rows of ${part.condition}: ${shareText(part.share_before)} without reweighting, about ${wholeText(part.expected_patients)} patients${patientsError(part)}; ${part.handling}, ESS ${wholeText(part.effective_sample_size)}`,
  ])

/** What is set and what follows from it. */
const whatIfLines = (
  set: readonly string[],
  what: NonNullable<CohortPlan['what_if']>,
): (readonly [string, string])[] => [
  ['what if', set.join(', ')],
  ['', `kept as drawn: ${what.kept.join(', ') || 'nothing'}; made again: ${what.made_again.join(', ') || 'nothing'}`],
  [
    '',
    `so anyway: ${shareText(what.support)} of generated people${errorText(what)}, about ${wholeText(what.expected_patients)} of the patients promised`,
  ],
]

const planText = (plan: CohortPlan): string => {
  const { support, rows } = plan
  const named = plan.columns.map(({ name, handling }) => `${name} ${handling}`).join(', ')
  const conditional = plan.where !== null || plan.strata !== undefined
  return textList([
    ['where', plan.where ?? '(everybody)'],
    ...additionLines({ ...plan, set: undefined }),
    [
      'support',
      `${shareText(support)} of generated people match${errorText(plan)}, about ${wholeText(plan.expected_patients)} of the patients promised`,
    ],
    ...strataLines(plan.strata ?? []),
    ...(plan.what_if === undefined ? [] : whatIfLines(plan.set ?? [], plan.what_if)),
    ['rows', `${wholeText(rows)}, seed ${plan.seed}, from ${wholeText(plan.draws)} draws`],
    [
      'ESS',
      `${wholeText(plan.effective_sample_size)} of ${wholeText(rows)} (largest weight ${numberText(plan.largest_weight)})`,
    ],
    ...(conditional
      ? ([['handling', `${handlings[plan.handling]}${named === '' ? '' : ` (${named})`}`]] as const)
      : []),
    ...(plan.cohort_floor === 0
      ? []
      : ([['floor', `${wholeText(plan.cohort_floor)} patients: the study releases no cohort of fewer`]] as const)),
    ...plan.warnings.map(({ code, message }) => ['warn', `${message}  [${code}]`] as const),
    ['cost', `privacy ${plan.privacy_cost} (drawn from a released, differentially private generator)`],
  ])
}
