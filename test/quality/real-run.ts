/*
 * The real thing, measured: `npm run federate` with its own processes, encryption, noise and ledgers on each split's
 * training files, and the cohort it wrote against patients that it never saw.
 *
 *   node --conditions=source test/quality/real-run.ts [--study FILE] [--splits 1] [--seed 1] [--rows N] [--out DIR] [--json]
 *   node --conditions=source test/quality/real-run.ts --all-rows [--study FILE] [--seed 1] [--rows N] [--out DIR] [--json]
 *   ... --shares 4          the study drafted anew with that many noise shares counted, and frozen
 *   ... --lose valley       that hospital's agent gets kill -9 after step 10 and never comes back
 *
 * The cohort has as many rows as were trained on unless --rows says otherwise. --all-rows trains on all five files whole and
 * reports seconds. --out keeps what the runs wrote, in DIR/split-N or DIR/all; training files are always removed. Exits 1 when
 * the study is the row study as shipped and the mean over the splits breaks a bound.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { layoutOfColumns } from '@tributary/shared/schema/column'
import { freezeStudy, parseManifest, parseStudy } from '@tributary/shared/study/manifest'
import { layoutOf } from '@tributary/shared/synthesizers/cells'
import type { RunReport } from '../../deploy/local/run-report.ts'
import { root } from '../harness/sources.ts'
import { readCohort } from './cohort-file.ts'
import { type CohortQuality, qualityOf, readmission, referenceOf } from './cohort-quality.ts'
import { hospitalFile, pooled, readHospitals, splitOf, weighted, writeTraining } from './diabetes5-splits.ts'
import { type LostSiteReport, runLosing } from './lost-site-run.ts'
import { machine, machineText } from './machine.ts'
import { meanRange, meanRangeText } from './mean-range.ts'

const { values: options } = parseArgs({
  options: {
    study: { type: 'string', default: join(root, 'deploy/samples/studies/diabetes5-row.yaml') },
    splits: { type: 'string', default: '1' },
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
const isRowStudy = manifest.name === 'diabetes5-row'

/** Wall clock of the whole command, the build check of `npm run` included, and the run's own parts. */
interface Ran {
  readonly out: string
  readonly seconds: RunReport['seconds'] & { readonly command: number }
  readonly report: LostSiteReport
}

const losing = async (lose: string, given: readonly string[], rows: number, out: string): Promise<Ran> => {
  const sites = given.map((text) => ({ name: text.split('=')[0] ?? '', path: text.slice(text.indexOf('=') + 1) }))
  const began = performance.now()
  const run = { manifest, sites, out, rows, seed: Number(options.seed), lose, afterStep: 10 }
  const report = await runLosing(run)
  const command = Math.round((performance.now() - began) / 10) / 100
  return { out, seconds: { command, ...report.seconds }, report }
}

const federate = async (sites: readonly string[], rows: number, name: string): Promise<Ran> => {
  const out = join(options.out === undefined ? scratch : resolve(options.out), name)
  if (options.lose !== undefined) return losing(options.lose, sites, rows, out)
  mkdirSync(out, { recursive: true })
  const given = sites.flatMap((site) => ['--site', site])
  const args = ['--study', studyFile, ...given, '--out', out, '--rows', String(rows), '--seed', options.seed]
  const began = performance.now()
  const stdout = await new Promise<string>((done, failed) => {
    const child = spawn('npm', ['run', '-s', 'federate', '--', ...args, '--json', '--force'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    process.once('exit', () => child.kill())
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    child.on('error', failed)
    child.on('close', (code) => (code === 0 ? done(said) : failed(new Error(`federate ended with ${code}: ${said}`))))
  })
  if (!stdout.includes('"ok"')) throw new Error(`federate did not say ok: ${stdout}`)
  const command = Math.round((performance.now() - began) / 10) / 100
  const report = JSON.parse(readFileSync(join(out, 'run.json'), 'utf8')) as RunReport
  return { out, seconds: { command, ...report.seconds }, report }
}

const hospitals = readHospitals(study)
const factsOf = ({ report, seconds }: Ran) => ({
  epsilon: report.epsilon,
  delta: report.delta,
  engine: report.engine,
  sites: report.sites,
  coordinator: report.coordinator,
  rounds: report.rounds.length,
  contributorsMissed: report.rounds.filter(({ contributors }) => contributors.length < hospitals.length).length,
  seconds,
})
const factsText = ({ epsilon, engine, seconds, sites }: ReturnType<typeof factsOf>): string => {
  const parts = Object.entries(seconds).map(([part, value]) => `${part} ${value.toFixed(1)}`)
  const sent = Math.max(...Object.values(sites).map(({ bytesPerParameter }) => bytesPerParameter))
  const memory = Math.max(...Object.values(sites).map(({ peakMemoryBytes }) => peakMemoryBytes))
  return [
    `  epsilon ${epsilon.public.toFixed(3)} to the public, ${epsilon.peer.toFixed(3)} to another hospital; engine ${engine}`,
    `  seconds: ${parts.join(', ')}`,
    `  at most ${sent.toFixed(2)} bytes a parameter, ${(memory / 2 ** 20).toFixed(0)} MiB an agent`,
  ].join('\n')
}
const say = (text: string) => {
  if (!options.json) console.log(text)
}
const rowsOf = (trained: number) => (options.rows === undefined ? trained : Number(options.rows))

say(machineText(where))
if (options['all-rows']) {
  const trained = hospitals.reduce((sum, { lines }) => sum + lines.length, 0)
  const sites = hospitals.map(({ name }) => `${name}=${hospitalFile(name)}`)
  const facts = factsOf(await federate(sites, rowsOf(trained), 'all'))
  say(`all ${trained} rows\n${factsText(facts)}`)
  if (options.json) console.log(JSON.stringify({ machine: where, study: manifest.name, unit, trained, ...facts }))
} else {
  const bounds = unit === 'row' ? { excess: 0.0035, loss: 0.012 } : { excess: 0.005, loss: 0.02 }
  const results: (CohortQuality & ReturnType<typeof factsOf> & { split: number; trained: number; cohort: number })[] =
    []
  for (let split = 0; split < Number(options.splits); split++) {
    const { train, heldOut } = splitOf(hospitals, split)
    const all = pooled(train)
    const folder = join(scratch, `training-${split}`)
    mkdirSync(folder)
    const rows = rowsOf(all.patients.length)
    const ran = await federate(writeTraining(hospitals, split, folder), rows, `split-${split}`)
    rmSync(folder, { recursive: true })
    const cohort = await readCohort(join(ran.out, 'cohort.csv'), study)
    if (cohort.length !== rows * layout.sizes.length) throw new Error(`the cohort does not have ${rows} rows`)
    const reference = referenceOf(layout, readmission(study), weighted(all, unit), weighted(heldOut, unit))
    const quality = qualityOf(reference, cohort)
    const facts = factsOf(ran)
    results.push({ split, trained: all.patients.length, cohort: rows, ...quality, ...facts })
    const { tvd2, tvd2Real, tvd2Excess, auc, aucReal } = quality
    const distance = `TVD2 ${tvd2.toFixed(4)} - ${tvd2Real.toFixed(4)} = ${tvd2Excess.toFixed(4)}`
    say(`split ${split}, ${rows} rows: ${distance}; AUC ${auc.toFixed(4)}, real ${aucReal.toFixed(4)}`)
    say(factsText(facts))
  }
  const tvd2Excess = meanRange(results.map((result) => result.tvd2Excess))
  const aucDifference = meanRange(results.map((result) => result.aucDifference))
  say(`TVD2 excess ${meanRangeText(tvd2Excess)}, wanted at most ${bounds.excess}`)
  say(`AUC difference ${meanRangeText(aucDifference)}, wanted at least -${bounds.loss}`)
  const broken = [
    ...(!(tvd2Excess.mean <= bounds.excess) ? [`TVD2 excess ${tvd2Excess.mean.toFixed(4)} > ${bounds.excess}`] : []),
    ...(!(aucDifference.mean >= -bounds.loss)
      ? [`AUC difference ${aucDifference.mean.toFixed(4)} < -${bounds.loss}`]
      : []),
  ]
  const summary = { machine: where, study: manifest.name, unit, results, tvd2Excess, aucDifference, bounds, broken }
  if (options.json) console.log(JSON.stringify(summary))
  if (isRowStudy && broken.length > 0) {
    console.error(`BROKEN, mean of ${results.length} splits: ${broken.join('; ')}`)
    process.exitCode = 1
  }
}
