import type { QueryKind } from '../dp/query.ts'

/** What one release of each kind tells, in plain words, for officers and for readers of a report. */
export const whatItAsks: Readonly<Record<QueryKind, string>> = {
  marginals: 'how often each level of each column occurs',
  pairs: 'how often each combination of levels of two columns occurs, for every pair of columns',
  gradient: 'one step of training: the sum of clipped gradients',
  scores: 'how a classifier, trained on synthetic rows, scores the patients held out from training',
}

/** What one unit adds to such a sum at most, and how often it is asked: for officers. */
export const whatAUnitGives = (kind: QueryKind, unit: 'row' | 'patient', samplingRate: number): string => {
  if (kind === 'gradient')
    return unit === 'patient'
      ? `one row each of about ${percent(samplingRate)} of the patients, drawn in secret`
      : `about ${percent(samplingRate)} of the rows, drawn in secret`
  if (kind === 'scores') return 'every held-out patient once, all their rows together'
  return unit === 'patient' ? 'every patient once, all their rows together' : 'every row once'
}

const percent = (share: number): string => `${Number((100 * share).toPrecision(2))} %`
