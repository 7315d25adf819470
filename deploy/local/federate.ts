import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { printData, runCommand } from '@tributary/shared/cli/output'
import { atMostText } from '@tributary/shared/dp/odds'
import { promisedUnits } from '@tributary/shared/study/federation'
import { levelsBeside } from '@tributary/shared/study/levels-file'
import { freezeStudy, parseManifest, parseStudy } from '@tributary/shared/study/manifest'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { federateArguments, requireSameSites, usage } from './federate-arguments.ts'
import { runLocally } from './local-run.ts'
import { ProgressLine } from './progress-line.ts'
import { markRunFolder } from './run-folder.ts'
import type { RunReport } from './run-report.ts'

/** `npm run -s federate`: one study over anyone's files, with the shipped binaries, on this machine. */
const manifestAt = (file: string, given: readonly string[]): Manifest => {
  const text = readFileSync(file, 'utf8')
  const { draft } = parseStudy(text, file, 'keep', levelsBeside(file))
  requireSameSites(
    draft.sites.map(({ name }) => name),
    given,
  )
  return draft.plan === undefined ? freezeStudy(draft) : parseManifest(text, file, 'tributary', levelsBeside(file))
}

const summary = (report: RunReport, out: string): string => {
  const seconds = Object.values(report.seconds).reduce((sum, part) => sum + part, 0)
  const { public: outside, peer } = report.epsilon
  return [
    `study     ${report.study}`,
    `epsilon   ${atMostText(outside, 2)} to the public, ${atMostText(peer, 2)} to another hospital; delta ${report.delta}, per ${report.unit}`,
    `rounds    ${report.rounds.length} attempts, engine ${report.engine}, ${seconds.toFixed(0)} s in all`,
    `cohort    ${join(out, 'cohort.csv')}`,
    `run       ${join(out, 'run.json')}`,
  ].join('\n')
}

const main = async (args: readonly string[], from: string): Promise<void> => {
  const asked = federateArguments(args, from)
  if (asked === 'help') return printData(usage)
  const manifest = manifestAt(
    asked.study,
    asked.sites.map(({ name }) => name),
  )
  markRunFolder(asked.out)
  const progress = new ProgressLine()
  try {
    const rows = asked.rows ?? promisedUnits(manifest)
    const { report } = await runLocally(
      { manifest, sites: asked.sites, out: asked.out, rows, seed: asked.seed },
      progress,
    )
    progress.end()
    const data = { out: asked.out, ...report }
    printData(data, { json: asked.json, text: summary(report, asked.out) })
  } finally {
    progress.end()
  }
}

const args = process.argv.slice(2)
const from = process.env['INIT_CWD'] ?? process.cwd()
await runCommand({ commands: [], exitOverride() {}, configureOutput() {}, parseAsync: () => main(args, from) }, args)
