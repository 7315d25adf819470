import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { isAbsolute, relative, resolve, sep } from 'node:path'
import { parseArgs } from 'node:util'
import { CodedError } from '@tributary/shared/errors'
import type { SiteFile } from './federation.ts'
import { isRunFolder } from './run-folder.ts'

export interface FederateArguments {
  /** Absolute. */
  readonly study: string
  readonly sites: readonly SiteFile[]
  /** Absolute. */
  readonly out: string
  readonly rows: number | undefined
  readonly seed: number
  readonly json: boolean
  readonly force: boolean
}

export const usage = `npm run -s federate -- --study deploy/samples/studies/diabetes5-patient.yaml \\
    --site north=data/north.csv.gz --site river=data/river.csv.gz --out out/first

  --study FILE      study file; one without a plan is frozen first
  --site NAME=PATH  one for each site that the study names: CSV or gzipped CSV
  --out DIR         model.bin, cohort.csv with its metadata, run.json, logs
  --rows N          rows of the cohort; default: what the sites promised together
  --seed N          initial weights and the cohort's draw, 0 to 4294967295; default 1. Never coins, noise or keys
  --json            one JSON object on stdout
  --force           replace what an earlier run wrote in --out; a folder of anything else is refused
Paths are relative to where you stand. Progress is on stderr.`

const refuse = (message: string): never => {
  throw new CodedError('ARGUMENT_INVALID', message)
}

const wholeNumber = (flag: string, text: string, least: number, most: number): number => {
  const value = Number(text)
  return /^\d+$/.test(text) && value >= least && value <= most
    ? value
    : refuse(`${flag} must be a whole number from ${least} to ${most}`)
}

const siteFile = (text: string, from: string): SiteFile => {
  const at = text.indexOf('=')
  if (at < 1 || at === text.length - 1) refuse(`--site must be NAME=PATH, got ${JSON.stringify(text)}`)
  const name = text.slice(0, at)
  const path = resolve(from, text.slice(at + 1))
  if (!/^[a-z][a-z0-9-]{0,39}$/.test(name))
    refuse(`--site ${name}: a name is 1 to 40 of a-z, 0-9 and '-', from a letter`)
  if (!existsSync(path)) refuse(`--site ${name}: there is no file ${path}`)
  return { name, path }
}

const read = (args: readonly string[]) => {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        study: { type: 'string' },
        site: { type: 'string', multiple: true },
        out: { type: 'string' },
        rows: { type: 'string' },
        seed: { type: 'string' },
        json: { type: 'boolean' },
        force: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (thrown) {
    return refuse((thrown as Error).message)
  }
}

/** Through links, as deleting would go. */
const real = (path: string): string => (existsSync(path) ? realpathSync(path) : path)

const isInside = (folder: string, path: string): boolean => {
  const way = relative(folder, path)
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}

/** A run replaces files of its folder: nobody's data may be among them. */
const requireFolder = (folder: string, inputs: readonly { flag: string; path: string }[], force: boolean): void => {
  const within = inputs.find(({ path }) => isInside(real(folder), real(path)))
  if (within !== undefined) refuse(`${within.flag} ${within.path} lies inside --out ${folder}; choose another folder`)
  if (!existsSync(folder) || readdirSync(folder).length === 0) return
  if (!force) refuse(`--out ${folder} is not empty; choose another folder, or --force`)
  if (!isRunFolder(folder)) refuse(`--out ${folder} holds no earlier run to replace; choose another folder`)
}

/** The command line, with paths resolved against `from`. 'help' when asked for. Throws `ARGUMENT_INVALID`. */
export const federateArguments = (args: readonly string[], from: string): FederateArguments | 'help' => {
  const values = read(args)
  if (values.help === true) return 'help'
  const { study = refuse('--study is missing'), out = refuse('--out is missing') } = values
  const sites = (values.site ?? []).map((text) => siteFile(text, from))
  if (sites.length < 2) refuse('--site is needed at least twice: a federation of one has nobody to hide among')
  const repeated = sites.find(({ name }, index) => sites.findIndex((other) => other.name === name) < index)
  if (repeated !== undefined) refuse(`--site ${repeated.name} is given twice`)
  const studyFile = resolve(from, study)
  if (!existsSync(studyFile)) refuse(`--study: there is no file ${studyFile}`)
  const folder = resolve(from, out)
  const force = values.force === true
  const inputs = [
    { flag: '--study', path: studyFile },
    ...sites.map(({ name, path }) => ({ flag: `--site ${name}`, path })),
  ]
  requireFolder(folder, inputs, force)
  return {
    study: studyFile,
    sites,
    out: folder,
    rows: values.rows === undefined ? undefined : wholeNumber('--rows', values.rows, 1, 100_000_000),
    seed: values.seed === undefined ? 1 : wholeNumber('--seed', values.seed, 0, 2 ** 32 - 1),
    json: values.json === true,
    force,
  }
}

/** Refuses when the files and the study do not name the same sites. Throws `ARGUMENT_INVALID` naming the difference. */
export const requireSameSites = (named: readonly string[], given: readonly string[]): void => {
  const missing = named.filter((name) => !given.includes(name))
  const unknown = given.filter((name) => !named.includes(name))
  const parts = [
    ...(missing.length > 0 ? [`no --site for ${missing.join(', ')}`] : []),
    ...(unknown.length > 0 ? [`the study does not know ${unknown.join(', ')}`] : []),
  ]
  if (parts.length > 0) refuse(`${parts.join('; ')} (the study names ${named.join(', ')})`)
}
