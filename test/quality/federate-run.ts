import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Manifest } from '@tributary/shared/study/manifest'
import type { RunReport } from '../../deploy/local/run-report.ts'
import { root } from '../harness/sources.ts'
import { type LostSiteReport, runLosing } from './lost-site-run.ts'

export interface FederateRun {
  readonly manifest: Manifest
  readonly studyFile: string
  /** `NAME=PATH` for each hospital. */
  readonly sites: readonly string[]
  readonly rows: number
  readonly seed: string
  /** Absolute; what an earlier run left there is replaced. */
  readonly out: string
  /** This hospital's agent gets kill -9 after step 10 and never comes back. */
  readonly lose?: string | undefined
}

/** Wall clock of the whole command, the build check of `npm run` included, and the run's own parts. */
export interface Ran {
  readonly out: string
  readonly seconds: RunReport['seconds'] & { readonly command: number }
  readonly report: LostSiteReport
}

const secondsSince = (start: number): number => Math.round((performance.now() - start) / 10) / 100

const losing = async ({ manifest, sites: given, out, rows, seed }: FederateRun, lose: string): Promise<Ran> => {
  const sites = given.map((text) => ({ name: text.split('=')[0] ?? '', path: text.slice(text.indexOf('=') + 1) }))
  const began = performance.now()
  const report = await runLosing({ manifest, sites, out, rows, seed: Number(seed), lose, afterStep: 10 })
  return { out, seconds: { command: secondsSince(began), ...report.seconds }, report }
}

/** `npm run federate` itself, with its own processes. Throws when it does not say ok; killed when this process ends. */
export const federateRun = async (run: FederateRun): Promise<Ran> => {
  const { studyFile, sites, rows, seed, out, lose } = run
  if (lose !== undefined) return losing(run, lose)
  mkdirSync(out, { recursive: true })
  const given = sites.flatMap((site) => ['--site', site])
  const args = ['--study', studyFile, ...given, '--out', out, '--rows', String(rows), '--seed', seed]
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
  const report = JSON.parse(readFileSync(join(out, 'run.json'), 'utf8')) as RunReport
  return { out, seconds: { command: secondsSince(began), ...report.seconds }, report }
}

/** What a result says of a run of that many hospitals. */
export const factsOf = ({ report, seconds }: Ran, hospitals: number) => {
  const { epsilon, delta, engine, sites, coordinator, rounds } = report
  const contributorsMissed = rounds.filter(({ contributors }) => contributors.length < hospitals).length
  return { epsilon, delta, engine, sites, coordinator, rounds: rounds.length, contributorsMissed, seconds }
}

export const factsText = ({ epsilon, engine, seconds, sites }: ReturnType<typeof factsOf>): string => {
  const parts = Object.entries(seconds).map(([part, value]) => `${part} ${value.toFixed(1)}`)
  const sent = Math.max(...Object.values(sites).map(({ bytesPerParameter }) => bytesPerParameter))
  const memory = Math.max(...Object.values(sites).map(({ peakMemoryBytes }) => peakMemoryBytes))
  return [
    `  epsilon ${epsilon.public.toFixed(3)} to the public, ${epsilon.peer.toFixed(3)} to another hospital; engine ${engine}`,
    `  seconds: ${parts.join(', ')}`,
    `  at most ${sent.toFixed(2)} bytes a parameter, ${(memory / 2 ** 20).toFixed(0)} MiB an agent`,
  ].join('\n')
}
