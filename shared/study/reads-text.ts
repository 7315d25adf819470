import { heldOutShare } from '../evaluation/held-out-share.ts'
import type { Manifest } from './study-schema.ts'

/** What a study reads of a hospital's table, in a line for `study show`: columns, the patient key, who is held out. */
export const readsText = ({
  columns,
  privacy,
  evaluation,
}: Pick<Manifest, 'columns' | 'privacy' | 'evaluation'>): string =>
  [
    columns.map(({ name }) => name).join(', '),
    ...(privacy.patient_key === undefined ? [] : [`${privacy.patient_key} as the key, which stays here`]),
    ...(evaluation === undefined
      ? []
      : [
          `${100 * heldOutShare} % of patients, chosen by a secret hash of the key, are held out of training for ever and only try the finished generator`,
        ]),
  ].join('; ')

/** What leaves a hospital for a study at most, in a line: `attempts` sums, those of an evaluation among them. */
export const leavesText = ({ plan }: Pick<Manifest, 'plan'>): string => {
  const total = plan.queries.reduce((sum, { attempts }) => sum + attempts, 0)
  const scores = plan.queries.find(({ kind }) => kind === 'scores')
  const among = scores === undefined ? '' : `, ${scores.attempts} of them of held-out patients`
  return `${total} sealed, noised sums at most${among}; no rows, no counts, no text`
}
