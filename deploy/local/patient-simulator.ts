import { SeededStream } from './seeded-stream.ts'

/**
 * Simulated patients with known dependencies, so that a reader can check what a synthetic cohort kept. No data set was
 * consulted: the graph and its strengths are ours, plausible and nothing more.
 *
 *     hospital -> age, sex, bmi, kidney, admission  sex, age -> smoking
 *     age, sex -> bmi                                age, bmi -> diabetes
 *     age, bmi, diabetes -> hypertension             age, diabetes, hypertension -> kidney
 *     hypertension, kidney -> treatment              age, kidney -> admission, visits
 *     kidney, diabetes, smoking, treatment, admission -> readmitted
 *
 * Person-level: sex, age, smoking, bmi, diabetes, hypertension, kidney. Visit-level: treatment, admission, readmitted.
 */
export interface Hospital {
  readonly name: string
  readonly patients: number
  /** Mean and deviation of age in years. */
  readonly age: readonly [number, number]
  /** Share of women. */
  readonly women: number
  /** Added to everybody's body mass index, kg/m2. */
  readonly heavier: number
  /** Added to everybody's filtration rate, ml/min. */
  readonly kidneys: number
  /** Share of emergency admissions before age and kidneys are looked at. */
  readonly emergency: number
}

/** Four case mixes: a city hospital, a retirement coast, a maternity-heavy suburb, a small kidney centre. */
export const hospitals: readonly Hospital[] = [
  { name: 'arbor', patients: 4200, age: [52, 18], women: 0.52, heavier: 0, kidneys: 0, emergency: 0.45 },
  { name: 'bay', patients: 3100, age: [69, 12], women: 0.55, heavier: -0.5, kidneys: 2, emergency: 0.5 },
  { name: 'cedar', patients: 2600, age: [41, 15], women: 0.66, heavier: 1.5, kidneys: 3, emergency: 0.3 },
  { name: 'delta', patients: 1900, age: [61, 14], women: 0.47, heavier: 2, kidneys: -18, emergency: 0.25 },
]

export const columns = [
  'age',
  'sex',
  'smoking',
  'bmi',
  'diabetes',
  'hypertension',
  'kidney',
  'treatment',
  'admission',
  'readmitted',
] as const

/** One visit: texts in the order of `columns`. */
export type Visit = readonly string[]

export interface Patient {
  /** Unique over all hospitals of one simulation. */
  readonly key: string
  readonly visits: readonly Visit[]
}

const logistic = (x: number) => 1 / (1 + Math.exp(-x))
const between = (low: number, value: number, high: number) => Math.min(high, Math.max(low, value))

interface Person {
  readonly age: number
  readonly sex: 'female' | 'male'
  readonly smoking: 'never' | 'former' | 'current'
  readonly bmi: number
  readonly diabetes: boolean
  readonly hypertension: boolean
  /** 0 to 4: kidney function from G1 (normal) down to G4-5. */
  readonly kidney: number
}

const smokingOf = (stream: SeededStream, age: number, female: boolean): Person['smoking'] => {
  const ever = logistic(female ? -0.9 : -0.2)
  if (!stream.coin(ever)) return 'never'
  return stream.coin(between(0.15, (age - 20) / 70, 0.9)) ? 'former' : 'current'
}

const kidneyGrades = ['G1', 'G2', 'G3a', 'G3b', 'G4-5'] as const

const kidneyOf = (stream: SeededStream, mean: number, age: number, diabetes: boolean, hypertension: boolean) => {
  const rate = mean - 0.75 * (age - 30) - (diabetes ? 14 : 0) - (hypertension ? 10 : 0) + 14 * stream.normal()
  return [90, 60, 45, 30].filter((limit) => rate < limit).length
}

const personAt = (stream: SeededStream, hospital: Hospital): Person => {
  const age = Math.round(between(18, hospital.age[0] + hospital.age[1] * stream.normal(), 95))
  const female = stream.coin(hospital.women)
  const smoking = smokingOf(stream, age, female)
  const middle = Math.exp(-(((age - 58) / 26) ** 2))
  const bmi = between(15, 24 + 4.5 * middle + (female ? -0.4 : 0.4) + hospital.heavier + 5 * stream.normal(), 59.9)
  const diabetes = stream.coin(logistic(-2.9 + 0.045 * (age - 50) + 0.16 * (bmi - 26)))
  const hypertension = stream.coin(logistic(-1.9 + 0.065 * (age - 50) + 0.09 * (bmi - 25) + (diabetes ? 0.9 : 0)))
  const kidney = kidneyOf(stream, 108 + hospital.kidneys, age, diabetes, hypertension)
  return { age, sex: female ? 'female' : 'male', smoking, bmi, diabetes, hypertension, kidney }
}

const treatments = ['none', 'ace-inhibitor', 'other'] as const

const treatmentOf = (stream: SeededStream, { hypertension, kidney }: Person): number => {
  if (!hypertension) return stream.pick([0.93, 0.03, 0.04])
  if (kidney >= 4) return stream.pick([0.05, 0.15, 0.8]) // an ACE inhibitor is stopped when the kidneys fail
  return kidney >= 2 ? stream.pick([0.08, 0.72, 0.2]) : stream.pick([0.2, 0.4, 0.4])
}

const visitOf = (stream: SeededStream, person: Person, hospital: Hospital): Visit => {
  const treatment = treatmentOf(stream, person)
  const share = Math.log(hospital.emergency / (1 - hospital.emergency))
  const emergency = stream.coin(logistic(share + 0.02 * (person.age - 55) + 0.35 * person.kidney))
  const odds = -2.6 + 0.5 * person.kidney + (person.diabetes ? 0.6 : 0) + (person.smoking === 'current' ? 0.5 : 0)
  const readmitted = stream.coin(logistic(odds + (emergency ? 0.8 : 0) - (treatment === 1 ? 0.5 : 0)))
  return [
    String(person.age),
    person.sex,
    person.smoking,
    person.bmi.toFixed(1),
    person.diabetes ? 'yes' : 'no',
    person.hypertension ? 'yes' : 'no',
    kidneyGrades[person.kidney] ?? 'G1',
    treatments[treatment] ?? 'none',
    emergency ? 'emergency' : 'elective',
    readmitted ? 'yes' : 'no',
  ]
}

/** Everybody at one hospital: one to six visits each. Equal seeds give equal patients; work grows with the patients. */
export const simulatePatients = (hospital: Hospital, seed: number): Patient[] => {
  const letters = Buffer.from(hospital.name).reduce((hash, byte) => Math.imul(hash ^ byte, 16777619), 2166136261)
  const stream = new SeededStream(Math.imul(seed + 1, 0x9e3779b1) ^ letters)
  return Array.from({ length: hospital.patients }, (_, index) => {
    const person = personAt(stream, hospital)
    const visits = [visitOf(stream, person, hospital)]
    while (visits.length < 6 && stream.coin(0.18 + 0.08 * person.kidney)) visits.push(visitOf(stream, person, hospital))
    return { key: `${hospital.name}-${index + 1}`, visits }
  })
}

/** A hospital's file as the demo study reads it: one line a visit, the patient's key first. */
export const toCsv = (patients: readonly Patient[]): string =>
  [
    ['patient', ...columns].join(','),
    ...patients.flatMap(({ key, visits }) => visits.map((visit) => [key, ...visit].join(','))),
    '',
  ].join('\n')

/** One uniformly drawn visit of every patient: what a patient-level generator is asked to learn. */
export const oneVisitEach = (patients: readonly Patient[], seed: number): Visit[] => {
  const stream = new SeededStream(seed)
  return patients.flatMap(({ visits }) => visits.slice(Math.floor(stream.uniform() * visits.length)).slice(0, 1))
}
