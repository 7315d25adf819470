import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { asCodedError, CodedError, exitCode } from '@tributary/shared/errors'
import { parseManifest } from '@tributary/shared/study/manifest'
import { demoSummary, styleFor } from './demo-summary.ts'
import { runLocally } from './local-run.ts'
import { columns, hospitals, oneVisitEach, simulatePatients, toCsv, type Visit } from './patient-simulator.ts'
import { ProgressLine } from './progress-line.ts'
import { markRunFolder } from './run-folder.ts'

/**
 * `npm run demo`: simulated patients at four hospitals, a real federation on this machine, a cohort, and what to make of it.
 * Needs nothing but `npm ci`; about two minutes on two cores; everything it writes is under out/demo.
 */
const studyFile = join(import.meta.dirname, '../samples/studies/demo.yaml')
const out = join(import.meta.dirname, '../../out/demo')
const seed = 1
/** What the demo asks for as a researcher would: a sub-population, on columns of which the last is not among the first. */
const cohortAsked = {
  rows: 5000,
  seed: 7,
  where: 'age >= 65 AND (diabetes = yes OR kidney IN (G3b, G4-5))',
  purpose: 'demonstration: older people with diabetes or weak kidneys',
}

const visitsIn = (csv: string): Visit[] => {
  const [header = '', ...lines] = csv.trimEnd().split('\n')
  const names = header.split(',')
  const places = columns.map((column) => names.indexOf(column))
  return lines.map((line) => {
    const cells = line.split(',') // no level of the demo holds a comma or a quote
    return places.map((place) => cells[place] ?? '')
  })
}

const main = async (): Promise<void> => {
  const progress = new ProgressLine()
  try {
    markRunFolder(out)
    progress.stage('simulating patients at four hospitals')
    const folder = join(out, 'patients')
    mkdirSync(folder, { recursive: true })
    const populations = hospitals.map((hospital) => ({ hospital, patients: simulatePatients(hospital, seed) }))
    const sites = populations.map(({ hospital, patients }) => {
      const path = join(folder, `${hospital.name}.csv`)
      writeFileSync(path, toCsv(patients))
      return { name: hospital.name, path }
    })
    const manifest = parseManifest(readFileSync(studyFile, 'utf8'), studyFile)
    const training = populations.flatMap(({ patients }) => oneVisitEach(patients, seed))
    const run = { manifest, sites, out, rows: training.length, seed, ask: cohortAsked }
    const { report, release } = await runLocally(run, progress)
    if (release === undefined) throw new CodedError('INTERNAL', 'no release was made')
    const fresh = hospitals.flatMap((hospital) => oneVisitEach(simulatePatients(hospital, seed + 1), seed + 1))
    const cohort = visitsIn(readFileSync(join(out, 'cohort.csv'), 'utf8'))
    progress.end()
    const shown = relative(process.env['INIT_CWD'] ?? process.cwd(), out) || '.'
    const result = { manifest, report, release, asked: cohortAsked, training, fresh, cohort, out: shown }
    console.log(demoSummary(result, styleFor(process.stdout, process.env)))
  } finally {
    progress.end()
  }
}

try {
  await main()
} catch (thrown) {
  const error = asCodedError(thrown)
  console.error(`${error.message}\n  ${error.help} [${error.code}]`)
  if (error.code === 'INTERNAL' && error.cause instanceof Error) console.error(error.cause.stack) // no patient is real here
  process.exitCode = exitCode(error.code)
}
