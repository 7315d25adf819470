import type { Generator } from '../../generator/generator.ts'
import { drawRows } from './draw-rows.ts'
import { rowWalk } from './row-walk.ts'
import { encodeModel, type ReleasedModel } from './training-state.ts'

/** A released network as everything that draws rows takes it. */
export const autoregressiveGenerator = (model: ReleasedModel): Generator => ({
  family: 'autoregressive',
  layout: model.network.layout,
  marginals: model.marginals,
  levels: model.levels,
  drawRows: (random, first, rows) => drawRows(model, random, first, rows),
  walk: () => rowWalk(model),
  encode: () => encodeModel(model),
})
