import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseManifest } from '@tributary/shared/study/manifest'
import { makeRelease } from '../../coordinator/release/make-release.ts'
import { verifyRelease } from '../../coordinator/release/verify-release.ts'
import { tinyParts } from '../harness/tiny-release.ts'

/**
 * A release of a study's columns with untrained weights: seconds, sizes, resident memory.
 * node --conditions=source test/bench/release.ts [rows] [study.yaml] [where]
 */
const [rows = '1000000', study = 'deploy/samples/studies/diabetes5-row.yaml', where] = process.argv.slice(2)
const scratch = mkdtempSync(join(tmpdir(), 'bench-release-'))
const seconds = (since: number) => `${((performance.now() - since) / 1000).toFixed(1)} s`
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`

let peak = 0
const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 50)
try {
  const folder = join(scratch, 'release')
  const manifest = parseManifest(readFileSync(study, 'utf8'), study)
  const order = { rows: Number(rows), seed: 7, ...(where !== undefined && { where }) }
  let seen = 0
  const started = performance.now()
  await makeRelease(folder, {
    ...tinyParts({ manifest, order }),
    onProgress: (done) => {
      peak = Math.max(peak, process.memoryUsage().rss)
      if (done * 10 < order.rows * (seen + 1)) return
      seen++
      process.stderr.write(`${done} rows, ${seconds(started)}, rss ${megabytes(process.memoryUsage().rss)}\n`)
    },
  })
  process.stdout.write(
    `${manifest.columns.length} columns, ${rows} rows: made in ${seconds(started)}, peak rss ${megabytes(peak)}\n`,
  )
  for (const name of ['data/cohort.csv', 'data/cohort.parquet', 'report.html', 'report.json'])
    process.stdout.write(`  ${name}  ${megabytes(statSync(join(folder, name)).size)}\n`)
  peak = 0
  const verifying = performance.now()
  const { ok } = await verifyRelease(folder, {})
  process.stdout.write(`verified (${ok}) in ${seconds(verifying)}, peak rss ${megabytes(peak)}\n`)
} finally {
  clearInterval(watch)
  rmSync(scratch, { recursive: true })
}
