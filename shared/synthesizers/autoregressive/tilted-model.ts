import type { ColumnCells } from '../cell-condition.ts'
import { counterRandom } from '../counter-random.ts'
import { rakeFactors, rakeWeights } from '../rake.ts'
import { type RowWalk, rowWalk } from './row-walk.ts'
import { drawRows, poolRows } from './sample.ts'
import type { ReleasedModel } from './training-state.ts'

/** Fixed: the factors are a function of the model alone. */
const pilotSeed = 0
const pilotStream = 4

interface Raking {
  /** By cell of the layout. */
  readonly factors: Float64Array
  /** What an unconditional pool of the same rows is resampled by. */
  readonly weights: Float64Array
}

const learned = new WeakMap<ReleasedModel, Raking>()

/** How the model is raked, learned once from 32,768 of its rows. Null without marginals. */
export const rakingOf = (model: ReleasedModel): Raking | null => {
  const { marginals, network } = model
  if (marginals === null) return null
  const known = learned.get(model)
  if (known !== undefined) return known
  const cells = drawRows(model, counterRandom(pilotSeed, pilotStream), 0, poolRows)
  const raking = {
    factors: rakeFactors(network.layout, marginals, cells, poolRows),
    weights: rakeWeights(network.layout, marginals, cells, poolRows),
  }
  learned.set(model, raking)
  return raking
}

/**
 * Raking as part of the distribution: q(row) = p(row) x the product of a factor for each of its cells / a constant, so that
 * q follows the noisy 1-way marginals as unconditional cohorts do. Null without marginals: q = p.
 */
export const tiltOf = (model: ReleasedModel): Float64Array | null => rakingOf(model)?.factors ?? null

/** The tilted model over columns that may be cut finer than their levels: a null entry is a column without cuts. */
export interface TiltedModel {
  readonly model: ReleasedModel
  readonly tilt: Float64Array | null
  readonly cells: readonly (ColumnCells | null)[]
}

/** A row on its way through a tilted model: the network's walk, and a column's cells with their tilted masses. */
export interface TiltedWalk {
  readonly start: () => void
  /** Writes share x factor x probability of each cell of `column`, and returns what the probabilities add up to. */
  masses(column: number, out: Float64Array): number
  take(column: number, cell: number): void
  /** Cells of the widest column. */
  readonly widest: number
}

export const cellsIn = ({ model, cells }: TiltedModel, column: number): number =>
  cells[column]?.parent.length ?? model.network.layout.sizes[column]!

export const tiltedWalk = (tilted: TiltedModel): TiltedWalk => {
  const { model, tilt, cells } = tilted
  const { sizes, offsets } = model.network.layout
  const walk: RowWalk = rowWalk(model)
  const { logits } = walk
  return {
    widest: Math.max(...sizes.map((_, column) => cellsIn(tilted, column))),
    start: walk.start,
    masses(column, out) {
      const start = offsets[column]!
      const end = offsets[column + 1]!
      let top = logits[start]!
      for (let i = start + 1; i < end; i++) if (logits[i]! > top) top = logits[i]!
      const cut = cells[column]
      let total = 0
      for (let i = start; i < end; i++) {
        const mass = Math.fround(Math.exp(logits[i]! - top))
        total += mass
        logits[i] = mass
        if (!cut) out[i - start] = tilt === null ? mass : mass * tilt[i]!
      }
      if (cut)
        for (let c = 0; c < cut.parent.length; c++) {
          const i = start + cut.parent[c]!
          out[c] = logits[i]! * (tilt === null ? 1 : tilt[i]!) * cut.share[c]!
        }
      return total
    },
    take(column, cell) {
      walk.take(column, cells[column]?.parent[cell] ?? cell)
    },
  }
}
