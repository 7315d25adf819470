import type { ColumnCells } from '../synthesizers/cell-condition.ts'
import type { Generator } from './generator.ts'

/**
 * q(row) = p(row) x the product of a factor for each of its cells (`tilt`, by cell of the layout; null: all 1), over columns
 * that may be cut finer than their levels: a null entry is a column without cuts.
 */
export interface TiltedModel {
  readonly model: Generator
  readonly tilt: Float64Array | null
  readonly cells: readonly (ColumnCells | null)[]
}

/** A row on its way through a tilted model: the generator's walk, and a column's cells with their tilted masses. */
export interface TiltedWalk {
  readonly start: () => void
  /** Writes share x factor x probability of each cell of `column`, and returns what the probabilities add up to, those left out included. */
  masses(column: number, out: Float64Array): number
  take(column: number, cell: number): void
  /** Cells of the widest column. */
  readonly widest: number
}

export const cellsIn = ({ model, cells }: TiltedModel, column: number): number =>
  cells[column]?.parent.length ?? model.layout.sizes[column]!

export const tiltedWalk = (tilted: TiltedModel): TiltedWalk => {
  const { model, tilt, cells } = tilted
  const { sizes, offsets } = model.layout
  const walk = model.walk()
  const { logits } = walk
  return {
    widest: Math.max(...sizes.map((_, column) => cellsIn(tilted, column))),
    start: () => walk.start(),
    masses(column, out) {
      const start = offsets[column]!
      const end = offsets[column + 1]!
      let top = logits[start]!
      for (let i = start + 1; i < end; i++) if (logits[i]! > top) top = logits[i]!
      const cut = cells[column]
      let total = 0
      for (let i = start; i < end; i++) {
        // Nothing is left of a column where every logit is -Infinity.
        const mass = top === Number.NEGATIVE_INFINITY ? 0 : Math.fround(Math.exp(logits[i]! - top))
        total += mass
        logits[i] = mass
        if (!cut) out[i - start] = tilt === null ? mass : mass * tilt[i]!
      }
      if (cut)
        for (let c = 0; c < cut.parent.length; c++) {
          const i = start + cut.parent[c]!
          out[c] = logits[i]! * (tilt === null ? 1 : tilt[i]!) * cut.share[c]!
        }
      return walk.kept === undefined ? total : total / walk.kept
    },
    take(column, cell) {
      walk.take(column, cells[column]?.parent[cell] ?? cell)
    },
  }
}
