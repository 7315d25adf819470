import type { ReleasedModel } from '@tributary/shared/synthesizers/autoregressive/apply'
import { sampleCells } from '@tributary/shared/synthesizers/autoregressive/sample'

/** A whole cohort in memory: rows x columns codes, row-major. */
export const cohortCells = async (model: ReleasedModel, rows: number, seed: number): Promise<Uint16Array> => {
  const cells = new Uint16Array(rows * model.network.layout.sizes.length)
  let at = 0
  for await (const batch of sampleCells(model, rows, seed)) {
    cells.set(batch, at)
    at += batch.length
  }
  return cells
}
