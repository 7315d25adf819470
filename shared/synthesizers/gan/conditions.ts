import type { Layout } from '../cells.ts'
import { counterRandom } from '../counter-random.ts'
import type { Draws } from './generator-net.ts'

/** The generator's fixed draws, and what each counts in the mixture. */
export interface FixedDraws extends Draws {
  /** Adding up to 1. */
  readonly weights: Float64Array
}

/**
 * `count` draws, in rounds over the columns: column j's draws are conditioned on its levels, which come as often as the square root
 * of their noisy share (training by sampling, Xu et al. 2019, CTGAN: rare levels are seen), and count by the share itself. So the
 * conditions of each column follow the noisy shares, and no real frequency is ever used (R23).
 * Memory: count x latents. `seed`: public.
 */
export const fixedDraws = (
  layout: Layout,
  shares: Float64Array,
  latents: number,
  count: number,
  seed: number,
): FixedDraws => {
  const { sizes, offsets } = layout
  const columns = sizes.length
  const random = counterRandom(seed, 11)
  const conditions = new Int32Array(count)
  const weights = new Float64Array(count)
  for (let j = 0; j < columns; j++) {
    const mine = Math.floor((count - 1 - j) / columns) + 1
    if (mine < 1) continue
    const own = shares.subarray(offsets[j]!, offsets[j + 1]!)
    const codes = systematic(own.map(Math.sqrt), mine, random.uniform(j, 0))
    const seen = new Float64Array(sizes[j]!)
    for (const code of codes) seen[code]! += 1
    const covered = own.reduce((sum, share, code) => sum + (seen[code]! > 0 ? share : 0), 0)
    codes.forEach((code, n) => {
      const k = j + n * columns
      conditions[k] = offsets[j]! + code
      weights[k] = (own[code]! * mine) / (covered * seen[code]! * count)
    })
  }
  const values = Float32Array.from({ length: count * latents }, (_, i) =>
    random.normal(Math.floor(i / latents), 1 + (i % latents)),
  )
  return { latents: values, conditions, weights }
}

/** `count` codes, each as often as its mass says, rounded up or down (systematic sampling). */
const systematic = (mass: Float64Array, count: number, shift: number): Int32Array => {
  const total = mass.reduce((sum, value) => sum + value, 0)
  const codes = new Int32Array(count)
  let code = 0
  let upTo = mass[0]! / total
  for (let n = 0; n < count; n++) {
    while (code + 1 < mass.length && upTo * count <= n + shift) upTo += mass[++code]! / total
    codes[n] = code
  }
  return codes
}
