import { CodedError } from '../../errors.ts'
import { clipNorm } from '../../units.ts'
import type { Family, FamilyQuery } from '../family.ts'
import { marginalNorm, marginalSum } from '../marginal-sum.ts'
import { decodeMixture } from './generator.ts'
import { pairQuestion, pairSum } from './pair-sum.ts'
import { studyMixtureOf } from './study-mixture.ts'
import { MixtureTraining, marginals, pairs } from './training.ts'
import { decodeState, initialState } from './training-state.ts'

/**
 * Two rounds of counts and a fit: noisy 1-way marginals; then all pairs of columns at once, by groups of levels, double-centred, each
 * block at a weight of its own; from these, with the noise taken out, a mixture of products of independent columns. Sums only, no
 * sampling. Sensitivities: sqrt(columns), and 1 (see `pairSum`).
 */
export const mixtureFamily: Family = {
  name: 'mixture',

  queries(study) {
    const { settings, fine, pairs: layout } = studyMixtureOf(study)
    const hasPairs = layout.pairs > 0
    const oneWay: FamilyQuery = {
      kind: 'marginals',
      dimension: fine.cells,
      clipNorm: marginalNorm(fine),
      samplingRate: 1,
      steps: settings.steps.marginals,
      spares: settings.spares.marginals,
      share: hasPairs ? settings.marginals_share : null,
      announced: 0,
    }
    if (!hasPairs) return [oneWay]
    return [
      oneWay,
      {
        kind: 'pairs',
        dimension: layout.dimension,
        clipNorm: clipNorm(1),
        samplingRate: 1,
        steps: settings.steps.pairs,
        spares: settings.spares.pairs,
        share: null,
        announced: fine.cells + layout.pairs,
      },
    ]
  },

  clippedSum(study, index, announced) {
    const { fine, sizes, pairs: layout } = studyMixtureOf(study)
    if (index === marginals) {
      if (announced.length > 0) throw new CodedError('ROUND_REFUSED', 'marginals need no announced numbers')
      return ({ cells, rowsPerUnit, drawn }) => marginalSum(fine, cells, rowsPerUnit, drawn)
    }
    if (index !== pairs || layout.pairs === 0) throw new CodedError('ROUND_REFUSED', `the family has no query ${index}`)
    const question = pairQuestion(study.columns, sizes, announced)
    return (batch) => pairSum(question, batch)
  },

  initial: (study, seed) => new MixtureTraining(study, initialState(studyMixtureOf(study), seed)),

  decodeTraining: (study, bytes) => new MixtureTraining(study, decodeState(studyMixtureOf(study), bytes)),

  decodeGenerator: decodeMixture,
}
