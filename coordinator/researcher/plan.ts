import { printData } from '@tributary/shared/cli/output'
import type * as z from 'zod'
import { cohortPlanSchema } from '../api/schemas.ts'
import { apiPath } from './api-client.ts'
import { findGenerator } from './find-generator.ts'
import { numberOption } from './number-option.ts'
import { orderWords } from './order-words.ts'
import type { RemoteOptions, ResearcherPorts } from './ports.ts'
import { openSession } from './session.ts'
import { numberText, shareText, textList, wholeText } from './text-table.ts'

export interface PlanOptions extends RemoteOptions {
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
  }
  const { api } = await openSession(ports, options)
  const { generator, study } = await findGenerator(api, text)
  const planned = await api.json(apiPath('generators', study, 'plan'), cohortPlanSchema, { body: order })
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
const errorText = ({ support_standard_error: sampling, support_noise_error: noise }: CohortPlan): string => {
  const parts = [
    sampling > 0 ? `+- ${shareText(sampling)} sampling` : '',
    noise !== null ? `+- ${shareText(noise)} noise of training` : '',
  ].filter((part) => part !== '')
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`
}

const planText = (plan: CohortPlan): string => {
  const { support, rows } = plan
  const named = plan.columns.map(({ name, handling }) => `${name} ${handling}`).join(', ')
  const conditional = plan.where !== null
  return textList([
    ['where', plan.where ?? '(everybody)'],
    [
      'support',
      `${shareText(support)} of generated people match${errorText(plan)}, about ${wholeText(plan.expected_patients)} of the patients promised`,
    ],
    ['rows', `${wholeText(rows)}, seed ${plan.seed}, from ${wholeText(plan.draws)} draws`],
    [
      'ESS',
      `${wholeText(plan.effective_sample_size)} of ${wholeText(rows)} (largest weight ${numberText(plan.largest_weight)})`,
    ],
    ...(conditional
      ? ([['handling', `${handlings[plan.handling]}${named === '' ? '' : ` (${named})`}`]] as const)
      : []),
    ...plan.warnings.map(({ code, message }) => ['warn', `${message}  [${code}]`] as const),
    ['cost', `privacy ${plan.privacy_cost} (drawn from a released, differentially private generator)`],
  ])
}
