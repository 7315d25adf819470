import { count } from '../../units.ts'
import { type CounterRandom, counterRandom } from '../counter-random.ts'
import { rake } from '../rake.ts'
import { resample } from '../resample.ts'
import { rowWalk } from './row-walk.ts'
import type { ReleasedModel } from './training-state.ts'

/** Rows made and raked together: what memory grows with, whatever the size of the cohort. */
export const poolRows = 32_768

/**
 * `rows` rows of codes (row-major Uint16Array) in batches of at most 32,768 rows; post-processing of the released model,
 * no privacy cost. Repeatable per `seed`: row i of a pool depends on the seed and i alone.
 *
 * With `rake` (default where marginals were measured) each pool of 32,768 rows is weighted to the noisy 1-way marginals
 * and resampled, so that even a small cohort follows them. Cost: about hidden x cells / 4 + columns x (hidden + cells) / 2
 * additions a row, in plain arrays: a column at a time there is no matrix left that would be worth sending to the engine.
 */
export async function* sampleCells(
  model: ReleasedModel,
  rows: number,
  seed: number,
  options: { rake?: boolean } = {},
): AsyncIterable<Uint16Array> {
  count('rows', rows)
  const { layout } = model.network
  const columns = layout.sizes.length
  const marginals = (options.rake ?? true) ? model.marginals : null
  const draws = counterRandom(seed, 1)
  const picks = counterRandom(seed, 2)
  for (let first = 0, pool = 0; first < rows; first += poolRows, pool++) {
    const wanted = Math.min(poolRows, rows - first)
    const made = marginals === null ? wanted : poolRows
    const cells = drawRows(model, draws, first, made)
    if (marginals === null) {
      yield cells
      continue
    }
    const picked = resample(rake(layout, marginals, cells, made).weights, wanted, picks, pool)
    const cohort = new Uint16Array(wanted * columns)
    picked.forEach((row, i) => cohort.set(cells.subarray(row * columns, (row + 1) * columns), i * columns))
    yield cohort
  }
}

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
