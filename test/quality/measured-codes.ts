import { sizeOfColumn } from '@tributary/shared/schema/column'
import type { ColumnSpec } from '@tributary/shared/study/column-schema'
import { counterRandom } from '@tributary/shared/synthesizers/counter-random'

/** A column with more codes is measured by fewer: a marginal of thousands of cells is all sampling error. */
const mostOrdered = 40
const runs = 16
const mostNominal = 64

/** What tables are measured by: the study's codes, or where a column has too many of them runs and rests of them. */
export interface MeasuredCodes {
  readonly sizes: readonly number[]
  /** By column: the measured code of each of the study's, null where they are the same. */
  readonly codeOf: readonly (Uint16Array | null)[]
  /** Names of the merged columns. */
  readonly merged: readonly string[]
  /** Measured codes of a table of the study's codes. */
  measured(cells: Uint16Array): Uint16Array
  /** The study's codes for measured ones, each in its real share of its run. */
  spread(cells: Uint16Array, seed: number): Uint16Array
}

/**
 * Ordered columns of more than 40 codes become 16 runs of about equal mass, others of more than 64 their 63 most common codes and the
 * rest; a missing level stays apart. Mass is that of `cells`, all real rows, so that every method is measured alike. `kept`: columns
 * that stay as they are.
 */
export const measuredCodes = (
  columns: readonly ColumnSpec[],
  cells: Uint16Array,
  kept: ReadonlySet<number>,
): MeasuredCodes => {
  const counts = columns.map((column) => new Float64Array(sizeOfColumn(column)))
  for (let at = 0; at < cells.length; at++) counts[at % columns.length]![cells[at]!]!++
  const codeOf = columns.map((column, j) => {
    const isOrdered = column.kind !== 'categorical' || column.ordered
    const own = counts[j]!
    if (kept.has(j) || own.length <= (isOrdered ? mostOrdered : mostNominal)) return null
    const present = column.missing === 'level' ? own.subarray(0, own.length - 1) : own
    const codes = isOrdered ? runsOf(present) : commonOf(present)
    if (present.length === own.length) return codes
    return Uint16Array.of(...codes, Math.max(...codes) + 1)
  })
  const sizes = codeOf.map((codes, j) => (codes === null ? counts[j]!.length : Math.max(...codes) + 1))
  const width = columns.length
  return {
    sizes,
    codeOf,
    merged: columns.flatMap(({ name }, j) => (codeOf[j] === null ? [] : [name])),
    measured: (table) => table.map((code, at) => codeOf[at % width]?.[code] ?? code),
    spread: (table, seed) => {
      const random = counterRandom(seed, 210)
      const members = codeOf.map((codes, j) => (codes === null ? null : membersOf(codes, sizes[j]!, counts[j]!)))
      return table.map((code, at) => {
        const own = members[at % width]?.[code]
        return own === undefined ? code : pick(own, random.uniform(at, 0))
      })
    },
  }
}

/** A run is closed once it has its part of the mass that is left; none is without any. */
const runsOf = (counts: Float64Array): Uint16Array => {
  let left = counts.reduce((sum, count) => sum + count, 0)
  let [run, mass] = [0, 0]
  return Uint16Array.from(counts, (count) => {
    if (mass > 0 && mass >= left / (runs - run) && left > mass) {
      left -= mass
      mass = 0
      run++
    }
    mass += count
    return run
  })
}

const commonOf = (counts: Float64Array): Uint16Array => {
  const common = [...counts.keys()].sort((a, b) => counts[b]! - counts[a]! || a - b).slice(0, mostNominal - 1)
  const codes = new Uint16Array(counts.length).fill(common.length)
  common.sort((a, b) => a - b).forEach((code, place) => (codes[code] = place))
  return codes
}

interface Members {
  readonly codes: readonly number[]
  readonly counts: readonly number[]
  readonly total: number
}

/** By measured code: the study's in it; each counts at least a little, for a run that no real row has. */
const membersOf = (codeOf: Uint16Array, size: number, counts: Float64Array): Members[] =>
  Array.from({ length: size }, (_, measured) => {
    const codes = [...codeOf.keys()].filter((code) => codeOf[code] === measured)
    const own = codes.map((code) => counts[code]! + 1e-9)
    return { codes, counts: own, total: own.reduce((sum, count) => sum + count, 0) }
  })

const pick = ({ codes, counts, total }: Members, uniform: number): number => {
  let left = uniform * total
  return codes[counts.findIndex((count) => (left -= count) < 0)] ?? codes.at(-1) ?? 0
}
