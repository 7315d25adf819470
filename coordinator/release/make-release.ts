import { CodedError } from '@tributary/shared/errors'
import { ruledModel } from '@tributary/shared/constraint/ruled-model'
import { columnsOf } from '@tributary/shared/schema/column'
import { sampleCells } from '@tributary/shared/generator/sample'
import { type Cohort, openCohort } from '../cohort/cohort.ts'
import { additionsOf, orderSha256 } from '../cohort/order.ts'
import { planCohort } from '../cohort/plan.ts'
import { CohortTally } from '../report/cohort-tally.ts'
import { renderReport } from '../report/render-report.ts'
import { buildReport } from '../report/report.ts'
import { attest } from './attestation.ts'
import { checksumsText } from './checksums.ts'
import { CsvRows } from './csv-rows.ts'
import { CsvWriter } from './csv-writer.ts'
import { csvwMetadata } from './csvw-metadata.ts'
import { fileNames } from './file-names.ts'
import { ParquetCohort } from './parquet-cohort.ts'
import { privacyStatement, privacyStatementSchema } from './privacy-statement.ts'
import { readme } from './readme.ts'
import { ReleaseFolder } from './release-folder.ts'
import { releaseManifest } from './release-manifest.ts'
import type { ReleaseParts } from './release-parts.ts'
import { type ReleaseManifest, releaseIdSchema, releaseSchema } from './release-schema.ts'

export type { ReleaseParts, RunReport } from './release-parts.ts'
export type { ReleaseManifest } from './release-schema.ts'

/** The unconditional rows that every report compares with the released marginals: the same for every release of a model. */
const sampleOrder = { rows: 32_768, seed: 0 }

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

/**
 * Writes a release folder, complete or not at all: whatever stops it leaves no `folder`, and the next try removes what a crash
 * left in `<folder>.part`. One pass over the cohort; memory is a batch, a Parquet row group and the report's tables, whatever
 * the rows. Equal parts give equal bytes. Throws `ARGUMENT_INVALID`, `CONDITION_INVALID`, `SUPPORT_TOO_SMALL`,
 * `ALREADY_EXISTS`, `DISK_FULL`.
 */
export const makeRelease = async (folder: string, parts: ReleaseParts): Promise<ReleaseManifest> => {
  checkParts(parts)
  const { model, order, signer, formats } = parts
  const { manifest } = parts.published
  const cohort = openCohort(manifest, model, order)
  const plan = await planCohort(manifest, model, order)
  // In normal form, however it was written.
  const orderDigest = orderSha256({
    rows: plan.rows,
    seed: plan.seed,
    ...(plan.where !== null && { where: plan.where }),
    ...additionsOf(plan),
  })
  const target = await ReleaseFolder.create(folder, ['data'])
  try {
    const tally = new CohortTally(cohort.columns)
    const written = await writeData(target, cohort, tally, parts, orderDigest)
    const sample = await unconditionalSample(parts, { rake: true })
    const network = await unconditionalSample(parts, { rake: false })
    const { effective_sample_size: sampleEffectiveRows } = await planCohort(manifest, model, sampleOrder)
    const report = buildReport({ ...parts, plan, cohort: tally, sample, sampleEffectiveRows, network })
    const files = formats.map((format) => fileNames[format]).toSorted()
    const release = releaseSchema.parse(
      releaseManifest(parts, { ...written, plan, orderSha256: orderDigest, report, files }),
    )
    if (written.csvSha256 !== null) {
      const metadata = csvwMetadata('cohort.csv', written.csvSha256, cohort.columns, release)
      await target.write(fileNames.csvMetadata, json(metadata))
    }
    await target.write(fileNames.release, json(release))
    await target.write(fileNames.privacy, json(privacyStatementSchema.parse(privacyStatement({ ...parts, manifest }))))
    await target.write(fileNames.report, json(report))
    await target.write(fileNames.reportPage, renderReport(report))
    await target.write(fileNames.readme, readme(release, signer.publicKey))
    const sums = checksumsText(target.checksums)
    await target.write(fileNames.checksums, sums)
    await target.write(fileNames.attestation, attest(Buffer.from(sums), signer))
    await target.publish()
    return release
  } catch (thrown) {
    await target.discard().catch(() => {}) // what went wrong first is what is told
    throw thrown
  }
}

const checkParts = ({ releaseId, formats }: ReleaseParts): void => {
  if (!releaseIdSchema.safeParse(releaseId).success)
    throw new CodedError('ARGUMENT_INVALID', 'not a release id', { place: { field: 'releaseId' } })
  if (formats.length === 0 || new Set(formats).size !== formats.length)
    throw new CodedError('ARGUMENT_INVALID', 'name each format once, and at least one', { place: { field: 'formats' } })
}

interface WrittenData {
  readonly csvSha256: string | null
  readonly rowsSha256: string
}

/** The one pass: each batch goes to the tally, to the checksum of the rows and to every file. */
const writeData = async (
  target: ReleaseFolder,
  cohort: Cohort,
  tally: CohortTally,
  { formats, releaseId, published, onProgress }: ReleaseParts,
  order: string,
): Promise<WrittenData> => {
  const csvFile = formats.includes('csv') ? await target.file(fileNames.csv) : null
  const rows = new CsvRows(cohort.columns)
  const csv = csvFile && (await CsvWriter.start(csvFile, rows.header, releaseId))
  const parquetFile = formats.includes('parquet') ? await target.file(fileNames.parquet) : null
  const generator = published.manifest.name
  const parquet = parquetFile && new ParquetCohort(parquetFile, cohort.columns, { releaseId, generator, order })
  for await (const batch of cohort.batches()) {
    tally.add(batch)
    const lines = rows.take(batch)
    await csv?.add(lines)
    await parquet?.add(batch)
    onProgress?.(tally.rows)
  }
  await parquet?.finish()
  if (parquetFile) await target.finish(fileNames.parquet, parquetFile)
  return {
    csvSha256: csvFile && (await target.finish(fileNames.csv, csvFile)),
    rowsSha256: rows.sha256(),
  }
}

/** Not raked: the network's own rows, before they are weighted to the released marginals. */
const unconditionalSample = async (
  { published, model }: ReleaseParts,
  raking: { readonly rake: boolean },
): Promise<CohortTally> => {
  const columns = columnsOf(published.manifest)
  const tally = new CohortTally(columns)
  // Cohorts keep the study's constraints; what the network says by itself is told without them.
  const { model: ruled, printed } = ruledModel(published.manifest, model)
  const { rows, seed } = sampleOrder
  for await (const cells of sampleCells(raking.rake ? ruled : model, rows, seed, raking)) {
    const codes = raking.rake ? cells.map((cell, i) => printed[i % columns.length]!.parent[cell]!) : cells
    tally.add({ rows: codes.length / columns.length, codes })
  }
  return tally
}
