import { doubleCentre } from './double-centre.ts'
import { jointShrunk } from './joint-shrink.ts'
import { pairShape } from './pair-layout.ts'
import type { PairRelease, PairTarget } from './pair-release.ts'
import { shrunk } from './shrink.ts'

/** A pair without any evidence of dependence is not evidence of independence: its error counts so much. */
const doubtfulTrust = 0.05

/**
 * The release with its noise taken out, as far as it can be told apart: its margins, and of every pair what stands out of the noise
 * beyond their product. Where noise is loud, first all pairs together (`jointShrunk`), then what is left of each. Post-processing.
 * Cost: one small decomposition a pair.
 */
export const denoise = (release: PairRelease): PairTarget => {
  const { pairs, margins } = release
  const { offsets } = pairs.layout
  const independent = new Float64Array(pairs.dimension)
  for (let pair = 0; pair < pairs.pairs; pair++) {
    const { i, j, rows, columns, at } = pairShape(pairs, pair)
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++)
        independent[at + r * columns + c] = margins[offsets[i]! + r]! * margins[offsets[j]! + c]!
  }
  return { margins, ...withEvidence(release, independent, doubtfulTrust, isFaint(release)) }
}

/**
 * A target for the next round of a fit: the fitted pairs, and of every pair what the release still shows beyond them once noise is
 * taken out in the same way. `fitted`: shares, by cell of the pair layout.
 */
export const residualTarget = (release: PairRelease, fitted: Float64Array): PairTarget => ({
  margins: release.margins,
  ...withEvidence(release, fitted, 1, false),
})

/** Units for each standard deviation of a pair's cell below which pairs are looked at together first. */
const faint = 300

const isFaint = ({ sigma, units }: PairRelease): boolean => {
  const measured = sigma.filter((value) => value < Number.POSITIVE_INFINITY).sort()
  return measured.length > 1 && units < faint * measured[measured.length >> 1]!
}

const withEvidence = (release: PairRelease, expected: Float64Array, trustWithout: number, isJoint: boolean) => {
  const { pairs, units, pairCounts, sigma } = release
  const target = expected.slice()
  const trust = new Float64Array(pairs.pairs).fill(trustWithout)
  const beyond = pairCounts.map((count, cell) => count - units * expected[cell]!)
  for (let pair = 0; pair < pairs.pairs; pair++) {
    const { rows, columns, at } = pairShape(pairs, pair)
    doubleCentre(beyond.subarray(at, at + rows * columns), rows, columns)
  }
  const joint = isJoint ? jointShrunk(release, beyond) : null
  for (let pair = 0; pair < pairs.pairs; pair++) {
    const { rows, columns, at } = pairShape(pairs, pair)
    if (!(sigma[pair]! < Number.POSITIVE_INFINITY)) continue
    const shared = joint?.subarray(at, at + rows * columns)
    const own = beyond.slice(at, at + rows * columns).map((value, cell) => value - (shared?.[cell] ?? 0))
    const evidence = shrunk(own, rows, columns, sigma[pair]!)
    if (evidence === null && !shared?.some((value) => value !== 0)) continue
    trust[pair] = 1
    for (let cell = 0; cell < own.length; cell++)
      target[at + cell] = target[at + cell]! + ((evidence?.[cell] ?? 0) + (shared?.[cell] ?? 0)) / units
  }
  return { pairs: target, trust }
}
