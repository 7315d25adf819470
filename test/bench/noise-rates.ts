import { drawNoise, noiseTable, shareStepsFor } from '@tributary/shared/dp/noise-table'
import { osRandomStreams } from '@tributary/shared/dp/os-random'
import { exactDiscreteGaussian } from '../harness/exact-discrete-gaussian.ts'

/** Draws of the table sampler, beside the exact rational one at 64 grid steps in the same run. */
export interface NoiseRate {
  readonly least: number
  readonly valuesPerSecond: number
  readonly timesExact: number
}

const repeats = 11

export const noiseRates = (): NoiseRate[] => {
  const source = osRandomStreams()('noise')
  const exact = exactDiscreteGaussian(source, 64n ** 2n)
  const draws = 2_000
  const exactPerSecond =
    draws /
    median(() => {
      for (let i = 0; i < draws; i++) exact.draw()
    })
  const values = new Float64Array(200_000)
  return [64, 4096].map((least) => {
    const table = noiseTable(shareStepsFor(least))
    const valuesPerSecond = values.length / median(() => drawNoise(table, source, values))
    return { least, valuesPerSecond, timesExact: valuesPerSecond / exactPerSecond }
  })
}

/** Seconds of a task, the first time left out. */
const median = (task: () => void): number => {
  const seconds: number[] = []
  for (let i = 0; i <= repeats; i++) {
    const { user, system } = process.cpuUsage()
    task()
    const spent = process.cpuUsage()
    if (i > 0) seconds.push((spent.user + spent.system - user - system) / 1e6)
  }
  return seconds.toSorted((a, b) => a - b)[Math.floor(seconds.length / 2)]!
}
