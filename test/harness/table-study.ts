import { freezeStudy, type Manifest, parseStudy } from '@tributary/shared/study/manifest'

/** What differs between studies over tables that tests write themselves. */
export interface TableStudy {
  /** Each in YAML, like `{ name: sex, kind: categorical, levels: [F, M] }`. */
  readonly columns: readonly string[]
  /** 3 where nothing is said. */
  readonly epsilon?: number
  readonly delta: number
  /** In YAML: `hidden: 4, steps: 4, sampling_rate: 0.2`. */
  readonly family: string
  /** Spare attempts of marginals and gradient alike. */
  readonly spares: number
  /** In YAML; nobody is held out where nothing is said. */
  readonly evaluation?: string
  /** What each of north, south and west promises. */
  readonly patients: number
  readonly rows: number
}

export const sexAndAge = [
  '{ name: sex, kind: categorical, levels: [F, M] }',
  '{ name: age, kind: numeric, bins: [0, 30, 60], maximum: 120, integer: true, missing: level }',
] as const

/** Frozen, of unit patient under the key `who`. */
export const tableStudy = (wanted: TableStudy): Manifest => {
  const { columns, epsilon = 3, delta, family, spares, evaluation, patients, rows } = wanted
  const text = `
tributary: study/1
name: tables
purpose: test
source: { format: csv }
columns: [${columns.join(', ')}]
privacy: { unit: patient, patient_key: who, epsilon: ${epsilon}, delta: ${delta} }
family: { name: autoregressive, ${family}, spares: { marginals: ${spares}, gradient: ${spares} } }
${evaluation === undefined ? '' : `evaluation: { ${evaluation} }`}
sites:
${['north', 'south', 'west'].map((name) => `  - { name: ${name}, promised_patients: ${patients}, promised_rows: ${rows} }`).join('\n')}
`
  return freezeStudy(parseStudy(text, 'tables.yaml').draft)
}
