import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { makeRelease } from '../../../coordinator/release/make-release.ts'
import { checkSource } from '../../../site-agent/records/check-source.ts'
import { loadRecords } from '../../../site-agent/records/load-records.ts'
import { refuseMarked } from '../../../site-agent/table/synthetic-mark.ts'
import { tinyParts } from '../../harness/tiny-release.ts'

const scratch = mkdtempSync(join(tmpdir(), 'refused-'))
const release = join(scratch, 'release')
/** As the service names a release. */
const releaseId = 'rel-8kq2aaaaaaaaaaa0'
const parts = tinyParts({ releaseId, order: { rows: 50, seed: 3 } })
beforeAll(async () => {
  await makeRelease(release, parts)
  return () => rmSync(scratch, { recursive: true })
})

const csv = () => readFileSync(join(release, 'data/cohort.csv'), 'utf8')
/** The rows as a person would have them who took every mark out by hand. */
const stripped = () =>
  csv().replaceAll(/,[^,\n]*\n/g, (end) => ([`,_synthetic_release\n`, `,${releaseId}\n`].includes(end) ? '\n' : end))
let places = 0
const alone = (name: string, content: string | Uint8Array, sidecar?: string): string => {
  const folder = join(scratch, `place-${places++}`)
  mkdirSync(folder)
  writeFileSync(join(folder, name), content)
  if (sidecar !== undefined) cpSync(join(release, 'data/cohort.csv-metadata.json'), join(folder, sidecar))
  return join(folder, name)
}

const below = (name: string, content: string): string => {
  const path = join(release, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
  return path
}

describe('rows of a real release, brought to a hospital as its own', () => {
  const { manifest } = parts.published
  const everyGate = async (path: string): Promise<string[]> => {
    const source = { ...manifest.source, path }
    const gates = [() => refuseMarked(path), () => checkSource(manifest, source), () => loadRecords(manifest, source)]
    const verdicts: string[] = []
    for (const gate of gates)
      verdicts.push(
        await gate().then(
          () => 'passes',
          (error: { code: string }) => error.code,
        ),
      )
    return verdicts
  }
  const refused = ['SYNTHETIC_SOURCE_REFUSED', 'SYNTHETIC_SOURCE_REFUSED', 'SYNTHETIC_SOURCE_REFUSED']

  it.each<[string, () => string]>([
    ['where it lies', () => join(release, 'data/cohort.csv')],
    ['renamed, without anything beside it', () => alone('patients.txt', csv())],
    ['without its header, as `tail -n +2` leaves it', () => alone('nohead.csv', csv().slice(csv().indexOf('\n') + 1))],
    ['under a header of one own', () => alone('a.csv', csv().replace('_synthetic_release', 'ward'))],
    ['zipped', () => alone('patients.csv.gz', gzipSync(csv()))],
    ['without the column, its sidecar beside it', () => alone('a.csv', stripped(), 'a.csv-metadata.json')],
    ['without the column, in the release', () => alone('../release/data/own.csv', stripped())],
    ['without the column, in a folder of the release', () => below('mine/2026/november/own.csv', stripped())],
    ['as Parquet', () => alone('patients.csv', readFileSync(join(release, 'data/cohort.parquet')))],
  ])('%s: refused when added, when approved and when training starts', async (_what, place) => {
    expect(await everyGate(place())).toEqual(refused)
  })

  it('without its header, described as such: refused when approved and when training starts', async () => {
    const path = alone('nohead.csv', csv().slice(csv().indexOf('\n') + 1))
    const columns = [...manifest.columns.map(({ name }) => name), 'ward']
    const source = { ...manifest.source, path, header: false, columns }
    const error = { code: 'SYNTHETIC_SOURCE_REFUSED', place: { file: 'nohead.csv' } }
    await expect(checkSource(manifest, source)).rejects.toMatchObject(error)
    await expect(loadRecords(manifest, source)).rejects.toMatchObject(error)
  })

  it('the same table with every mark taken out by hand is a table like any other: marks stop mistakes, not fraud', async () => {
    const path = alone('patients.csv', stripped())
    expect(readFileSync(path, 'utf8')).not.toContain(releaseId)
    expect(await everyGate(path)).toEqual(['passes', 'passes', 'passes'])
  })
})
