/**
 * Area under the receiver operating characteristic: the chance that a positive row scores above a negative one, ties
 * counting half; rows may be weighted. 0.5 when a class is absent. Cost: rows log rows.
 */
export const areaUnderCurve = (
  score: Float64Array,
  isPositive: (row: number) => boolean,
  weights?: Float64Array,
): number => {
  const order = Uint32Array.from(score, (_, r) => r).sort((a, b) => score[a]! - score[b]!)
  let below = 0
  let positives = 0
  let pairs = 0
  for (let i = 0; i < order.length; ) {
    let tiedPositive = 0
    let tiedNegative = 0
    const value = score[order[i]!]!
    for (; i < order.length && score[order[i]!] === value; i++) {
      const weight = weights?.[order[i]!] ?? 1
      if (isPositive(order[i]!)) tiedPositive += weight
      else tiedNegative += weight
    }
    pairs += tiedPositive * (below + tiedNegative / 2)
    below += tiedNegative
    positives += tiedPositive
  }
  return positives > 0 && below > 0 ? pairs / (positives * below) : 0.5
}
