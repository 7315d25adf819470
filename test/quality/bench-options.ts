import { parseArgs } from 'node:util'
import type { EngineName } from '@tributary/shared/tensor/engine'
import type { StudyText } from './study-text.ts'

export const families = ['autoregressive', 'mixture', 'gan', 'auto'] as const

export const benchHelp = `How good each family's synthetic rows are, on patients that no model saw, beside real rows (the ceiling), independent columns
and MST at the same budget. Trained by the product's own contributions, noise, training and drawing, without encryption.

  npm run -s bench:quality -- --data DIR [options]

Tables: .csv .tsv .data .arff in DIR, also .gz; files of the same columns are hospitals of one study.
  --data DIR            the folder of tables
  --table NAMES         only these files, by name with or without ending: nwtco or a.csv,b.csv
  --study FILE          a study file: its columns, levels and rules
  --schema FILE         a JSON object of columns instead, in file order where the file has no header:
                        {"age": {"kind": "num", "starts": [0, 40, 60], "max": 110, "missing": true},
                         "sex": {"kind": "cat", "levels": ["F", "M"]}, "note": {"kind": "skip"}}
                        Neither: study.yaml or public-schema.json in DIR, the sample study about a folder of that name,
                        else levels and bins read off the rows (which only a benchmark may do; it says so)
  --write-schema FILE   writes the schema read off the rows, to be edited, and stops
  --patient COLUMN      tells patients apart (tables without a study)
  --drop COLUMNS        columns that are not modelled (tables without a study)

What is run
  --epsilon LIST        default 1,3
  --family LIST         of autoregressive,mixture,gan,auto; default all
  --delta D             default 1e-5
  --unit row|patient    what epsilon protects; default the study's
  --seeds N, --from S   seeds S to S + N - 1, default 3 from 0: each splits the patients anew (a fifth held out)
  --set KEY=JSON        a setting for all families that have it; may be repeated
  --sites K             deals the patients to K sites whose noise adds up to the plan's; default 1
  --one-hospital ROWS   trains on the first ROWS training rows alone
  --max-train ROWS      trains on at most so many rows, of whole patients
  --rows N              rows of a cohort; default as many as were trained on, 20,000 at least
  --no-baselines        leaves out independent columns and MST
  --engine NAME         tensorflow (else WebAssembly where it is not built), wasm or cpu

What is measured
  --target TEXT         column=level, column=level|level or column!=level: what classifiers foretell; may be repeated; the
                        first is told to families that know outcomes
  --by COLUMNS          sub-populations; default columns called sex, gender, race, ethnicity or age
  --export DIR          writes train, held-out rows and cohorts as codes, outside the repository, for evaluate.py

Output
  --json                one JSON document
  --progress, --quiet   a line for each fit on stderr: always, never; default on a terminal

Examples
  npm run -s bench:quality -- --data ../shared/data/diabetes5 --epsilon 1 --family mixture,auto
  npm run -s bench:quality -- --data ../shared/data/heart4 --seeds 5 --json > heart4.json
  npm run -s bench:quality -- --data ../shared/data/thyroid --epsilon 3 --family auto
  npm run -s bench:quality -- --data ../shared/data/medicaldata --table covid_testing --epsilon 3 --family auto
  npm run -s bench:quality -- --data ../shared/data/survival --table nwtco --target rel=1
  npm run -s bench:quality -- --data ../shared/data/survival --table pbcseq --target status=2
  npm run -s bench:quality -- --data ../shared/data/ckd --target class=ckd
  npm run -s bench:quality -- --data ../shared/data/medicaldata --table indo_rct --target outcome=1_yes --write-schema /tmp/indo.json

A table of one value a line (physionet2012) is made wide first: docs/quality.md says how.`

/** What a person has to type differently; printed without a stack. */
export class BenchUsage extends Error {}

const text = { type: 'string' } as const
const flag = { type: 'boolean', default: false } as const

const parsed = (argv: readonly string[]) =>
  parseArgs({
    args: [...argv],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      data: text,
      table: text,
      study: text,
      schema: text,
      'write-schema': text,
      patient: text,
      drop: { ...text, default: '' },
      epsilon: { ...text, default: '1,3' },
      family: { ...text, default: families.join(',') },
      delta: { ...text, default: '1e-5' },
      unit: text,
      seeds: { ...text, default: '3' },
      from: { ...text, default: '0' },
      set: { ...text, multiple: true, default: [] },
      sites: { ...text, default: '1' },
      'one-hospital': text,
      'max-train': text,
      rows: text,
      'no-baselines': flag,
      engine: { ...text, default: 'tensorflow' },
      target: { ...text, multiple: true },
      by: text,
      export: text,
      json: flag,
      progress: flag,
      quiet: flag,
    },
  }).values

const list = (given: string): string[] => given.split(',').filter((item) => item !== '')

const numberOf = (option: string, given: string, least: number, most: number, isWhole = false): number => {
  const value = Number(given)
  if (given.trim() === '' || !(value >= least && value <= most) || (isWhole && !Number.isInteger(value)))
    throw new BenchUsage(`--${option} ${given}: ${isWhole ? 'a whole number' : 'a number'} from ${least} to ${most}`)
  return value
}

const settingOf = (setting: string): [string, unknown] => {
  const [, key, value] = /^([a-z_]+)=(.+)$/.exec(setting) ?? []
  try {
    if (key !== undefined && value !== undefined) return [key, JSON.parse(value)]
  } catch {
    // Said below, as for any other text.
  }
  throw new BenchUsage(`--set ${setting}: key=value, the value JSON, as components=600 or outcome="rel"`)
}

const oneOf = <T extends string>(option: string, given: string, of: readonly T[]): T => {
  const found = of.find((name) => name === given)
  if (found === undefined) throw new BenchUsage(`--${option} ${given}: one of ${of.join(', ')}`)
  return found
}

const wholeRows = (option: string, given: string | undefined): number | undefined =>
  given === undefined ? undefined : numberOf(option, given, 1, 10_000_000, true)

/** A checked command line; null where help is wanted. Throws `BenchUsage`. */
export const benchOptions = (argv: readonly string[], isTerminal: boolean) => {
  let given: ReturnType<typeof parsed>
  try {
    given = parsed(argv)
  } catch (error) {
    throw new BenchUsage((error as Error).message.replace(/\. To specify.*$/s, ''))
  }
  if (given.help) return null
  if (given.data === undefined) throw new BenchUsage('--data DIR is missing: the folder of tables, one hospital a file')
  const whole = (option: 'seeds' | 'from' | 'sites', least: number, most: number) =>
    numberOf(option, given[option], least, most, true)
  const from = whole('from', 0, 2 ** 31 - 1)
  const targets = given.target
  const by = given.by === undefined ? undefined : list(given.by)
  return {
    data: given.data,
    tables: {
      study: given.study,
      schema: given.schema,
      table: given.table,
      unit: given.unit,
      patient: given.patient,
      drop: list(given.drop),
      kept: [...(targets ?? []).map((target) => target.split(/!?=/, 1)[0]!), ...(by ?? [])],
    },
    writeSchema: given['write-schema'],
    epsilons: list(given.epsilon).map((epsilon) => numberOf('epsilon', epsilon, 0.001, 100)),
    families: list(given.family).map((family) => oneOf('family', family, families)),
    delta: numberOf('delta', given.delta, 1e-15, 0.1),
    unit: given.unit === undefined ? undefined : oneOf('unit', given.unit, ['row', 'patient'] as const),
    seeds: Array.from({ length: whole('seeds', 1, 1000) }, (_, i) => from + i),
    settings: Object.fromEntries(given.set.map(settingOf)) as StudyText,
    sites: whole('sites', 1, 64),
    oneHospital: wholeRows('one-hospital', given['one-hospital']),
    maxTrain: wholeRows('max-train', given['max-train']),
    rows: wholeRows('rows', given.rows),
    baselines: !given['no-baselines'],
    engine: oneOf<EngineName>('engine', given.engine, ['tensorflow', 'wasm', 'cpu']),
    targets,
    by,
    export: given.export,
    json: given.json,
    progress: !given.quiet && (given.progress || isTerminal),
    quiet: given.quiet,
  }
}

export type BenchOptions = NonNullable<ReturnType<typeof benchOptions>>
