import type { ColumnCells } from '../synthesizers/cell-condition.ts'
import type { Layout } from '../synthesizers/cells.ts'
import type { CounterRandom } from '../synthesizers/counter-random.ts'
import type { Generator } from './generator.ts'

/*
 * A generator models groups of levels where a column has too many; what leaves it are levels of the study. Here is how the two
 * are put together.
 */

/** Noisy share of every level of the study: the group's, by the level's share of it. Null without marginals. */
export const levelMarginals = ({ layout, levels, marginals }: Generator): Float64Array | null => {
  if (marginals === null) return null
  if (levels.every((column) => column === null)) return marginals
  return Float64Array.from(
    layout.sizes.flatMap((size, j) => {
      const first = layout.offsets[j]!
      const column = levels[j] ?? null
      if (column === null) return [...marginals.subarray(first, first + size)]
      return Array.from(column.parent, (group, level) => marginals[first + group]! * column.share[level]!)
    }),
  )
}

/** A column whose levels are cut, as cells of the generator's groups: `cut`'s parents are levels, `levels`' parents groups. */
export const composedCells = (levels: ColumnCells | null, cut: ColumnCells | null): ColumnCells | null => {
  if (levels === null || cut === null) return cut ?? levels
  return {
    parent: cut.parent.map((level) => levels.parent[level]!),
    share: cut.share.map((share, cell) => share * levels.share[cut.parent[cell]!]!),
  }
}

/** The levels of each group of a column, one group after the other, and running sums of their shares within the group. */
interface Members {
  /** By group: from here up to `ends`. */
  readonly firsts: Uint32Array
  readonly ends: Uint32Array
  readonly members: Uint16Array
  readonly reached: Float64Array
}

const known = new WeakMap<ColumnCells, Members>()

/** A group without levels, which a generator should give no mass, stands for the group before it that has some. */
const membersOf = (column: ColumnCells, groups: number): Members => {
  const found = known.get(column)
  if (found !== undefined) return found
  const { parent, share } = column
  const starts = new Uint32Array(groups + 1)
  for (const group of parent) starts[group + 1]!++
  for (let group = 0; group < groups; group++) starts[group + 1]! += starts[group]!
  const next = starts.slice()
  const members = new Uint16Array(parent.length)
  parent.forEach((group, level) => (members[next[group]!++] = level))
  const reached = new Float64Array(parent.length)
  for (let group = 0; group < groups; group++)
    for (let i = starts[group]!, sum = 0; i < starts[group + 1]!; i++) reached[i] = sum += share[members[i]!]!
  const ends = starts.slice(1)
  const firsts = starts.slice(0, groups)
  const isEmpty = (group: number) => starts[group] === starts[group + 1]
  for (let group = 0; group < groups; group++) {
    if (!isEmpty(group)) continue
    let other = group
    while (other > 0 && isEmpty(other)) other--
    while (isEmpty(other)) other++
    firsts[group] = starts[other]!
    ends[group] = starts[other + 1]!
  }
  const made = { firsts, ends, members, reached }
  known.set(column, made)
  return made
}

/**
 * Rows with a level of the study in place of each group code, drawn by the levels' shares: codes row-major, `first` the number of
 * the first row. A column whose entry of `levels` is null stays as it is; without any, the same array. Cost: one search a code.
 */
export const withLevels = (
  { sizes }: Layout,
  levels: readonly (ColumnCells | null)[],
  cells: Uint16Array,
  random: CounterRandom,
  first: number,
): Uint16Array => {
  if (levels.every((column) => column === null)) return cells
  const columns = levels.length
  const leveled = cells.slice()
  levels.forEach((column, j) => {
    if (column === null) return
    const { firsts, ends, members, reached } = membersOf(column, sizes[j]!)
    for (let r = 0, at = j; at < cells.length; r++, at += columns) {
      let low = firsts[cells[at]!]!
      let high = ends[cells[at]!]! - 1
      const position = random.uniform(first + r, j) * reached[high]!
      while (low < high) {
        const middle = (low + high) >> 1
        if (reached[middle]! > position) high = middle
        else low = middle + 1
      }
      leveled[at] = members[low]!
    }
  })
  return leveled
}
