import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fc, test as property } from '@fast-check/vitest'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { SourceDescription } from '../table/open-table.ts'
import { EncodedRecords } from './encoded-records.ts'
import { partRecords } from './held-out-part.ts'
import { Holdout } from './holdout.ts'
import { loadParted } from './load-records.ts'
import type { RecordsSpec } from './source-pass.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parted-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const holdout = new Holdout(new Uint8Array(32).fill(7))

/** One numeric column that says who a row is of, so that a test can tell; the study must not know. */
const spec = (key: string): RecordsSpec => ({
  source: { format: 'csv', header: true, delimiter: ',', missing: [], encoding: 'utf-8' },
  columns: [
    {
      name: 'mark',
      kind: 'numeric',
      bins: Array.from({ length: 200 }, (_, i) => i),
      maximum: 199,
      integer: true,
      missing: 'refuse',
      outside: 'refuse',
    },
  ],
  privacy: { unit: 'patient', patient_key: key, epsilon: 1, delta: 1e-5 },
})

const source = (content: string, delimiter = ','): SourceDescription => {
  const path = join(folder, `visits-${Math.abs(content.length)}.csv`)
  writeFileSync(path, content)
  return { format: 'csv', header: true, delimiter, missing: [], encoding: 'utf-8', path }
}

const rows = Array.from({ length: 600 }, (_, row) => (row * row) % 200)
const marks = (records: EncodedRecords) => [...records.codes]

test('R22 holdout: all rows of a patient are on one side, and no row is lost or on both', async () => {
  const file = source(`who,mark\n${rows.map((patient) => `${patient},${patient}`).join('\n')}\n`)
  const { training, heldOut, problems } = await loadParted(spec('who'), file, holdout)
  expect(problems).toEqual([])
  expect(marks(heldOut).every((patient) => holdout.isHeldOut(String(patient)))).toBe(true)
  expect(marks(training).some((patient) => holdout.isHeldOut(String(patient)))).toBe(false)
  const ascending = (values: readonly number[]) => values.toSorted((a, b) => a - b)
  expect(ascending([...marks(training), ...marks(heldOut)])).toEqual(ascending(rows))
  expect(heldOut.units).toBe(new Set(marks(heldOut)).size)
  expect(heldOut.units).toBeGreaterThan(2)
})

test('R22 holdout: other studies and sources of the same patients hold out the same ones', async () => {
  const sides = async (key: string, file: SourceDescription) =>
    new Set(marks((await loadParted(spec(key), file, holdout)).heldOut))
  const first = await sides('who', source(`who,mark\n${rows.map((p) => `${p},${p}`).join('\n')}\n`))
  const shuffled = rows.toReversed().map((p) => `x;${p};"00${p}"`)
  expect(await sides('person_id', source(`note;mark;person_id\n${shuffled.join('\n')}\n`, ';'))).toEqual(first)
  // Half the patients gone, among them some that were held out: nobody else changes sides.
  const half = rows.filter((patient) => patient % 2 === 0)
  const left = await sides('who', source(`mark,who\n${half.map((p) => `${p},${p}.0`).join('\n')}\n`))
  expect(left).toEqual(new Set([...first].filter((patient) => patient % 2 === 0)))
})

const table = fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.boolean()), { maxLength: 12 })

property.prop([table])('R22 holdout: parting keeps order and rows', (patients) => {
  const starts = Uint32Array.from([0, ...patients.map(([rows]) => rows)])
  for (let i = 1; i < starts.length; i++) starts[i]! += starts[i - 1]!
  const codes = Uint16Array.from({ length: 2 * (starts.at(-1) ?? 0) }, (_, i) => i)
  const records = new EncodedRecords(2, codes, starts)
  const mask = Uint8Array.from(patients, ([, isHeldOut]) => Number(isHeldOut))
  const { training, heldOut } = partRecords(records, mask)
  for (const [part, side] of [
    [training, false],
    [heldOut, true],
  ] as const) {
    const chosen = patients.flatMap(([, isHeldOut], unit) => (isHeldOut === side ? [unit] : []))
    expect(part.units).toBe(chosen.length)
    expect([...part.codes]).toEqual(chosen.flatMap((u) => [...codes.subarray(2 * starts[u]!, 2 * starts[u + 1]!)]))
  }
})

test('records by row cannot be parted', () => {
  expect(() => partRecords(new EncodedRecords(1, new Uint16Array(3), null), new Uint8Array(3))).toThrow('by patient')
})
