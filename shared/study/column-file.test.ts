import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { columnsOf, decodeCell, encodeCell, layoutOfColumns, sizeOfColumn } from '../schema/column.ts'
import { StudyRefused } from './finding.ts'
import { levelsBeside } from './levels-file.ts'
import { decodeManifest, encodeManifest, freezeStudy, manifestHash, parseManifest, parseStudy } from './manifest.ts'
import { withPlan } from './plan-text.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'study-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const study = (columns: string) => `tributary: study/1
name: any-table
purpose: Columns of every kind.
source: { format: csv, header: true, missing: [NA] }
columns:
${columns.replaceAll(/^/gm, '  ')}
privacy: { unit: row, most_rows_per_patient: 1, epsilon: 2, delta: 1.0e-5 }
family: { name: autoregressive, hidden: 4, steps: 20 }
sites:
  - { name: north, promised_patients: 3000, promised_rows: 3000 }
  - { name: east, promised_patients: 3000, promised_rows: 3000 }
  - { name: south, promised_patients: 3000, promised_rows: 3000 }
`
const path = () => join(folder, 'study.yaml')
const parse = (columns: string) => parseStudy(study(columns), path(), 'keep', levelsBeside(path())).draft
const findings = (columns: string) => {
  try {
    parse(columns)
  } catch (error) {
    if (error instanceof StudyRefused) return error.message.replaceAll(`${path()}:`, '')
    throw error
  }
  return ''
}
const sex = '- { name: sex, kind: categorical, levels: [F, M] }'

describe('columns of a study file', () => {
  it('a site column has the sites as levels, in their order, and is asked of no table', () => {
    const { columns } = parse(`- { name: hospital, kind: site }\n${sex}`)
    expect(columns[0]).toMatchObject({ kind: 'categorical', levels: ['north', 'east', 'south'], filled_with: 'site' })
    expect(findings(`- { name: hospital, kind: site, levels: [north] }\n${sex}`)).toMatch(
      /6 columns\[0\].levels: unknown/,
    )
    expect(findings(`- { name: hospital, kind: site }\n- { name: clinic, kind: site }\n${sex}`)).toMatch(/second site/)
    expect(findings('- { name: hospital, kind: site }')).toMatch(/no column that a table holds/)
    expect(findings(`${sex}\n- { name: x, kind: categorical, levels: [a], filled_with: site }`)).toMatch(/unknown key/)
  })

  it('a manifest written out as JSON is a study file that means itself', () => {
    const dated = '- { name: born, kind: date, from: 1950-01-01, to: 1999-12-31, every: year }'
    const manifest = freezeStudy(parse(`- { name: hospital, kind: site }\n${sex}\n${dated}`))
    const auto = { ...manifest, family: { ...manifest.family, chosen: 'auto' } }
    for (const given of [manifest, auto]) {
      expect(parseManifest(JSON.stringify(given, null, 2), 'study.json')).toEqual(given)
      expect(freezeStudy(parseStudy(JSON.stringify(given), 'study.json', 'drop').draft)).toEqual(given)
    }
    const wrong = JSON.stringify({ ...manifest, columns: [{ ...manifest.columns[0], levels: ['a', 'b', 'c'] }] })
    expect(() => parseManifest(wrong, 'study.json')).toThrow(/names, in their order/)
  })

  it('a manifest cannot give the sites other names, nor an order of its own', () => {
    const manifest = freezeStudy(parse(`- { name: hospital, kind: site }\n${sex}`))
    const [site, ...rest] = manifest.columns
    if (site?.kind !== 'categorical') throw new Error('the site column comes first')
    for (const levels of [
      ['north', 'south', 'east'],
      ['north', 'east'],
      ['a', 'b', 'c'],
    ]) {
      const forged = encodeManifest({ ...manifest, columns: [{ ...site, levels }, ...rest] })
      expect(() => decodeManifest(forged)).toThrow(/sites' names/)
    }
    const lax = encodeManifest({ ...manifest, columns: [{ ...site, missing: 'level' }, ...rest] })
    expect(() => decodeManifest(lax)).toThrow(/no missing/)
  })

  it('grids and dates are spelled out in the manifest, so that its hash covers every edge', () => {
    const text = `${sex}
- { name: tsh, kind: numeric, unit: mIU/L, grid: { from: 0.005, to: 600, cells: 200, scale: log }, outside: clamp }
- { name: seen, kind: date, from: 2020-02-29, to: 2023-12-31, every: month, missing: level }`
    const manifest = freezeStudy(parse(text))
    const again = decodeManifest(encodeManifest(manifest))
    expect(again).toEqual(manifest)
    const [, tsh, seen] = again.columns
    expect(tsh).toMatchObject({ kind: 'numeric', unit: 'mIU/L', maximum: 600 })
    expect(tsh).not.toHaveProperty('grid')
    expect([tsh, seen].map((column) => sizeOfColumn(column!))).toEqual([200, 48])
    const planned = withPlan(study(text), manifest.plan)
    expect(manifestHash(parseManifest(planned, path()))).toBe(manifestHash(manifest))
    const other = freezeStudy(parse(text.replace('2020-02-29', '2020-02-28')))
    expect(manifestHash(other)).not.toBe(manifestHash(manifest))
  })

  it.each([
    ['- { name: x, kind: date, from: 2020-02-30, to: 2021-01-01, every: day }', /6 columns\[0\].from: must be a date/],
    ['- { name: x, kind: date, from: 2021-02-01, to: 2021-01-01, every: day }', /6 columns\[0\].to: before from/],
    ['- { name: x, kind: date, from: 1500-01-01, to: 2021-01-01, every: day }', /6 columns\[0\].every: more than/],
    ['- { name: x, kind: numeric, grid: { from: 1, to: 2, cells: 1025 } }', /6 columns\[0\].grid.cells/],
    ['- { name: x, kind: numeric, bins: [0, 1.25], maximum: 2, decimals: 1 }', /6 columns\[0\].bins\[1\]: more than 1/],
    ['- { name: x, kind: numeric, bins: [0], maximum: 1.0e+12, decimals: 9 }', /6 columns\[0\].maximum: too large/],
    ['- { name: x, kind: numeric, bins: [0], maximum: 9, decimals: 2, integer: true }', /6 columns\[0\].decimals/],
    [
      '- { name: x, kind: categorical, levels: [a1, a2], hierarchy: { prefixes: [2, 1] } }',
      /prefixes\[1\]: prefixes must/,
    ],
    ['- { name: x, kind: categorical }', /6 columns\[0\].levels: missing: name levels or a levels_file/],
  ])('%s names its line', (columns, message) => expect(findings(columns)).toMatch(message))
})

describe('level files', () => {
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  const file = (name: string) => `- { name: code, kind: categorical, levels_file: ${name} }`
  const levelsIn = (name: string) => {
    const [column] = parse(file(name)).columns
    return column?.kind === 'categorical' ? column.levels : []
  }

  it('one level a line, or the first column of a CSV with a header', () => {
    write('plain.txt', '\uFEFFA00\r\n\r\n  A01\t\r\nB, other')
    expect(levelsIn('plain.txt')).toEqual(['A00', 'A01', 'B, other'])
    write('codes.csv', 'code,text\n"A00","cholera,\nany"\nA01,"typhoid ""fever"""\n"B ""x""",\n\n')
    expect(levelsIn('codes.csv')).toEqual(['A00', 'A01', 'B "x"'])
    mkdirSync(join(folder, 'codes'), { recursive: true })
    write('codes/more.txt', 'z')
    expect(levelsIn('codes/more.txt')).toEqual(['z'])
  })

  it('is frozen into the manifest: the hash covers its levels, and the file is not asked for again', () => {
    write('frozen.txt', 'A\nB\n')
    const manifest = freezeStudy(parse(file('frozen.txt')))
    const bytes = encodeManifest(manifest)
    write('frozen.txt', 'A\nC\n')
    expect(decodeManifest(bytes)).toEqual(manifest)
    expect(JSON.stringify(manifest)).not.toContain('frozen.txt')
    expect(manifestHash(freezeStudy(parse(file('frozen.txt'))))).not.toBe(manifestHash(manifest))
  })

  it('says what is wrong with the file, by the line of either', () => {
    write('twice.txt', 'A\nB\nA\n')
    expect(findings(file('twice.txt'))).toMatch(/6 columns\[0\].levels_file: twice.txt line 3: named twice/)
    write('empty.txt', '\n')
    expect(findings(file('empty.txt'))).toMatch(/names no level/)
    write('long.txt', `A\n${'x'.repeat(201)}\n`)
    expect(findings(file('long.txt'))).toMatch(/line 2: longer/)
    expect(findings(`${file('twice.txt').slice(0, -2)}, levels: [A] }`)).toMatch(/levels are named already/)
  })

  it('nothing outside the folder of the study is read into what everybody sees', () => {
    write('secret.txt', 'x')
    mkdirSync(join(folder, 'inner'), { recursive: true })
    const inner = join(folder, 'inner', 'study.yaml')
    for (const name of [
      '../secret.txt',
      '/etc/passwd',
      join(folder, 'secret.txt'),
      'a/../../secret.txt',
      '..\\secret.txt',
    ])
      expect(() => parseStudy(study(file(name)), inner, 'keep', levelsBeside(inner))).toThrow(/no readable file/)
    expect(() => parseStudy(study(file('secret.txt')), path())).toThrow(/no readable file/)
  })
})

describe('code systems', () => {
  it('three columns of 10,000 codes: one map each, a manifest of some hundred kilobytes, nothing quadratic', () => {
    const codes = Array.from({ length: 10_000 }, (_, i) => {
      const letter = String.fromCharCode(65 + (i % 26))
      return `${letter}${String(Math.floor(i / 26) % 100).padStart(2, '0')}.${Math.floor(i / 2600)}`
    })
    writeFileSync(join(folder, 'icd.txt'), codes.join('\n'))
    const column = (name: string) =>
      `- { name: ${name}, kind: categorical, levels_file: icd.txt, hierarchy: { prefixes: [1, 3] }, missing: level }`
    const { draft } = parseStudy(study(['d1', 'd2', 'd3'].map(column).join('\n')), path(), 'keep', levelsBeside(path()))
    expect(layoutOfColumns(draft.columns).sizes).toEqual([10_001, 10_001, 10_001])
    const bytes = new TextEncoder().encode(JSON.stringify(draft.columns)).length
    expect(bytes).toBeLessThan(400_000)
    const [first] = columnsOf(draft)
    const before = process.memoryUsage().heapUsed
    const started = performance.now()
    let sum = 0
    for (let round = 0; round < 20; round++) for (const code of codes) sum += encodeCell(first!, code) === round ? 1 : 0
    expect(sum).toBe(20)
    // 200,000 look-ups: linear searches would take a minute.
    expect(performance.now() - started).toBeLessThan(2_000)
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 2 ** 20)
    expect(codes.every((code, i) => decodeCell(first!, i, 0) === code)).toBe(true)
  })
})

it('the published schema knows every way to write a column', () => {
  const published = readFileSync(new URL('../../docs/study.schema.json', import.meta.url), 'utf8')
  for (const word of ['levels_file', 'grid', 'every', 'hierarchy', '"site"', '"date"', 'mg/dL'])
    expect(published).toContain(word)
  expect(published).not.toContain('filled_with')
})
