/*
 * Federated equals central: the same training rows pooled at one site, at two random sites and at the five hospitals, by
 * the product's own contributions and training, with the same noise in the sum and so the same public epsilon. Encryption
 * is left out after the start, where one round of each query of the hospitals' variant is added both ways: in the clear and
 * sealed under SEAL, which must open to the same integers.
 *
 *   node --conditions=source test/quality/federated.ts [--study FILE] [--family autoregressive|mixture|gan] [--splits 1] [--runs 3]
 *     [--steps 300] [--engine tensorflow|wasm|cpu] [--json]
 *
 * --family: with that family's default settings in place of the study's own.
 *
 * Run r of every variant starts from the same weights and draws its cohort with the same seed; coins and noise are fresh.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { freezeStudy, manifestOf, parseStudy } from '@tributary/shared/study/manifest'
import { familySchema } from '@tributary/shared/study/study-schema'
import { layoutOfColumns } from '@tributary/shared/schema/column'
import { layoutOf } from '@tributary/shared/synthesizers/cells'
import { type EngineName, loadEngine } from '@tributary/shared/tensor/engine'
import { root } from '../harness/sources.ts'
import { cohortCells } from './cohort-cells.ts'
import { type CohortQuality, outcomeOf, qualityOf, referenceOf } from './cohort-quality.ts'
import { datasetOf, readHospitals } from './dataset.ts'
import type { PatientRows } from './hospital-table.ts'
import { machine, machineText } from './machine.ts'
import { meanRange, meanRangeText } from './mean-range.ts'
import { publicEpsilon, variantOf, withSteps } from './noise-variants.ts'
import { pooled, rowsWhere, splitOf, unitsOf, weighted } from './patient-splits.ts'
import { recordsOf, trainPooled } from './pooled-training.ts'
import { requireSealedEqualsPlain } from './sealed-equality.ts'

const { values: options } = parseArgs({
  options: {
    study: { type: 'string', default: join(root, 'deploy/samples/studies/diabetes5-row.yaml') },
    family: { type: 'string' },
    splits: { type: 'string', default: '1' },
    runs: { type: 'string', default: '3' },
    steps: { type: 'string' },
    engine: { type: 'string', default: 'tensorflow' },
    json: { type: 'boolean', default: false },
  },
})

const { draft } = parseStudy(readFileSync(options.study, 'utf8'), options.study)
const { family: name } = options
const replanned = name === undefined ? draft : { ...draft, plan: undefined, family: familySchema.parse({ name }) }
const planned = replanned.plan === undefined ? freezeStudy(replanned) : manifestOf(replanned)
const manifest = options.steps === undefined ? planned : withSteps(planned, Number(options.steps))
const { unit } = manifest.privacy
const where = machine()
const started = performance.now()
const secondsSince = (from: number) => Math.round((performance.now() - from) / 10) / 100
const engine = await loadEngine({ prefer: options.engine as EngineName })
const layout = layoutOf(layoutOfColumns(manifest.columns).sizes)
const dataset = datasetOf(manifest)
const hospitals = readHospitals(manifest, dataset)
const names = hospitals.map(({ name }) => name).join(', ')

const isFirstHalf = (run: number) => (patient: string) =>
  (createHash('sha256').update(`${run}|half|${patient}`).digest()[0] ?? 0) < 128

/** How the training rows lie: which tables become which sites. */
const variants: readonly {
  readonly name: string
  readonly sites: number
  readonly tables: (train: readonly PatientRows[], run: number) => readonly PatientRows[]
}[] = [
  { name: 'central', sites: 1, tables: (train) => [pooled(train)] },
  {
    name: 'two random sites',
    sites: 2,
    tables: (train, run) => {
      const all = pooled(train)
      const isFirst = isFirstHalf(run)
      return [rowsWhere(all, isFirst), rowsWhere(all, (patient) => !isFirst(patient))]
    },
  },
  { name: `hospitals (${names})`, sites: hospitals.length, tables: (train) => train },
]

interface Row extends CohortQuality {
  readonly variant: string
  readonly split: number
  readonly run: number
  readonly rows: number
  readonly seconds: number
}

const sealedTables = splitOf(hospitals, 0).train.map((table) => recordsOf(table, manifest))
const sealedEqual = await requireSealedEqualsPlain(variantOf(manifest, hospitals.length), sealedTables, engine)
console.error(
  `sealed sums of ${hospitals.length} sites: ${sealedEqual} of ${sealedEqual} integers equal the plain sums`,
)

const rows: Row[] = []
for (let split = 0; split < Number(options.splits); split++) {
  const { train, heldOut } = splitOf(hospitals, split)
  const all = pooled(train)
  const units = unitsOf(all, unit)
  const reference = referenceOf(
    layout,
    outcomeOf(manifest, dataset.outcome),
    weighted(all, unit),
    weighted(heldOut, unit),
  )
  for (let run = 1; run <= Number(options.runs); run++) {
    for (const { name, sites, tables } of variants) {
      const began = performance.now()
      const records = tables(train, run).map((table) => recordsOf(table, manifest))
      const model = await trainPooled(variantOf(manifest, sites), records, engine, run)
      const seconds = secondsSince(began)
      const cohort = await cohortCells(model, units, run)
      const row = { variant: name, split, run, rows: units, ...qualityOf(reference, cohort), seconds }
      rows.push(row)
      const { tvd2Excess, aucDifference } = row
      const said = `TVD2 excess ${tvd2Excess.toFixed(4)}, AUC difference ${aucDifference.toFixed(4)}, trained in ${seconds} s`
      console.error(`split ${split}, run ${run}, ${name}: ${said}`)
    }
  }
}

const summary = variants.map(({ name, sites }) => {
  const own = rows.filter(({ variant }) => variant === name)
  return {
    variant: name,
    sites,
    epsilon: publicEpsilon(variantOf(manifest, sites)),
    tvd2Excess: meanRange(own.map((row) => row.tvd2Excess)),
    aucDifference: meanRange(own.map((row) => row.aucDifference)),
  }
})
const seconds = secondsSince(started)
if (options.json) {
  const steps = manifest.plan.queries.map((query) => query.steps)
  const described = { ...where, engine: engine.description }
  console.log(
    JSON.stringify({
      machine: described,
      study: manifest.name,
      family: manifest.family.name,
      unit,
      steps,
      sealedEqual,
      rows,
      variants: summary,
      seconds,
    }),
  )
} else {
  console.log(`${machineText(where)}; ${engine.description}; ${seconds} s in all`)
  for (const { variant, epsilon, tvd2Excess, aucDifference } of summary) {
    console.log(`${variant}: public epsilon ${epsilon.toFixed(4)}`)
    console.log(`  TVD2 excess ${meanRangeText(tvd2Excess)}, AUC difference ${meanRangeText(aucDifference)}`)
  }
}
