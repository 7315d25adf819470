import type { Generator } from '@tributary/shared/generator/generator'
import { sampleCells } from '@tributary/shared/generator/sample'

/** A whole cohort in memory: rows x columns codes, row-major. */
export const cohortCells = async (model: Generator, rows: number, seed: number): Promise<Uint16Array> => {
  const cells = new Uint16Array(rows * model.layout.sizes.length)
  let at = 0
  for await (const batch of sampleCells(model, rows, seed)) {
    cells.set(batch, at)
    at += batch.length
  }
  return cells
}
