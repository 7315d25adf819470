/*
 * The real thing, measured: `npm run federate` with its own processes, encryption, noise and ledgers on each split's
 * training files, and the cohort it wrote against patients that it never saw. With the patient as the study's unit, held-out
 * rows, training rows and the classifier on either count 1 / rows of their patient.
 *
 *   node --conditions=source test/quality/real-run.ts [--study FILE] [--splits 1] [--from 0] [--seed 1] [--rows N]
 *     [--out DIR] [--json]
 *   node --conditions=source test/quality/real-run.ts --all-rows [--study FILE] [--seed 1] [--rows N] [--out DIR] [--json]
 *   ... --shares 4          the study drafted anew with that many noise shares counted, and frozen
 *   ... --lose valley       that hospital's agent gets kill -9 after step 10 and never comes back
 *
 * The cohort has as many rows as there were units (rows or patients) to train on unless --rows says otherwise. --all-rows
 * trains on all files whole and measures against the same rows, beside as many real rows drawn anew. --out keeps what the
 * runs wrote, in DIR/split-N or DIR/all; training files are always removed. Exits 1 when the mean over the splits breaks a
 * bound of the study as shipped.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { layoutOfColumns } from '@tributary/shared/schema/column'
import { freezeStudy, parseManifest, parseStudy } from '@tributary/shared/study/manifest'
import { layoutOf } from '@tributary/shared/synthesizers/cells'
import { root } from '../harness/sources.ts'
import { boundsOf, boundText, broken } from './bounds.ts'
import { readCohort } from './cohort-file.ts'
import { type CohortQuality, outcomeOf, qualityOf, referenceOf } from './cohort-quality.ts'
import { datasetOf, readHospitals } from './dataset.ts'
import { drawnAnew } from './drawn-anew.ts'
import { factsOf, factsText, federateRun } from './federate-run.ts'
import { machine, machineText } from './machine.ts'
import { meanRange, meanRangeText } from './mean-range.ts'
import { pooled, splitOf, unitsOf, weighted, writeTraining } from './patient-splits.ts'

const { values: options } = parseArgs({
  options: {
    study: { type: 'string', default: join(root, 'deploy/samples/studies/diabetes5-row.yaml') },
    splits: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    rows: { type: 'string' },
    out: { type: 'string' },
    'all-rows': { type: 'boolean', default: false },
    shares: { type: 'string' },
    lose: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})
const givenFile = resolve(options.study)
const study = parseStudy(readFileSync(givenFile, 'utf8'), givenFile, 'drop').draft
const { unit } = study.privacy
const layout = layoutOf(layoutOfColumns(study.columns).sizes)
const where = machine()
const scratch = mkdtempSync(join(tmpdir(), 'tributary-real-run-'))
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))

/** The study file as given, or drafted anew with `--shares`. */
const drafted = (shares: number): string => {
  const federation = { ...study.federation, noise_shares: shares }
  const file = join(scratch, 'study.json')
  writeFileSync(file, JSON.stringify(freezeStudy({ ...study, name: `${study.name}-${shares}-shares`, federation })))
  return file
}
const studyFile = options.shares === undefined ? givenFile : drafted(Number(options.shares))
const studyText = readFileSync(studyFile, 'utf8')
const hasPlan = parseStudy(studyText, studyFile).draft.plan !== undefined
const manifest = hasPlan ? parseManifest(studyText, studyFile) : freezeStudy(study)

const dataset = datasetOf(study)
const outcome = outcomeOf(study, dataset.outcome)
const hospitals = readHospitals(study, dataset)
const say = (text: string) => {
  if (!options.json) console.log(text)
}

/** Trains on files `NAME=PATH` of `units` units; the written cohort's codes, and the run's facts. */
const cohortOf = async (sites: readonly string[], units: number, name: string) => {
  const rows = options.rows === undefined ? units : Number(options.rows)
  const out = join(options.out === undefined ? scratch : resolve(options.out), name)
  const { seed, lose } = options
  const ran = await federateRun({ manifest, studyFile, sites, rows, seed, out, lose })
  const cells = await readCohort(join(out, 'cohort.csv'), study)
  if (cells.length !== rows * layout.sizes.length) throw new Error(`the cohort does not have ${rows} rows`)
  return { cells, rows, facts: factsOf(ran, hospitals.length) }
}

const distanceText = (quality: CohortQuality): string => {
  const { tvd1, tvd1Real, tvd1Independent, tvd2, tvd2Real, tvd2Independent, tvd2Excess, auc, aucReal } = quality
  return [
    `  TVD1 ${tvd1.toFixed(4)}, real ${tvd1Real.toFixed(4)}, independent columns ${tvd1Independent.toFixed(4)}`,
    `  TVD2 ${tvd2.toFixed(4)}, real ${tvd2Real.toFixed(4)}, independent columns ${tvd2Independent.toFixed(4)}; excess ${tvd2Excess.toFixed(4)}`,
    `  AUC ${auc.toFixed(4)}, real ${aucReal.toFixed(4)}`,
  ].join('\n')
}

say(machineText(where))
if (options['all-rows']) {
  const all = pooled(hospitals)
  const units = unitsOf(all, unit)
  const { cells, rows, facts } = await cohortOf(
    hospitals.map(({ name }) => `${name}=${dataset.file(name)}`),
    units,
    'all',
  )
  const whole = weighted(all, unit)
  // Held to the table that it was trained on, real rows are drawn anew from it: no table is at distance 0 by being itself.
  const anew = { cells: drawnAnew(layout.sizes.length, whole, rows, Number(options.seed)) }
  const quality = qualityOf(referenceOf(layout, outcome, anew, whole), cells)
  say(
    `all ${all.patients.length} rows, ${units} units; "real" is ${rows} of them drawn anew, classifiers see what they train on`,
  )
  say(`${distanceText(quality)}\n${factsText(facts)}`)
  const trained = all.patients.length
  if (options.json)
    console.log(
      JSON.stringify({ machine: where, study: manifest.name, unit, trained, units, rows, ...quality, ...facts }),
    )
} else {
  const results: (CohortQuality &
    ReturnType<typeof factsOf> & { split: number; trained: number; units: number; cohort: number })[] = []
  const first = Number(options.from)
  for (let split = first; split < first + Number(options.splits); split++) {
    const { train, heldOut } = splitOf(hospitals, split)
    const all = pooled(train)
    const units = unitsOf(all, unit)
    const folder = join(scratch, `training-${split}`)
    mkdirSync(folder)
    const { cells, rows, facts } = await cohortOf(writeTraining(hospitals, split, folder), units, `split-${split}`)
    rmSync(folder, { recursive: true })
    const quality = qualityOf(referenceOf(layout, outcome, weighted(all, unit), weighted(heldOut, unit)), cells)
    results.push({ split, trained: all.patients.length, units, cohort: rows, ...quality, ...facts })
    say(`split ${split}: ${all.patients.length} rows of ${units} units trained on, cohort of ${rows} rows`)
    say(`${distanceText(quality)}\n${factsText(facts)}`)
  }
  const over = (measure: keyof CohortQuality) => meanRange(results.map((result) => result[measure]))
  const [tvd2Excess, aucDifference, tvd2, auc] = [over('tvd2Excess'), over('aucDifference'), over('tvd2'), over('auc')]
  say(`TVD2 excess ${meanRangeText(tvd2Excess)}, AUC difference ${meanRangeText(aucDifference)}`)
  say(`TVD2 ${meanRangeText(tvd2)}, AUC ${meanRangeText(auc)}, on patients held out`)
  const bounds = boundsOf(manifest.name)
  const breaks = broken(bounds, results)
  if (bounds.length > 0) say(`wanted: ${bounds.map(boundText).join(', ')}`)
  const means = { tvd2Excess, aucDifference, tvd2, auc }
  const summary = { machine: where, study: manifest.name, unit, results, ...means, bounds, broken: breaks }
  if (options.json) console.log(JSON.stringify(summary))
  if (breaks.length > 0) {
    console.error(`BROKEN, mean of ${results.length} splits: ${breaks.join('; ')}`)
    process.exitCode = 1
  }
}
