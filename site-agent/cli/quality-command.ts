import { existsSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { HintedError } from '@tributary/shared/cli/hinted-error'
import { printData } from '@tributary/shared/cli/output'
import { plainText } from '@tributary/shared/cli/plain-text'
import { CodedError } from '@tributary/shared/errors'
import type { Clock } from '@tributary/shared/ports'
import type { Command } from 'commander'
import type { BookedStudy, SiteBook } from '../policy/site-book.ts'
import { askedCohort } from '../quality/asked-cohort.ts'
import { cohortRows } from '../quality/cohort-rows.ts'
import { comparedTables } from '../quality/compared-tables.ts'
import { hospitalRows } from '../quality/hospital-rows.ts'
import { levelGaps } from '../quality/level-gaps.ts'
import { type ComparedRows, type QualityReport, qualityReport, qualityText } from '../quality/quality-report.ts'
import { siteQuality } from '../quality/site-quality.ts'
import type { EncodedRecords } from '../records/encoded-records.ts'
import { openHoldout } from '../records/holdout.ts'
import { loadParted, loadRecords } from '../records/load-records.ts'
import type { Site } from '../site.ts'
import { sourceDescription } from '../source-description.ts'
import { openSite, siteCommand, type SiteOptions } from './common-options.ts'
import { bookedStudies } from './offered-study.ts'

interface QualityOptions extends SiteOptions {
  readonly cohort: string
}

/** Where a release, or a folder of `tributary download`, has its rows. */
const cohortNames = ['data/cohort.csv', 'cohort.csv', 'data/cohort.csv.gz', 'cohort.csv.gz'] as const

const cohortFile = (given: string): string => {
  const path = resolve(process.env.INIT_CWD ?? process.cwd(), given)
  const missing = (why: string) =>
    new HintedError('SOURCE_MISSING', why, 'Give a CSV of the study, or the folder that `tributary download` wrote.', {
      place: { file: path },
    })
  if (!existsSync(path)) throw missing('there is no such cohort')
  if (!statSync(path).isDirectory()) return path
  const found = cohortNames.map((name) => join(path, name)).find((file) => existsSync(file))
  if (found === undefined) throw missing(`this folder has none of ${cohortNames.join(', ')}`)
  return found
}

const booked = (book: SiteBook, prefix: string): BookedStudy => {
  const found = bookedStudies(book, prefix)
  const [first] = found
  if (first !== undefined && found.length === 1) return first
  throw new HintedError(
    'NOT_FOUND',
    `${found.length} studies that were approved here match ${prefix}`,
    'Give the start of the id of one; `site-agent study ls` lists them.',
  )
}

/** This hospital's rows that a cohort is held against: never trained on where the study keeps some apart (R22), else all. */
const ownRecords = async (
  site: Site,
  { manifest, source }: Pick<BookedStudy, 'manifest'> & { readonly source: ReturnType<typeof sourceDescription> },
): Promise<{ readonly records: EncodedRecords; readonly compared: ComparedRows }> => {
  const spec = { ...manifest, site: site.name }
  if (manifest.evaluation !== undefined) {
    const { heldOut } = await loadParted(spec, source, openHoldout(site.holdoutFolder, false))
    return { records: heldOut, compared: 'held-out patients' }
  }
  const { records } = await loadRecords(spec, source)
  return { records, compared: manifest.privacy.unit === 'patient' ? 'all patients' : 'all rows' }
}

/** What is printed; nothing of it is stored or sent (R10). */
const qualityOf = async (site: Site, prefix: string, cohort: string): Promise<QualityReport> => {
  const book = site.openBook()
  try {
    const { manifest, source: name } = booked(book, prefix)
    const path = cohortFile(cohort)
    const source = sourceDescription(manifest.source, book.source(name))
    const { records, compared } = await ownRecords(site, { manifest, source })
    if (records.units === 0)
      throw new CodedError('TABLE_INVALID', `there are no ${compared} to compare with`, { place: { file: name } })
    const pooled = await cohortRows(manifest, path)
    const { columns, layout, here, pool, ownPart } = comparedTables(manifest, site.name, hospitalRows(records), pooled)
    const { units } = records
    const own = ownPart === null ? null : siteQuality(layout, here, units, ownPart)
    const study = { name: manifest.name, columns }
    const gaps = levelGaps(layout, here, units, pool)
    return qualityReport(study, askedCohort(path), compared, units, siteQuality(layout, here, units, pool), gaps, own)
  } finally {
    book.close()
  }
}

const examples = `
Or:      site-agent quality first-steps --cohort FOLDER-OF-DOWNLOAD --data-dir arbor --json

The figures are those of real patients, without noise: they are for this hospital and leave it on no path of this program.
What each means: docs/quality.md.`

/** `site-agent quality`: needs no coordinator, asks none. */
export const addQualityCommand = (program: Command, ports: { readonly clock: Clock }): void => {
  siteCommand(
    program,
    'quality <study>',
    'how well a pooled cohort fits the patients of this hospital; printed here, stored and sent nowhere',
    'quality ckd-2027 --cohort cohort.csv --data-dir /srv/site-agent',
  )
    .requiredOption('--cohort <path>', 'a CSV of the study, or the folder of a release or download')
    .addHelpText('after', examples)
    .action(async (prefix: string, options: QualityOptions) => {
      const report = await qualityOf(openSite(options, ports.clock), prefix, options.cohort)
      printData(report, { json: options.json === true, text: qualityText(report, plainText) })
    })
}
