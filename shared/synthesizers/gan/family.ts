import { CodedError } from '../../errors.ts'
import { clipNorm } from '../../units.ts'
import type { Batch, Family, FamilyQuery } from '../family.ts'
import { coarsen, decodeGrouping } from '../grouping.ts'
import { marginalNorm, marginalSum } from '../marginal-sum.ts'
import { criticGradientSum, refuseUnfit } from './clipped-sum.ts'
import { reachOf } from './critic.ts'
import { decodeGanGenerator } from './generator.ts'
import { ganPlanOf } from './plan.ts'
import { GanTraining, gradient, marginals } from './training.ts'
import { decodeState, initialState } from './training-state.ts'

/**
 * A conditional generative adversarial network (Goodfellow et al. 2014; for tables Xu et al. 2019) whose critic is trained by DP-SGD
 * (Abadi et al. 2016; Xie et al. 2018) at the hospitals: they see the critic and send its clipped gradients at real rows; the
 * generator, the critic's steps and everything fake stay at the coordinator, as post-processing. Large batches and many steps of
 * the generator against a critic near its best response, as Bie, Kamath and Zhang (2023) found to matter.
 */
export const ganFamily: Family = {
  name: 'gan',

  queries(study) {
    const { block, fine, critic, isGrouped } = ganPlanOf(study)
    const isTrained = critic.dimension > 0
    const singles: FamilyQuery = {
      kind: 'marginals',
      dimension: fine.cells,
      clipNorm: marginalNorm(fine),
      samplingRate: 1,
      steps: 1,
      spares: block.spares.marginals,
      share: isTrained ? block.marginals_share : null,
      announced: 0,
    }
    if (!isTrained) return [singles]
    return [
      singles,
      {
        kind: 'gradient',
        dimension: critic.dimension,
        clipNorm: clipNorm(1),
        reach: reachOf(critic),
        samplingRate: block.sampling_rate,
        steps: block.steps,
        spares: block.spares.gradient,
        share: null,
        announced: critic.weights + (isGrouped ? fine.cells : 0),
      },
    ]
  },

  clippedSum(study, index, announced) {
    const { fine, critic, isGrouped } = ganPlanOf(study)
    if (index === marginals) {
      if (announced.length > 0) throw new CodedError('ROUND_REFUSED', 'marginals need no announced numbers')
      return ({ cells, rowsPerUnit, drawn }) => marginalSum(fine, cells, rowsPerUnit, drawn)
    }
    if (index !== gradient) throw new CodedError('ROUND_REFUSED', `the family has no query ${index}`)
    const params = isGrouped ? announced.slice(0, critic.weights) : announced.slice()
    refuseUnfit(critic, params)
    const columns = fine.sizes.length
    if (!isGrouped)
      return (batch) => criticGradientSum(critic, params, batch.cells, clipNorm(1), countsOf(batch, columns))
    const { sizes } = critic.pairs.layout
    const grouping = decodeGrouping(study.columns, sizes, announced.subarray(critic.weights))
    return (batch) =>
      criticGradientSum(critic, params, coarsen(grouping, batch.cells), clipNorm(1), countsOf(batch, columns))
  },

  initial: (study, seed) => new GanTraining(study, initialState(ganPlanOf(study), seed)),
  decodeTraining: (study, bytes) => new GanTraining(study, decodeState(ganPlanOf(study), bytes)),
  decodeGenerator: decodeGanGenerator,
}

/** Marks of the rows that count. */
const countsOf = ({ cells, counts, drawn }: Batch, columns: number): Uint8Array =>
  counts ?? new Uint8Array(cells.length / columns).fill(1, 0, drawn)
