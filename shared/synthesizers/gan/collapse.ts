import type { Layout } from '../cells.ts'

/** Mode collapse, looked for in what the generator itself would sample, against the noisy marginals: free of privacy cost. */
export interface Collapse {
  /** By column: of the levels with a noisy share of 1 in 1,000 or more, how many the generator gives a tenth of that, in [0, 1]. */
  readonly coverage: Float64Array
  /** By column: entropy of the generator's shares over that of the noisy ones; 1 where those have none. */
  readonly entropy: Float64Array
}

const leastShare = 1e-3
const coveredShare = 0.1
/** Below either, a column counts as collapsed. */
const leastCoverage = 0.8
const leastEntropy = 0.8

/** `generated`: the generator's own shares of every cell, before raking. */
export const collapseOf = ({ offsets, sizes }: Layout, generated: Float64Array, noisy: Float64Array): Collapse => {
  const coverage = new Float64Array(sizes.length)
  const entropy = new Float64Array(sizes.length)
  sizes.forEach((_, j) => {
    let common = 0
    let covered = 0
    let own = 0
    let wanted = 0
    for (let cell = offsets[j]!; cell < offsets[j + 1]!; cell++) {
      if (noisy[cell]! >= leastShare) {
        common++
        if (generated[cell]! >= coveredShare * noisy[cell]!) covered++
      }
      own += surprise(generated[cell]!)
      wanted += surprise(noisy[cell]!)
    }
    coverage[j] = common === 0 ? 1 : covered / common
    entropy[j] = wanted > 0 ? own / wanted : 1
  })
  return { coverage, entropy }
}

/** The columns that have collapsed. */
export const collapsedColumns = ({ coverage, entropy }: Collapse): number[] =>
  [...coverage.keys()].filter((j) => coverage[j]! < leastCoverage || entropy[j]! < leastEntropy)

/** One line for people: nothing of it was measured on patients beyond the noisy marginals. */
export const collapseText = (collapse: Collapse, names: readonly string[]): string => {
  const found = collapsedColumns(collapse)
  const lowest = (values: Float64Array) => values.reduce((least, value) => Math.min(least, value), 1).toFixed(2)
  const figures = `least coverage ${lowest(collapse.coverage)}, least entropy ratio ${lowest(collapse.entropy)}`
  return found.length === 0
    ? `no mode collapse (${figures})`
    : `mode collapse in ${found.map((j) => names[j]).join(', ')} (${figures})`
}

const surprise = (share: number) => (share > 0 ? -share * Math.log(share) : 0)
