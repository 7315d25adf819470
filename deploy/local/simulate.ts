import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { hospitals, simulatePatients, toCsv } from './patient-simulator.ts'

/** `npm run -s simulate -- --out FOLDER`: one CSV file a hospital, of people who do not exist; equal seeds give equal files. */
const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help || values.out === undefined) {
  console.log(
    'npm run -s simulate -- --out FOLDER [--seed 1]\n\nWrites the simulated patients of four hospitals as CSV.',
  )
  process.exitCode = values.help ? 0 : 4
} else {
  const folder = resolve(process.env['INIT_CWD'] ?? process.cwd(), values.out)
  mkdirSync(folder, { recursive: true })
  for (const hospital of hospitals) {
    const patients = simulatePatients(hospital, Number(values.seed))
    writeFileSync(join(folder, `${hospital.name}.csv`), toCsv(patients))
    console.log(`${values.out}/${hospital.name}.csv: ${patients.length} patients`)
  }
}
