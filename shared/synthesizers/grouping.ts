import { CodedError } from '../errors.ts'
import { sizeOfColumn } from '../schema/column.ts'
import type { ColumnSpec } from '../study/study-schema.ts'
import { ancestorGroups } from './ancestor-groups.ts'
import type { ColumnCells } from './cell-condition.ts'
import { type Layout, layoutOf, rowCount } from './cells.ts'
import { equalRuns } from './equal-runs.ts'

/**
 * Levels in groups, where a column has more of them than a family can afford. How many groups is planned from public facts; which
 * level is in which group follows from noisy 1-way shares, so it is post-processing and free of privacy cost; a row's level inside
 * its group is drawn by those shares again.
 */
export interface Grouping {
  /** The study's levels. */
  readonly fine: Layout
  /** The planned groups. A group may be empty. */
  readonly layout: Layout
  /** By fine cell: the code of its group in its column. */
  readonly map: Uint16Array
  /** True when every level is a group of its own, under its own code. */
  readonly isTrivial: boolean
}

/**
 * Groups of each column: as many as it has levels, at most `most` (one number for all, or one a column); the missing level counts
 * as one of them. Throws `ARGUMENT_INVALID` for a most that is not a whole number from 1.
 */
export const plannedSizes = (columns: readonly ColumnSpec[], most: readonly number[] | number): number[] => {
  if (typeof most !== 'number' && most.length !== columns.length)
    throw new CodedError('ARGUMENT_INVALID', `most groups for ${columns.length} columns expected, got ${most.length}`, {
      place: { field: 'most_groups' },
    })
  return columns.map((column, j) => {
    const limit = typeof most === 'number' ? most : most[j]!
    if (!(Number.isInteger(limit) && limit >= 1))
      throw new CodedError('ARGUMENT_INVALID', 'the most groups of a column must be a whole number from 1', {
        place: { column: column.name },
      })
    return Math.min(sizeOfColumn(column), limit)
  })
}

/**
 * The groups of every column from its noisy 1-way shares (`marginals`, fine cells; what is negative or no number counts as zero).
 * Numbers and ordered levels: runs of near equal mass. Other levels: the commonest, and one rest; with declared prefixes rare levels
 * join their ancestor's group first. The missing level keeps the last group to itself where there are two. Codes follow the order of
 * levels. Deterministic. Throws `ARGUMENT_INVALID` for sizes that `plannedSizes` does not give.
 */
export const groupingOf = (
  columns: readonly ColumnSpec[],
  sizes: readonly number[],
  marginals: Float64Array,
): Grouping => {
  const { fine, layout } = layoutsOf(columns, sizes)
  if (marginals.length !== fine.cells)
    throw new CodedError('ARGUMENT_INVALID', `${fine.cells} shares expected, got ${marginals.length}`)
  const map = new Uint16Array(fine.cells)
  columns.forEach((column, j) => {
    const mass = marginals.slice(fine.offsets[j]!, fine.offsets[j + 1]!).map((share) => (share > 0 ? share : 0))
    map.set(groupsOfColumn(column, sizes[j]!, mass), fine.offsets[j]!)
  })
  return groupingWith(fine, layout, map)
}

/** The map as announced to sites: one number a fine cell. */
export const encodeGrouping = (grouping: Grouping): Float32Array => Float32Array.from(grouping.map)

/**
 * What `encodeGrouping` gave, checked: any map into the planned groups is allowed, for whatever it is, a row falls into one group
 * of each column. Throws `ROUND_REFUSED` for another length or a number that is no planned group.
 */
export const decodeGrouping = (
  columns: readonly ColumnSpec[],
  sizes: readonly number[],
  numbers: Float32Array,
): Grouping => {
  const { fine, layout } = layoutsOf(columns, sizes)
  if (numbers.length !== fine.cells)
    throw new CodedError('ROUND_REFUSED', `groups of ${fine.cells} levels expected, got ${numbers.length}`)
  columns.forEach((column, j) => {
    for (let cell = fine.offsets[j]!; cell < fine.offsets[j + 1]!; cell++) {
      const group = numbers[cell]!
      if (!(Number.isInteger(group) && group >= 0 && group < sizes[j]!))
        throw new CodedError('ROUND_REFUSED', 'a level is put into a group that was not planned', {
          place: { column: column.name },
        })
    }
  })
  return groupingWith(fine, layout, Uint16Array.from(numbers))
}

/** Rows of levels as rows of groups; a code outside its column becomes one outside the groups. Cost: one look-up a code. */
export const coarsen = ({ fine, map }: Grouping, cells: Uint16Array): Uint16Array => {
  const columns = fine.sizes.length
  const rows = rowCount(fine, cells)
  const coarse = new Uint16Array(cells.length)
  for (let j = 0; j < columns; j++) {
    const size = fine.sizes[j]!
    const offset = fine.offsets[j]!
    for (let r = 0, at = j; r < rows; r++, at += columns) {
      const code = cells[at]!
      coarse[at] = code < size ? map[offset + code]! : 65_535
    }
  }
  return coarse
}

/** Values of fine cells added up by group: `layout.cells` long. */
export const coarseShares = ({ fine, layout, map }: Grouping, values: Float64Array): Float64Array => {
  const shares = new Float64Array(layout.cells)
  fine.sizes.forEach((size, j) => {
    for (let code = 0; code < size; code++) {
      const cell = fine.offsets[j]! + code
      shares[layout.offsets[j]! + map[cell]!]! += values[cell]!
    }
  })
  return shares
}

/**
 * By column: its levels as cells of its groups, each with its share of the group by `fineShares` (not negative); in a group without
 * mass every level the same. Null where every level is its own group.
 */
export const levelsOf = (grouping: Grouping, fineShares: Float64Array): (ColumnCells | null)[] => {
  const { fine, layout, map } = grouping
  const mass = coarseShares(grouping, fineShares)
  const members = coarseShares(grouping, new Float64Array(fine.cells).fill(1))
  return fine.sizes.map((size, j) => {
    const parent = map.slice(fine.offsets[j]!, fine.offsets[j + 1]!)
    if (isIdentity(parent, layout.sizes[j]!)) return null
    const share = new Float64Array(size)
    for (let code = 0; code < size; code++) {
      const cell = layout.offsets[j]! + parent[code]!
      share[code] = mass[cell]! > 0 ? fineShares[fine.offsets[j]! + code]! / mass[cell]! : 1 / members[cell]!
    }
    return { parent, share }
  })
}

const layoutsOf = (columns: readonly ColumnSpec[], sizes: readonly number[]) => {
  const fine = layoutOf(columns.map(sizeOfColumn))
  if (sizes.length !== columns.length || sizes.some((size, j) => size > fine.sizes[j]!))
    throw new CodedError('ARGUMENT_INVALID', 'a column cannot have more groups than levels')
  return { fine, layout: layoutOf(sizes) }
}

const groupingWith = (fine: Layout, layout: Layout, map: Uint16Array): Grouping => {
  const isTrivial = fine.sizes.every((_, j) =>
    isIdentity(map.subarray(fine.offsets[j]!, fine.offsets[j + 1]!), layout.sizes[j]!),
  )
  return { fine, layout, map, isTrivial }
}

const isIdentity = (groups: Uint16Array, size: number) =>
  groups.length === size && groups.every((group, code) => group === code)

/** Group of each level of one column. `mass`: by level, not negative. */
const groupsOfColumn = (column: ColumnSpec, size: number, mass: Float64Array): Uint16Array => {
  if (size === mass.length) return Uint16Array.from(mass, (_, code) => code)
  if (column.missing === 'level' && size > 1) {
    const groups = new Uint16Array(mass.length)
    groups.set(groupsOfLevels(column, size - 1, mass.subarray(0, mass.length - 1)))
    groups[mass.length - 1] = size - 1
    return groups
  }
  return groupsOfLevels(column, size, mass)
}

const groupsOfLevels = (column: ColumnSpec, size: number, mass: Float64Array): Uint16Array => {
  const prefixes = column.kind === 'categorical' ? column.hierarchy?.prefixes : undefined
  if (column.kind !== 'categorical' || (column.ordered && prefixes === undefined)) return equalRuns(mass, size)
  const texts = mass.length > column.levels.length ? [...column.levels, ''] : column.levels
  return renumbered(ancestorGroups(texts, prefixes ?? [], mass, size))
}

/** The same groups, numbered in the order of their first level. */
const renumbered = (groups: Uint16Array): Uint16Array => {
  const codes = new Map<number, number>()
  return groups.map((group) => {
    const code = codes.get(group) ?? codes.size
    codes.set(group, code)
    return code
  })
}
