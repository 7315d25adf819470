import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { parseStudy } from '@tributary/shared/study/manifest'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from '../harness/sources.ts'
import { readCohort } from '../quality/cohort-file.ts'
import { readHospitals } from '../quality/dataset.ts'
import { type HospitalTable, readHospital } from '../quality/hospital-table.ts'
import { isHeldOut, pooled, splitOf, unitsOf, weighted, writeTraining } from '../quality/patient-splits.ts'

const study = parseStudy(
  `tributary: study/1
name: split
purpose: test
source: { format: csv }
columns:
  - { name: age, kind: numeric, bins: [0, 30, 60], maximum: 120, integer: true }
  - { name: sex, kind: categorical, levels: [F, M] }
privacy: { unit: row, patient_key: who, most_rows_per_patient: 4, epsilon: 3, delta: 1.0e-6 }
family: { name: autoregressive }
sites:
  - { name: north, promised_patients: 400, promised_rows: 900 }
  - { name: south, promised_patients: 400, promised_rows: 900 }
  - { name: west, promised_patients: 400, promised_rows: 900 }
`,
  'split.yaml',
).draft

/** Patient p of a site has 1 + p mod 3 rows, all of sex p mod 2. */
const linesOf = (site: string) =>
  Array.from({ length: 300 }, (_, p) =>
    Array.from({ length: 1 + (p % 3) }, (_, i) => `${site}${p},${p % 2 === 0 ? 'F' : 'M'},${(7 * p + 31 * i) % 100}`),
  ).flat()

let folder = ''
let hospitals: HospitalTable[]
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-splits-'))
  for (const site of ['north', 'south', 'west'])
    writeFileSync(join(folder, `${site}.csv.gz`), gzipSync(`who,sex,age\r\n${linesOf(site).join('\r\n')}\r\n`))
  hospitals = readHospitals(study, { file: (site) => join(folder, `${site}.csv.gz`) })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('splits', () => {
  it('hold out by the first 8 hex digits of SHA-256(split|patient), modulo 5', () => {
    // By sha256sum: e9ed09da, 60ac8d13, aa920069, 6707f927, f230223d.
    expect([0, 1, 2, 3, 4].map((split) => isHeldOut(split, '100000170'))).toEqual([false, false, false, false, true])
    const held = Array.from({ length: 5000 }, (_, i) => isHeldOut(3, `p${i}`)).filter(Boolean).length
    expect(Math.abs(held - 1000)).toBeLessThan(6 * Math.sqrt(800))
  })

  it('read the study’s columns, in its order and codes', () => {
    const [north] = hospitals
    expect(north?.lines).toEqual(linesOf('north'))
    const wanted = linesOf('north').flatMap((line) => {
      const [, sex, age] = line.split(',')
      return [Math.min(2, Math.floor(Number(age) / 30)), sex === 'F' ? 0 : 1]
    })
    expect([...(north?.cells ?? [])]).toEqual(wanted)
  })

  it('part the rows, never a patient, and every split parts them otherwise', () => {
    const all = pooled(hospitals)
    const sides = [0, 1].map((split) => {
      const { train, heldOut } = splitOf(hospitals, split)
      const kept = pooled(train)
      expect(kept.patients.length + heldOut.patients.length).toBe(all.patients.length)
      expect(kept.cells.length + heldOut.cells.length).toBe(all.cells.length)
      expect(heldOut.patients.length).toBeGreaterThan(0)
      expect(kept.patients.every((patient) => !isHeldOut(split, patient))).toBe(true)
      expect(heldOut.patients.every((patient) => isHeldOut(split, patient))).toBe(true)
      // Codes stay with their patient: sex is the parity of the number.
      for (const table of [...train, heldOut])
        table.patients.forEach((patient, row) => {
          expect(table.cells[2 * row + 1]).toBe(Number(patient.replace(/\D/g, '')) % 2)
        })
      return heldOut.patients.join()
    })
    expect(sides[0]).not.toBe(sides[1])
  })

  it('weigh a patient’s rows to one, or each row as one', () => {
    const table = pooled(hospitals)
    const weights = weighted(table, 'patient').weights ?? new Float64Array()
    const totals = new Map<string, number>()
    table.patients.forEach((patient, row) => totals.set(patient, (totals.get(patient) ?? 0) + weights[row]!))
    expect(totals.size).toBe(900)
    for (const total of totals.values()) expect(total).toBeCloseTo(1, 12)
    expect(weighted(table, 'row')).toEqual({ cells: table.cells })
    expect([unitsOf(table, 'patient'), unitsOf(table, 'row')]).toEqual([900, table.patients.length])
  })

  it('write each hospital’s training lines as they were, and no held-out patient', () => {
    const out = join(folder, 'training')
    mkdirSync(out)
    expect(writeTraining(hospitals, 2, out)).toEqual(
      ['north', 'south', 'west'].map((name) => `${name}=${out}/${name}.csv`),
    )
    const { train } = splitOf(hospitals, 2)
    for (const [index, { name, lines }] of hospitals.entries()) {
      const [header, ...written] = readFileSync(join(out, `${name}.csv`), 'utf8')
        .trimEnd()
        .split('\n')
      expect(header).toBe('who,sex,age')
      expect(written).toHaveLength(train[index]?.patients.length ?? 0)
      expect(written).toEqual(lines.filter((line) => !isHeldOut(2, line.split(',')[0]!)))
    }
  })

  it('never write into the repository', () => {
    for (const inside of [root, join(root, 'test/quality'), join(root, 'out')])
      expect(() => writeTraining(hospitals, 0, inside)).toThrow('inside the repository')
  })
})

describe('a file without header and key', () => {
  const bare = parseStudy(
    `tributary: study/1
name: bare
purpose: test
source: { format: csv, header: false, columns: [sex, age], missing: ["?"] }
columns:
  - { name: age, kind: numeric, bins: [0, 30, 60], maximum: 120, integer: true, missing: level }
  - { name: sex, kind: categorical, levels: ["0", "1"], numeric_text: true }
privacy: { unit: row, most_rows_per_patient: 1, epsilon: 3, delta: 1.0e-4 }
family: { name: autoregressive }
sites:
  - { name: north, promised_patients: 40, promised_rows: 40 }
  - { name: south, promised_patients: 40, promised_rows: 40 }
  - { name: west, promised_patients: 40, promised_rows: 40 }
`,
    'bare.yaml',
  ).draft
  const file = (text: string) => {
    const path = join(folder, 'bare.data')
    writeFileSync(path, text)
    return path
  }

  it('is read by the study’s own column names, each row a patient of its own', () => {
    const table = readHospital(bare, 'north', file('1.0,?\n0,65\n'))
    expect([...table.cells]).toEqual([3, 1, 2, 0])
    expect(table.patients).toEqual(['north:0', 'north:1'])
    expect(table.header).toBeNull()
  })

  it('is written without a header, every line in its split or held out', () => {
    const table = readHospital(bare, 'north', file(`${Array.from({ length: 99 }, (_, i) => `0,${i}`).join('\n')}\n`))
    const out = join(folder, 'bare')
    mkdirSync(out)
    writeTraining([table], 1, out)
    const written = readFileSync(join(out, 'north.csv'), 'utf8').trimEnd().split('\n')
    expect(written).toEqual(table.lines.filter((_, row) => !isHeldOut(1, `north:${row}`)))
    expect(written.length).toBeLessThan(99)
    expect(written.length).toBeGreaterThan(50)
  })

  it('names the line that is ragged, and never its text', () => {
    expect(() => readHospital(bare, 'north', file('1,30\n7777\n'))).toThrow('bare.data:2 is not a plain line')
    expect(() => readHospital(bare, 'north', join(folder, 'absent.data'))).toThrow('NOT RUN')
  })
})

describe('a written cohort', () => {
  const read = (text: string) => {
    const path = join(folder, 'cohort.csv')
    writeFileSync(path, text)
    return readCohort(path, study)
  }

  it('is read back to codes', async () => {
    expect([...(await read('age,sex,_synthetic_release\n29,M,x\n120,F,x\n'))]).toEqual([0, 1, 2, 0])
  })

  it.each([
    ['other columns', 'sex,age,_synthetic_release\nM,29,x\n', 'other columns'],
    ['no mark', 'age,sex\n29,M\n', 'other columns'],
    ['an unknown level', 'age,sex,_synthetic_release\n29,M,x\n29,X,x\n', 'cohort.csv:3: no value of sex'],
    ['a number outside', 'age,sex,_synthetic_release\n121,M,x\n', 'cohort.csv:2: no value of age'],
    ['a ragged line', 'age,sex,_synthetic_release\n29,x\n', 'cohort.csv:2 is not a plain line'],
  ])('is refused with %s', async (_, text, message) => {
    await expect(read(text)).rejects.toThrow(message)
  })
})
