import { columns } from './patient-simulator.ts'

/** Reads one cell of a row by its column's name. */
export type Cell = (column: (typeof columns)[number]) => string

/** One arrow of the simulator's graph as two rates that differ because of it. */
export interface KnownDependency {
  readonly says: string
  readonly event: (cell: Cell) => boolean
  readonly low: { readonly name: string; readonly given: (cell: Cell) => boolean }
  readonly high: { readonly name: string; readonly given: (cell: Cell) => boolean }
}

const yes = (column: Parameters<Cell>[0]) => (cell: Cell) => cell(column) === 'yes'
const number = (cell: Cell, column: Parameters<Cell>[0]) => Number(cell(column))
const treatable = (cell: Cell) => cell('hypertension') === 'yes'

export const knownDependencies: readonly KnownDependency[] = [
  {
    says: 'diabetes rises with weight',
    event: yes('diabetes'),
    low: { name: 'BMI under 25', given: (cell) => number(cell, 'bmi') < 25 },
    high: { name: 'BMI 30 and over', given: (cell) => number(cell, 'bmi') >= 30 },
  },
  {
    says: 'hypertension rises with age',
    event: yes('hypertension'),
    low: { name: 'under 40', given: (cell) => number(cell, 'age') < 40 },
    high: { name: '70 and over', given: (cell) => number(cell, 'age') >= 70 },
  },
  {
    says: 'ACE inhibitors go to hypertension',
    event: (cell) => cell('treatment') === 'ace-inhibitor',
    low: { name: 'no hypertension', given: (cell) => !treatable(cell) },
    high: { name: 'with hypertension', given: treatable },
  },
  {
    says: '... but stop at kidney failure',
    event: (cell) => cell('treatment') === 'ace-inhibitor',
    low: { name: 'hypertension, G4-5', given: (cell) => treatable(cell) && cell('kidney') === 'G4-5' },
    high: { name: 'hypertension, G3', given: (cell) => treatable(cell) && cell('kidney').startsWith('G3') },
  },
  {
    says: 'readmission follows emergencies',
    event: yes('readmitted'),
    low: { name: 'elective, G1', given: (cell) => cell('admission') === 'elective' && cell('kidney') === 'G1' },
    high: {
      name: 'emergency, G3',
      given: (cell) => cell('admission') === 'emergency' && cell('kidney').startsWith('G3'),
    },
  },
]

/** Share of the rows in `given` where `event` holds; NaN when nobody is in it. */
export const rateOf = (
  rows: readonly (readonly string[])[],
  event: (cell: Cell) => boolean,
  given: (cell: Cell) => boolean,
): number => {
  let among = 0
  let hits = 0
  for (const row of rows) {
    const cell: Cell = (column) => row[columns.indexOf(column)] ?? ''
    if (!given(cell)) continue
    among++
    if (event(cell)) hits++
  }
  return hits / among
}
