import type { Layout } from '../cells.ts'
import type { PairLayout } from '../mixture/pair-layout.ts'

/** Mode collapse, looked for in what the generator itself would sample, against noisy releases: free of privacy cost. */
export interface Collapse {
  /** By column: of the levels with a noisy share of 1 in 1,000 or more, how many the generator gives a tenth of that, in [0, 1]. */
  readonly coverage: Float64Array
  /** By column: entropy of the generator's shares over that of the noisy ones; 1 where those have none. */
  readonly entropy: Float64Array
  /** The same as coverage over pairs of cells that stand clear of their noise; 1 where none does. */
  readonly pairs: number
}

/** Shares of pairs of cells, as vectors of `pairs`. */
export interface PairShares {
  readonly pairs: PairLayout
  readonly generated: Float64Array
  readonly noisy: Float64Array
  /** By pair of columns: standard deviation of the noise in one noisy share. */
  readonly sigma: Float64Array
}

const leastShare = 1e-3
const coveredShare = 0.1
/** Deviations above which a noisy pair is believed in. */
const sure = 4
/** Below one of these, a column or the pairs count as collapsed. */
const leastCoverage = 0.8
const leastEntropy = 0.8

/** `generated`: the generator's own shares of every cell, before raking, where it was free to choose. */
export const collapseOf = (
  { offsets, sizes }: Layout,
  generated: Float64Array,
  noisy: Float64Array,
  pairs: PairShares | null,
): Collapse => {
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
  return { coverage, entropy, pairs: pairs === null ? 1 : coverageOfPairs(pairs) }
}

const coverageOfPairs = ({ pairs, generated, noisy, sigma }: PairShares): number => {
  let common = 0
  let covered = 0
  for (let pair = 0; pair < pairs.pairs; pair++) {
    const least = Math.max(leastShare, sure * sigma[pair]!)
    for (let cell = pairs.offsets[pair]!; cell < pairs.offsets[pair + 1]!; cell++) {
      if (!(noisy[cell]! >= least)) continue
      common++
      if (generated[cell]! >= coveredShare * noisy[cell]!) covered++
    }
  }
  return common === 0 ? 1 : covered / common
}

/** The columns that have collapsed. */
export const collapsedColumns = ({ coverage, entropy }: Collapse): number[] =>
  [...coverage.keys()].filter((j) => coverage[j]! < leastCoverage || entropy[j]! < leastEntropy)

export const isCollapsed = (collapse: Collapse): boolean =>
  collapsedColumns(collapse).length > 0 || collapse.pairs < leastCoverage

/** One line for people: nothing of it was measured on patients beyond the noisy releases. */
export const collapseText = (collapse: Collapse, names: readonly string[]): string => {
  const least = (values: Float64Array) => values.reduce((low, value) => Math.min(low, value), 1)
  const [coverage, entropy, pairs] = [least(collapse.coverage), least(collapse.entropy), collapse.pairs].map(
    (value) => `${Math.round(100 * value)} %`,
  )
  const figures = `covers at least ${coverage} of the common levels of every column and ${pairs} of the common pairs of levels, entropy at least ${entropy} of the noisy marginals'`
  if (!isCollapsed(collapse)) return `no mode collapse: the generator ${figures}`
  const found = collapsedColumns(collapse).map((j) => names[j])
  return `MODE COLLAPSE in ${found.length === 0 ? 'pairs of levels' : found.join(', ')}: the generator ${figures}`
}

const surprise = (share: number) => (share > 0 ? -share * Math.log(share) : 0)
