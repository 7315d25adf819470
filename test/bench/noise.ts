/*
 * Draws a second of the table sampler with the operating system's stream, against the exact rational sampler in the same run.
 *
 *   npm run bench:noise -- [--json]
 */
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { drawNoise, noiseTable } from '@tributary/shared/dp/noise-table'
import { osRandomStreams } from '@tributary/shared/dp/os-random'
import { exactDiscreteGaussian } from '../harness/exact-discrete-gaussian.ts'

const { values: options } = parseArgs({ options: { json: { type: 'boolean', default: false } } })
const machine = `${cpus()[0]?.model.trim() ?? 'unknown'}, ${cpus().length} logical cores, Node ${process.versions.node}`
const random = osRandomStreams()('noise')

/** Work per second: the best of `rounds` runs of `work`, which does `n` things. */
const rateOf = (n: number, rounds: number, work: () => void): number => {
  let best = Infinity
  for (let i = 0; i < rounds; i++) {
    const started = performance.now()
    work()
    best = Math.min(best, performance.now() - started)
  }
  return (1000 * n) / best
}

const exactDraws = 2000
const oracle = exactDiscreteGaussian(random, 64n ** 2n)
const baseline = rateOf(exactDraws, 3, () => {
  for (let i = 0; i < exactDraws; i++) oracle.draw()
})

const out = new Float64Array(1 << 19)
const rows = [64, 8192, 2 ** 14, 2 ** 17, 2 ** 18, 2 ** 19, 2 ** 20, 2 ** 24, 2 ** 32, 2 ** 40].map((shareSteps) => {
  const started = performance.now()
  const table = noiseTable(shareSteps)
  const buildMs = performance.now() - started
  const drawsPerSecond = rateOf(out.length, 5, () => drawNoise(table, random, out))
  const entries = [...new Set(table.levels.map((level) => level.table))].reduce((sum, { own }) => sum + own.length, 0)
  return {
    shareSteps,
    levels: table.levels.length,
    entries,
    buildMs,
    log2Distance: table.log2Distance,
    drawsPerSecond,
    baseline,
    ratio: drawsPerSecond / baseline,
  }
})

if (options.json) console.log(JSON.stringify({ machine, rows }))
else {
  console.log(machine)
  console.log(`exact rational sampler (baseline): ${Math.round(baseline).toLocaleString('en')} draws/s`)
  for (const row of rows)
    console.log(
      [
        `width 2^${Math.log2(row.shareSteps)}`.padEnd(12),
        `${row.levels} levels`,
        `${row.entries} entries`.padStart(14),
        `built in ${row.buildMs.toFixed(1)} ms`.padStart(18),
        `distance 2^${row.log2Distance.toFixed(1)}`.padStart(17),
        `${(row.drawsPerSecond / 1e6).toFixed(1)} M draws/s`.padStart(16),
        `${Math.round(row.ratio)} x baseline`.padStart(16),
      ].join(' '),
    )
}
