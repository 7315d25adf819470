import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readTables } from '../../quality/bench-data.ts'
import { draftOf, unknownSettings } from '../../quality/bench-manifest.ts'
import { benchOptions } from '../../quality/bench-options.ts'
import { benchStudy } from '../../quality/bench-study.ts'
import { measuredCodes } from '../../quality/measured-codes.ts'
import { ruleViolations } from '../../quality/rule-violations.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bench-'))
  const visits = Array.from(
    { length: 300 },
    (_, r) => `p${r % 120},${20 + (r % 60)},${'ABC'[r % 3]},${r % 2},text ${r}`,
  )
  const text = ['patient_id,age,ward,died,note', ...visits].join('\n')
  writeFileSync(join(folder, 'north.csv'), text)
  writeFileSync(join(folder, 'south.csv.gz'), gzipSync(text))
  writeFileSync(join(folder, 'other.csv'), 'x,y\n1,2\n')
  mkdirSync(join(folder, 'arff'))
  const arff = "@relation r\n@attribute 'dose' numeric\n@attribute out {yes,no}\n@data\n"
  writeFileSync(join(folder, 'arff/t.arff'), `${arff}1,\tyes\n2, no\n?,yes\n% said\n`)
  mkdirSync(join(folder, 'bare'))
  writeFileSync(join(folder, 'bare/a.data'), '1\tF\n2\tM\n?\tF\n')
  const schema = {
    dose: { kind: 'num', starts: [0, 2], max: 9, missing: true },
    sex: { kind: 'cat', levels: ['F', 'M'] },
  }
  writeFileSync(join(folder, 'schema.json'), JSON.stringify(schema))
})
afterAll(() => rmSync(folder, { recursive: true }))

const read = (name: string, given: Parameters<typeof benchStudy>[1]) => {
  const known = benchStudy(join(folder, name), given)
  const draft = draftOf(known.file, known.study)
  const left: string[] = []
  return { known, draft, tables: readTables(draft, known.files, (file) => left.push(file)), left }
}

describe('a folder that no study is about', () => {
  it('is read by the largest tables of the same columns: keys and free text out, patients told apart, all of it said', () => {
    const { known, draft, tables } = read('.', { kept: ['died'] })
    expect(draft.columns.map(({ name, kind }) => [name, kind])).toEqual([
      ['age', 'numeric'],
      ['ward', 'categorical'],
      ['died', 'categorical'],
    ])
    expect(draft.privacy.patient_key).toBe('patient_id')
    expect(tables.map(({ name, patients }) => [name, patients.length, new Set(patients).size])).toEqual([
      ['north', 300, 120],
      ['south', 300, 120],
    ])
    const said = known.notes.join('\n')
    for (const word of ['read off the rows', 'column note is left out', 'patient_id tells patients apart', 'other.csv'])
      expect(said).toContain(word)
    expect(said).not.toMatch(/text 1|p11/)
  })

  it('by --table it is another study, and a wrong name says which there are', () => {
    expect(benchStudy(folder, { table: 'north' }).files).toEqual([join(folder, 'north.csv')])
    expect(() => benchStudy(folder, { table: 'west' })).toThrow(/north\.csv, other\.csv, south\.csv\.gz/)
    expect(() => benchStudy(join(folder, 'nowhere'), {})).toThrow(/no folder/)
  })

  it('with an empty file is refused by its name', () => {
    mkdirSync(join(folder, 'empty'))
    writeFileSync(join(folder, 'empty/none.csv'), '')
    expect(() => benchStudy(join(folder, 'empty'), {})).toThrow(/none\.csv: its first line is empty/)
  })

  it('with a schema is still split by patients, whose key the schema does not have', () => {
    const schema = join(folder, 'wards.json')
    writeFileSync(schema, JSON.stringify({ ward: { kind: 'cat', levels: ['A', 'B', 'C'] } }))
    const { known, tables } = read('.', { schema, table: 'north' })
    expect(new Set(tables[0]!.patients).size).toBe(120)
    expect(known.notes.join()).toContain('patient_id tells patients apart')
  })

  it('may hold ARFF, dirty, or no header with a schema', () => {
    const arff = read('arff', { kept: ['out'] })
    expect([...arff.tables[0]!.cells]).toEqual([0, 1, 1, 0, 2, 1])
    const bare = read('bare', { schema: join(folder, 'schema.json') })
    expect(bare.draft.source).toMatchObject({ header: false, columns: ['dose', 'sex'], delimiter: '\t' })
    expect([...bare.tables[0]!.cells]).toEqual([0, 0, 1, 1, 2, 0])
  })
})

describe('measured codes', () => {
  const column = (name: string, kind: object) => ({ name, missing: 'refuse', outside: 'clamp', ...kind }) as never
  const columns = [
    column('fine', { kind: 'numeric', bins: Array.from({ length: 200 }, (_, i) => i), maximum: 200, missing: 'level' }),
    column('small', { kind: 'categorical', levels: ['a', 'b'], ordered: false }),
    column('codes', { kind: 'categorical', levels: Array.from({ length: 90 }, (_, i) => `c${i}`), ordered: false }),
  ]
  const rows = 4000
  const cells = Uint16Array.from({ length: 3 * rows }, (_, i) => {
    const r = Math.floor(i / 3)
    return [r % 10 === 0 ? 200 : (r * r) % 200, r % 2, r % 5 === 0 ? r % 90 : r % 40][i % 3]!
  })

  it('are runs of about equal mass, missing apart, and the common codes of many with the rest as one', () => {
    const codes = measuredCodes(columns, cells, new Set())
    expect(codes.sizes[1]).toBe(2)
    expect(codes.sizes[2]).toBe(64)
    expect(codes.merged).toEqual(['fine', 'codes'])
    const runs = codes.codeOf[0]!
    expect(runs[200]).toBe(codes.sizes[0]! - 1)
    expect(runs.every((run, code) => code === 0 || run >= runs[code - 1]!)).toBe(true)
    const counts = new Float64Array(codes.sizes[0]!)
    codes.measured(cells).forEach((code, at) => at % 3 === 0 && counts[code]!++)
    expect(counts.at(-1)).toBe(rows / 10)
    expect(Math.min(...counts)).toBeGreaterThan(0)
    expect(codes.measured(codes.spread(codes.measured(cells), 1))).toEqual(codes.measured(cells))
    expect(measuredCodes(columns, cells, new Set([0, 2])).merged).toEqual([])
  })
})

it('rows that break a rule are counted by printed values', () => {
  const study = draftOf('rules.yaml', {
    tributary: 'study/1',
    name: 'rules',
    purpose: 'test',
    source: { format: 'csv' },
    columns: [
      { name: 'sex', kind: 'categorical', levels: ['F', 'M'] },
      { name: 'pregnant', kind: 'categorical', levels: ['no', 'yes'] },
    ],
    constraints: ['IF sex = M THEN pregnant = no'],
    privacy: { unit: 'row', most_rows_per_patient: 1, epsilon: 1, delta: 1e-5 },
    family: { name: 'mixture' },
    sites: ['a', 'b', 'c'].map((name) => ({ name, promised_patients: 100, promised_rows: 100 })),
  })
  expect(ruleViolations(study)!.inCodes(Uint16Array.of(0, 0, 0, 1, 1, 0, 1, 1, 1, 1))).toBe(2) // safe because it has one
  expect(ruleViolations({ ...study, constraints: undefined } as never)).toBeNull()
})

it('a command line is checked before anything is read', () => {
  const refused = (...argv: string[]) => expect(() => benchOptions(argv, false))
  refused().toThrow(/--data DIR is missing/)
  refused('--data', 'd', '--family', 'aim').toThrow(/one of autoregressive, mixture, gan, auto/)
  refused('--data', 'd', '--epsilon', '1,x').toThrow(/--epsilon x/)
  refused('--data', 'd', '--seeds', '0').toThrow(/whole number from 1/)
  refused('--data', 'd', '--what').toThrow(/Unknown option '--what'$/)
  expect(benchOptions(['--help'], true)).toBeNull()
  const given = benchOptions(
    ['--data', 'd', '--epsilon', '1,3', '--seeds', '2', '--from', '5', '--target', 'a!=b'],
    true,
  )
  expect(given).toMatchObject({ epsilons: [1, 3], seeds: [5, 6], progress: true, tables: { kept: ['a'] } })
  expect(benchOptions(['--data', 'd', '--quiet'], true)?.progress).toBe(false)
  expect(unknownSettings(['mixture'], { components: 3, hidden: 4 })).toEqual(['hidden'])
})
