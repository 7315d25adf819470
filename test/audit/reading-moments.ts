import type { Query } from '@tributary/shared/dp/query'
import type { CanaryPlaces } from './canary-design.ts'
import type { Reading } from './white-box.ts'

/** A measured ratio and the limits that hold the true one but for once in a million runs, on either side. */
export interface Measured {
  readonly least: number
  readonly measured: number
  readonly most: number
}

/** Deviations that a normal value exceeds, on one side, once in a million. */
const surely = 4.76

/**
 * The noise at the places of canaries that are not in the table, over what the plan adds: root mean square about the mean, whose
 * relative error is 1 / sqrt(2 n). The weight is at most 1, so what was divided by it is multiplied again.
 */
export const measuredNoise = (
  coins: Uint8Array,
  readings: readonly Reading[],
  { noiseMultiplier: sigma }: Query,
  { weight }: CanaryPlaces,
): Measured => {
  let n = 0
  let squares = 0
  for (const reading of readings) {
    const { mean, count } = meanWhere(coins, 0, reading)
    n += count - 1
    for (let i = 0; i < coins.length; i++) if (coins[i] === 0) squares += (reading[i]! - mean) ** 2
  }
  const measured = (Math.sqrt(squares / n) * Math.abs(weight)) / sigma
  const error = surely / Math.sqrt(2 * n)
  return { least: measured * (1 - error), measured, most: measured * (1 + error) }
}

/**
 * What a drawn canary adds to its place, over the most that one patient may: the difference between the means of canaries in
 * the table and of those left out, over the sampling rate. Canaries in the table do not take anything off themselves, which is
 * the crosstalk; their draws and the noise are the error.
 */
export const measuredSignal = (
  coins: Uint8Array,
  readings: readonly Reading[],
  { noiseMultiplier: sigma, samplingRate: q }: Query,
  { weight, crosstalk }: CanaryPlaces,
): Measured => {
  let difference = 0
  let variance = 0
  for (const reading of readings) {
    const [inside, outside] = [meanWhere(coins, 1, reading), meanWhere(coins, 0, reading)]
    difference += inside.mean - outside.mean
    const noise = (sigma / weight) ** 2
    variance += (noise + q * (1 - q)) / inside.count + noise / outside.count
  }
  const scale = Math.abs(weight) / (readings.length * q * (1 + crosstalk))
  const measured = difference * scale
  const error = surely * Math.sqrt(variance) * scale
  return { least: measured - error, measured, most: measured + error }
}

const meanWhere = (coins: Uint8Array, coin: number, reading: Reading): { mean: number; count: number } => {
  let sum = 0
  let count = 0
  for (let i = 0; i < coins.length; i++) {
    if (coins[i] !== coin) continue
    sum += reading[i]!
    count++
  }
  return { mean: sum / count, count }
}
