import { count } from '../units.ts'
import { counterRandom } from '../synthesizers/counter-random.ts'
import { rake } from '../synthesizers/rake.ts'
import { resample } from '../synthesizers/resample.ts'
import type { Generator } from './generator.ts'
import { withLevels } from './generator-levels.ts'

/** Rows made and raked together: what memory grows with, whatever the size of the cohort. */
export const poolRows = 32_768

/** Which stream of the seed draws the levels inside groups. */
const levelStream = 10

/**
 * `rows` rows of the study's levels (row-major Uint16Array) in batches of at most 32,768 rows; post-processing of the released
 * generator, no privacy cost. Repeatable per `seed`: row i of a pool depends on the seed and i alone.
 *
 * With `rake` (default where marginals were measured) each pool of 32,768 rows is weighted to the noisy 1-way marginals of the
 * generator's layout and resampled, so that even a small cohort follows them; then each grouped column's level is drawn by its share
 * of the group. A generator whose rows follow its marginals by themselves is left as it is. Cost: that of the generator's rows, and 30 passes over a pool.
 */
export async function* sampleCells(
  generator: Generator,
  rows: number,
  seed: number,
  options: { rake?: boolean } = {},
): AsyncIterable<Uint16Array> {
  count('rows', rows)
  const { layout, levels } = generator
  const columns = layout.sizes.length
  const marginals = (options.rake ?? true) && !generator.followsMarginals ? generator.marginals : null
  const draws = counterRandom(seed, 1)
  const picks = counterRandom(seed, 2)
  const inside = counterRandom(seed, levelStream)
  for (let first = 0, pool = 0; first < rows; first += poolRows, pool++) {
    const wanted = Math.min(poolRows, rows - first)
    const made = marginals === null ? wanted : poolRows
    const cells = generator.drawRows(draws, first, made)
    if (marginals === null) {
      yield withLevels(layout, levels, cells, inside, first)
      continue
    }
    const picked = resample(rake(layout, marginals, cells, made).weights, wanted, picks, pool)
    const cohort = new Uint16Array(wanted * columns)
    picked.forEach((row, i) => cohort.set(cells.subarray(row * columns, (row + 1) * columns), i * columns))
    yield withLevels(layout, levels, cohort, inside, first)
  }
}
