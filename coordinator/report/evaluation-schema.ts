import * as z from 'zod'

const number = (what: string) => z.number().describe(what)
const share = (what: string) => z.number().min(0).max(1).describe(what)

const rocSchema = z.array(
  z.strictObject({
    false_positive: share('Share of the negatives at or above the score.'),
    true_positive: share('Share of the positives at or above it.'),
  }),
)

const binSchema = z.strictObject({
  from: share('Lower end of the predicted probability.'),
  to: share('Upper end of it.'),
  patients: number('Held-out patients in the bin, noised, never below zero.'),
  positive_share: share('Share of positives among them; null where the noise leaves too few to divide by.').nullable(),
  share_error: number('Standard error of that share from the noise.').nullable(),
  synthetic_share: share('The same share among synthetic rows.').nullable(),
})

/** What was read off the noisy histogram of scores of patients held out at the hospitals (R22). */
export const evaluationSchema = z.strictObject({
  sentence: z.string(),
  outcome: z.string().describe('The column that the classifier predicts.'),
  positive: z.array(z.string()).describe('Its levels that count as positive.'),
  classifier: z.string(),
  held_out_share: share('Share of patients that the study does not train on; one constant for all studies.'),
  noise: number('Standard deviation of the noise in each cell of the histogram, in patients.'),
  patients: number('Held-out patients, noised.'),
  positives: number('Those with the outcome, noised.'),
  patients_error: number('Standard error of the number of patients from the noise.'),
  held_out: z
    .strictObject({
      auc: share('Area under the ROC of the classifier, trained on synthetic rows, on held-out patients.'),
      noise_error: number('Standard error of it from the privacy noise.'),
      sampling_error: number('Standard error of it from which patients are held out (Hanley and McNeil 1982).'),
    })
    .nullable()
    .describe('Null where the noise drowns one label.'),
  synthetic_auc: share('The same classifier on synthetic rows that it was not trained on.').nullable(),
  excess: z
    .strictObject({
      auc: number('AUC on synthetic rows less that on held-out patients.'),
      error: number('Standard error of it: from the privacy noise, and from which patients and rows they are.'),
      is_clear: z.boolean().describe('More than three standard errors above zero: relations are overstated.'),
    })
    .nullable()
    .describe('Null where either AUC is.'),
  bins: z.array(binSchema).describe('Calibration: by predicted probability, ascending.'),
  roc: rocSchema.describe('Of held-out patients, cells cut at zero; empty where there is no AUC.'),
  synthetic_roc: rocSchema,
})

export type EvaluationSection = z.output<typeof evaluationSchema>
