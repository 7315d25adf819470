import type { CounterRandom } from '../counter-random.ts'
import { rowWalk } from './row-walk.ts'
import type { ReleasedModel } from './training-state.ts'

/** Rows first .. first + rows, each drawn column by column. */
export const drawRows = (model: ReleasedModel, random: CounterRandom, first: number, rows: number): Uint16Array => {
  const { offsets, sizes } = model.network.layout
  const columns = sizes.length
  const cells = new Uint16Array(rows * columns)
  const walk = rowWalk(model)
  for (let r = 0; r < rows; r++) {
    walk.start()
    for (let j = 0; j < columns; j++) {
      const code = drawCode(walk.logits, offsets[j]!, offsets[j + 1]!, random.uniform(first + r, j))
      cells[r * columns + j] = code
      walk.take(j, code)
    }
  }
  return cells
}

/** A code by inversion of the softmax of logits[start .. end). */
const drawCode = (logits: Float32Array, start: number, end: number, uniform: number): number => {
  let top = logits[start]!
  for (let i = start + 1; i < end; i++) if (logits[i]! > top) top = logits[i]!
  let total = 0
  for (let i = start; i < end; i++) {
    const weight = Math.exp(logits[i]! - top)
    logits[i] = weight
    total += weight
  }
  let left = uniform * total
  for (let i = start; i < end - 1; i++) {
    left -= logits[i]!
    if (left < 0) return i - start
  }
  return end - 1 - start
}
