import { atMostText } from '@tributary/shared/dp/odds'
import { marginalCountNoise } from '@tributary/shared/study/marginal-noise'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { codeTable, distancesTo, independentDistancesTo } from './cohort-quality.ts'
import { knownDependencies, rateOf } from './known-dependency.ts'
import { oddsWords } from './odds-words.ts'
import type { Visit } from './patient-simulator.ts'
import type { CohortOrder, ReleasedCohort } from './researcher.ts'
import type { RunReport } from './run-report.ts'

export interface DemoResult {
  readonly manifest: Manifest
  readonly report: RunReport
  /** The sub-population that a researcher asked for, and what came of it. */
  readonly asked: CohortOrder
  readonly release: ReleasedCohort
  /** One visit of each training patient, of each newly simulated patient, and the cohort's rows. */
  readonly training: readonly Visit[]
  readonly fresh: readonly Visit[]
  readonly cohort: readonly Visit[]
  /** Folder of the run, as the reader would type it. */
  readonly out: string
}

/** ANSI styles, or none (https://no-color.org). */
export interface Style {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
}

const wrapped = (code: number) => (text: string) => `\u001b[${code}m${text}\u001b[0m`

export const styleFor = (stream: { isTTY?: boolean }, environment: NodeJS.ProcessEnv): Style => {
  const plain = (text: string) => text
  const colours = stream.isTTY === true && (environment['NO_COLOR'] ?? '') === '' && environment['TERM'] !== 'dumb'
  return colours ? { bold: wrapped(1), dim: wrapped(2) } : { bold: plain, dim: plain }
}

const promisedPatients = ({ sites }: Manifest): number =>
  sites.reduce((sum, { promised_patients: patients }) => sum + patients, 0)

const percent = (rate: number): string => (Number.isNaN(rate) ? '-' : `${(100 * rate).toFixed(1)} %`)
const size = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
const kilobytes = (bytes: number): string => `${(bytes / 1e3).toFixed(1)} kB`

const quality = ({ manifest, training, fresh, cohort }: DemoResult): string[] => {
  const [trained, target, drawn] = [training, fresh, cohort].map((rows) => codeTable(manifest, rows))
  if (trained === undefined || target === undefined || drawn === undefined) return []
  const rows = [
    ['real training patients', distancesTo(manifest, trained, target)],
    ['synthetic cohort', distancesTo(manifest, drawn, target)],
    ['independent columns', independentDistancesTo(manifest, trained, target)],
  ] as const
  return rows.map(
    ([name, { oneWay, twoWay }]) =>
      `  ${name.padEnd(38)}${oneWay.toFixed(4).padStart(9)}${twoWay.toFixed(4).padStart(12)}`,
  )
}

/**
 * Promised patients from which the report calls what is learned of a group usable: 100, and five times the 95 % error of one released
 * count. Public: the plan's noise, and how often the cohort has the group.
 */
const leastLearned = (manifest: Manifest): number =>
  Math.max(100, 5 * 1.96 * (marginalCountNoise(manifest, manifest.sites.length)?.units ?? 0))

const dependencies = ({ manifest, fresh, cohort }: DemoResult): string[] => {
  const least = leastLearned(manifest)
  const promised = promisedPatients(manifest)
  const marked: string[] = []
  const lines = knownDependencies.flatMap(({ says, event, low, high }) =>
    [low, high].map(({ name, given }, index) => {
      const rates = [fresh, cohort].map((rows) => percent(rateOf(rows, event, given)).padStart(12))
      const isFew = promised * rateOf(cohort, given, () => true) < least
      if (isFew) marked.push(name)
      return `  ${(index === 0 ? says : '').padEnd(36)}${name.padEnd(24)}${rates.join('')}${isFew ? '  <- few' : ''}`
    }),
  )
  const why = `  <- few: the noise needs about ${Math.round(least)} patients behind a group; not learned well`
  return marked.length === 0 ? lines : [...lines, why]
}

const perRound = {
  contribution: 'sealed, noised sums',
  deal: 'sealed key shares for the others',
  check: 'checks of the shares of others',
  answer: 'sums of key shares',
}

const departures = ({ report, manifest }: DemoResult): string[] => {
  const sites = manifest.sites.map(({ name }) => report.sites[name])
  const line = (name: string, cell: (site: (typeof sites)[number]) => string) =>
    `  ${name.padEnd(36)}${sites.map((site) => cell(site).padStart(15)).join('')}`
  const cell = (messages: number, bytes: number) =>
    messages === 0 ? '-' : `${messages} x ${kilobytes(bytes / messages)}`
  const sum = (site: (typeof sites)[number], isMeant: (kind: string) => boolean) => {
    const meant = (site?.sent ?? []).filter(({ kind }) => isMeant(kind))
    const total = (of: 'messages' | 'bytes') => meant.reduce((all, each) => all + each[of], 0)
    return cell(total('messages'), total('bytes'))
  }
  return [
    ...Object.entries(perRound).map(([kind, words]) => line(words, (site) => sum(site, (other) => other === kind))),
    line('consent: roster, approval, box keys', (site) => sum(site, (kind) => !(kind in perRound))),
    line('together', (site) => size(site?.bytesSent ?? 0)),
    line('peak memory of the agent', (site) => size(site?.peakMemoryBytes ?? 0)),
  ]
}

const cohortLines = ({ asked, release }: DemoResult): string[] => [
  `  ${'where'.padEnd(26)}${asked.where}`,
  `  ${'support'.padEnd(26)}${percent(release.support)} of generated people, about ${Math.round(release.expectedPatients).toLocaleString('en')} of the patients`,
  `  ${'rows'.padEnd(26)}${asked.rows.toLocaleString('en')} ${release.handling}, worth ${Math.round(release.effectiveSampleSize).toLocaleString('en')}; privacy cost 0`,
  `  ${'tributary verify'.padEnd(26)}${release.files} files as signed by ${release.signer}`,
]

/** What the demo prints: under 100 columns, every figure beside something to compare it with. */
export const demoSummary = (result: DemoResult, { bold, dim }: Style): string => {
  const { manifest, report, out } = result
  const patients = promisedPatients(manifest)
  const seconds = Object.values(report.seconds).reduce((sum, part) => sum + part, 0)
  return [
    '',
    bold(`${manifest.sites.length} hospitals trained one generator of patients, and no patient left a hospital.`),
    `  ${patients} simulated patients, ${report.rounds.length} rounds, engine ${report.engine}, ${seconds.toFixed(0)} s.`,
    '',
    bold(`${'Distance to newly simulated patients'.padEnd(40)}${'1-way'.padStart(9)}${'2-way'.padStart(12)}`),
    ...quality(result),
    dim('  mean total variation distance at the public bins, 0 is equal'),
    '',
    bold(`${'Dependencies that the simulator put in'.padEnd(62)}${'fresh'.padStart(12)}${'cohort'.padStart(12)}`),
    ...dependencies(result),
    '',
    bold(`Privacy of one patient with all their visits, delta ${report.delta}`),
    `  to the public            epsilon ${atMostText(report.epsilon.public, 2)}:  ${oddsWords(report.epsilon.public)}`,
    `  to another hospital      epsilon ${atMostText(report.epsilon.peer, 2)}:  ${oddsWords(report.epsilon.peer)}`,
    dim('  a belief that somebody was among the patients, before and after all that was published'),
    '',
    bold(`${'What left each hospital'.padEnd(38)}${manifest.sites.map(({ name }) => name.padStart(15)).join('')}`),
    ...departures(result),
    dim('  No row, count, loss or batch size is in them; a hospital lists them with `site-agent egress`.'),
    '',
    bold('A researcher asked for a sub-population, by the HTTP API and the `tributary` command'),
    ...cohortLines(result),
    '',
    bold('Next'),
    `  ${`${out}/release/report.html`.padEnd(36)} the report, for any browser: what it is worth, and what not`,
    `  npx tributary verify ${out}/release --key '${result.release.signer}'`,
    `  ${`head ${out}/cohort.csv`.padEnd(36)} synthetic patients, marked in every row`,
    `  ${`less ${out}/run.json`.padEnd(36)} every round, who contributed, epsilon, memory, seconds`,
    `  ${'npm run -s federate -- --help'.padEnd(36)} the same with your own files`,
    '',
  ].join('\n')
}
