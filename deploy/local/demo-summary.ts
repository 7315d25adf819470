import type { Manifest } from '@tributary/shared/study/study-schema'
import { codeTable, distancesTo, independentDistancesTo } from './cohort-quality.ts'
import { knownDependencies, rateOf } from './known-dependency.ts'
import { oddsWords } from './odds-words.ts'
import type { Visit } from './patient-simulator.ts'
import type { RunReport } from './run-report.ts'

export interface DemoResult {
  readonly manifest: Manifest
  readonly report: RunReport
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

const dependencies = ({ fresh, cohort }: DemoResult): string[] =>
  knownDependencies.flatMap(({ says, event, low, high }) =>
    [low, high].map(({ name, given }, index) => {
      const rates = [fresh, cohort].map((rows) => percent(rateOf(rows, event, given)).padStart(12))
      return `  ${(index === 0 ? says : '').padEnd(36)}${name.padEnd(24)}${rates.join('')}`
    }),
  )

const kindWords: Readonly<Record<string, string>> = {
  deal: 'sealed key shares for the others',
  contribution: 'sealed, noised sums',
  answer: 'sums of key shares',
}

const departures = ({ report, manifest }: DemoResult): string[] => {
  const sites = manifest.sites.map(({ name }) => name)
  const sent = (site: string, kind: string) => report.sites[site]?.sent.find((total) => total.kind === kind)
  const kinds = [...new Set(sites.flatMap((site) => report.sites[site]?.sent.map(({ kind }) => kind) ?? []))]
  const line = (name: string, cells: string[]) =>
    `  ${name.padEnd(36)}${cells.map((cell) => cell.padStart(15)).join('')}`
  return [
    ...kinds.map((kind) =>
      line(
        kindWords[kind] ?? kind,
        sites.map((site) => {
          const total = sent(site, kind)
          return total === undefined ? '-' : `${total.messages} x ${kilobytes(total.bytes / total.messages)}`
        }),
      ),
    ),
    line(
      'together',
      sites.map((site) => size(report.sites[site]?.bytesSent ?? 0)),
    ),
    line(
      'peak memory of the agent',
      sites.map((site) => size(report.sites[site]?.peakMemoryBytes ?? 0)),
    ),
  ]
}

/** What the demo prints: under 100 columns, every figure beside something to compare it with. */
export const demoSummary = (result: DemoResult, { bold, dim }: Style): string => {
  const { manifest, report, out } = result
  const patients = manifest.sites.reduce((sum, site) => sum + site.promised_patients, 0)
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
    `  to the public            epsilon ${report.epsilon.public.toFixed(2)}:  ${oddsWords(report.epsilon.public)}`,
    `  to another hospital      epsilon ${report.epsilon.peer.toFixed(2)}:  ${oddsWords(report.epsilon.peer)}`,
    dim('  a belief that somebody was among the patients, before and after all that was published'),
    '',
    bold(`${'What left each hospital'.padEnd(38)}${manifest.sites.map(({ name }) => name.padStart(15)).join('')}`),
    ...departures(result),
    dim('  No row, count, loss or batch size is in any of them; each hospital lists them with `site-agent egress`.'),
    '',
    bold('Next'),
    `  head ${out}/cohort.csv             the cohort; its metadata beside it says that it is synthetic`,
    `  less ${out}/run.json               every round, who contributed, epsilon, memory, seconds`,
    '  npm run -s federate -- --help      the same with your own files',
    '',
  ].join('\n')
}
