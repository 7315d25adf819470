import { existsSync, readFileSync } from 'node:fs'
import { pricePlan } from '@tributary/shared/dp/plan'
import { atMostText, beliefText, odds } from '@tributary/shared/dp/odds'
import { manifestOf, parseStudy } from '@tributary/shared/study/manifest'
import { describe, expect, it } from 'vitest'
import { sp800226Schema } from '../../../coordinator/release/sp-800-226.ts'

const root = new URL('../../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const page = read('docs/privacy.md')
const section = (title: string): string => {
  const start = page.indexOf(`\n## ${title}`)
  expect(start, title).toBeGreaterThan(0)
  const end = page.indexOf('\n## ', start + 4)
  return page.slice(start, end < 0 ? undefined : end)
}
/** The cells of every body row of the tables in a text. */
const rowsOf = (text: string): string[][] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\|[-| ]+\|$/.test(line))
    .map((line) =>
      line
        .slice(1, -1)
        .split(' | ')
        .map((cell) => cell.replaceAll('|', '').trim()),
    )

/** Titles of tests and of their groups: the strings that open a call of it, test or describe, on its line or the next. */
const titlesIn = (file: string): string[] =>
  read(file)
    .split('\n')
    .map((line) => line.trim())
    .flatMap((line) => {
      const [, , title] = /^(?:(?:it|test|describe)\b.*?\(|[\])}]*\(?)(['"`])(.*)/.exec(line) ?? []
      return title === undefined ? [] : [title]
    })

/** What is wrong with one row: rule, one line, `files` that enforce it, `test file` "name" of what fails without it. */
const problemsOf = ([rule = '', , enforced = '', tested = '']: readonly string[]): string[] => {
  const files = [...enforced.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file)
  const tests = [...tested.matchAll(/`([^`]+)` "([^"]+)"/g)].map(([, file = '', name = '']) => ({ file, name }))
  const isThere = (file: string) => existsSync(new URL(file, root))
  const found: string[] = []
  if (files.length === 0 || tests.length === 0) found.push(`${rule}: names no file or no test`)
  for (const file of files) {
    if (!isThere(file)) found.push(`${rule}: ${file} is not there`)
    if (/\.test\.ts$|^test\//.test(file)) found.push(`${rule}: ${file} enforces nothing`)
  }
  const titles: string[] = []
  for (const { file, name } of tests) {
    const matching = isThere(file) ? titlesIn(file).filter((title) => title.includes(name)) : []
    if (!file.endsWith('.test.ts') || matching.length === 0) found.push(`${rule}: ${file} has no test "${name}"`)
    titles.push(...matching)
  }
  const number = Number(rule.slice(1))
  if (number >= 6 && number <= 23 && !titles.some((title) => new RegExp(`\\b${rule}\\b`).test(title)))
    found.push(`${rule}: no test is named after it`)
  return found
}

describe('the rules table of docs/privacy.md', () => {
  const rules = rowsOf(section('6. Rules, files, tests')).filter(([rule]) => /^R\d+$/.test(rule ?? ''))

  it('has every rule from R1 to R24, once and in order', () => {
    expect(rules.map(([rule]) => rule)).toEqual(Array.from({ length: 24 }, (_, i) => `R${i + 1}`))
  })

  it('names files that are there and tests that are in them, one named after each of R6 to R23', () => {
    expect(rules.flatMap(problemsOf)).toEqual([])
  })

  it('is found out where a row is wrong', () => {
    const good = rules.find(([rule]) => rule === 'R8') ?? []
    expect(problemsOf(good)).toEqual([])
    const wrong = (column: number, from: string | RegExp, to: string) =>
      problemsOf(good.map((cell, i) => (i === column ? cell.replace(from, to) : cell))).length
    expect(wrong(2, 'shared/', 'share/')).toBe(1)
    expect(wrong(2, /`[^`]+`/, '`shared/dp/adversary-table.test.ts`')).toBe(1)
    expect(wrong(3, 'R8 a peer', 'R8 a peeress')).toBe(2)
    expect(wrong(3, 'adversary-table.test.ts', 'adversary.test.ts')).toBe(2)
    expect(wrong(3, /.*/, '')).toBe(2)
    expect(wrong(0, 'R8', 'R9')).toBe(1)
  })
})

describe('the rest of docs/privacy.md', () => {
  it('names files that are there', () => {
    const files = [...page.matchAll(/`((?:shared|site-agent|coordinator|deploy|test|docs)\/[^`* ]+\.[a-z]+)`/g)]
    expect(files.length).toBeGreaterThan(20)
    for (const [, file = ''] of files) expect(existsSync(new URL(file, root)), file).toBe(true)
  })

  it('tells the odds of the sample study, rounded up', () => {
    const name = 'deploy/samples/studies/diabetes5-patient.yaml'
    const { adversaryTable } = pricePlan(manifestOf(parseStudy(read(name), name).draft))
    const rows = rowsOf(section('1. For a data-protection officer')).filter(([, epsilon]) =>
      /^\d+\.\d$/.test(epsilon ?? ''),
    )
    expect(rows.length).toBe(7)
    for (const [who = '', epsilon, ...beliefs] of rows) {
      const [name, target] = who.split(/: |, about /)
      const row = adversaryTable.find((each) =>
        target?.startsWith('a patient of') ? each.target.name === target : each.name === name,
      )
      const exact = row?.epsilon ?? Number.NaN
      expect(`${who}: ${epsilon}`).toBe(`${who}: ${atMostText(exact, 1)}`)
      expect(Number(epsilon)).toBeGreaterThanOrEqual(exact)
      const percent = [0.01, 0.1, 0.5].map((prior) => beliefText(odds(exact, prior)))
      expect(`${who}: ${beliefs.join(', ')}`).toBe(`${who}: ${percent.join(', ')}`)
    }
  })

  it('explains every field of the section in the order of NIST SP 800-226', () => {
    const explained = rowsOf(section('8. `privacy.json`')).map(([field]) => field)
    const fields = Object.keys(sp800226Schema.shape).filter((field) => field !== 'guideline')
    expect(explained.filter((field) => field?.startsWith('`'))).toEqual(fields.map((field) => `\`${field}\``))
  })
})
