import { oddsSentence } from '@tributary/shared/study/study-report'
import { pricePlan } from '@tributary/shared/dp/plan'
import { beforeAll, describe, expect, it } from 'vitest'
import { reportFacts } from '../../test/harness/report-fixture.ts'
import { CohortTally } from './cohort-tally.ts'
import { definitionsOf } from './definitions.ts'
import { buildReport, type Report, type ReportFacts, reportSchema } from './report.ts'

let heart: ReportFacts
let report: Report
let large: Report
beforeAll(async () => {
  heart = await reportFacts('heart4', {
    sampleRows: 3000,
    where: 'age >= 60 AND sex = 1',
    keep: (codes) => codes[0]! >= 5 && codes[1] === 1,
    aborted: [5, 6],
    raked: true,
  })
  report = buildReport(heart)
  large = buildReport(await reportFacts('diabetes5-patient', { sampleRows: 1500, lost: { site: 4, from: 120 } }))
})

function* numbersIn(value: unknown, path = ''): Iterable<[string, number]> {
  if (typeof value === 'number') yield [path, value]
  else if (Array.isArray(value)) for (const item of value) yield* numbersIn(item, `${path}[]`)
  else if (typeof value === 'object' && value !== null)
    for (const [key, item] of Object.entries(value)) yield* numbersIn(item, path === '' ? key : `${path}.${key}`)
}

describe('buildReport', () => {
  it('keeps to its schema, says what every number is, and repeats', () => {
    for (const each of [report, large]) expect(reportSchema.parse(JSON.parse(JSON.stringify(each)))).toEqual(each)
    expect([...definitionsOf(reportSchema)].filter(([, what]) => what === undefined || what.length < 8)).toEqual([])
    const undefinedNumbers = [...numbersIn(report), ...numbersIn(large)].filter(
      ([path]) => !(path in report.definitions),
    )
    expect(undefinedNumbers).toEqual([])
    expect(buildReport(heart)).toEqual(report)
  })

  it('holds the prices of the study, and odds by Bayes', () => {
    const price = pricePlan(heart.published.manifest)
    const { privacy } = report
    expect([privacy.public.epsilon, privacy.peer.epsilon]).toEqual([
      price.epsilon.public.epsilon,
      price.epsilon.peer.epsilon,
    ])
    expect(privacy.public.odds).toBe(oddsSentence(privacy.public.epsilon))
    for (const view of [privacy.public, privacy.peer])
      for (const { before, after } of view.beliefs) {
        const factor = Math.exp(view.epsilon)
        expect(after).toBeCloseTo((factor * before) / (1 - before + factor * before), 12)
      }
    expect(privacy.colluders.map(({ epsilon }) => epsilon)).toEqual(
      price.epsilon.byColluders.map(({ epsilon }) => epsilon),
    )
    expect(privacy.hospitals.map(({ hospitals }) => hospitals)).toEqual([2, 3, 4])
    expect(privacy.estimand).toMatch(/^a random row/)
    expect(large.privacy.estimand).toMatch(/^a random visit of a random patient/)
    expect(large.privacy.adjacency).toContain('one patient, and all their rows')
  })

  it('says how the training went, where the family says so, and warns first of one that went wrong', () => {
    expect(report.fidelity.notes.join(' ')).not.toContain('While it was trained')
    const notesWith = (is_sound: boolean, words: string) =>
      buildReport({ ...heart, run: { ...heart.run, training: { is_sound, words } } }).fidelity.notes
    expect(notesWith(true, 'no mode collapse')[0]).toContain('own samples were watched: no mode collapse.')
    expect(notesWith(false, 'MODE COLLAPSE in sex')[0]).toMatch(/^Warning: .*: MODE COLLAPSE in sex\.$/)
  })

  it('says of heart4 how little epsilon 1 buys there', () => {
    const { verdict, fidelity } = report
    const query = heart.published.manifest.plan.queries[0]!
    const shares = heart.published.manifest.federation.noise_shares
    // Four contributors; a cell is told from zero only beyond 1.96 deviations of its own noise.
    const units = query.noise_multiplier * query.clip_norm * Math.sqrt(4 / shares)
    const lost = fidelity.columns.flatMap(({ levels }) =>
      levels.filter(({ released }) => released < 1.96 * (units / 950) * Math.sqrt(1 - 1 / levels.length)),
    ).length
    expect(verdict).toMatchObject({ grade: 'little', relations_grade: 'little', cells: 71, cells_like_zero: lost })
    expect(lost).toBeGreaterThan(12)
    expect(verdict.patients_error).toBeCloseTo(1.96 * units, 9)
    expect(verdict.patients_error).toBeGreaterThan(40)
    expect(verdict.relations_noise).toBeGreaterThan(1)
    expect(verdict.sentences[0]).toBe(
      `At epsilon 1 with 950 patients promised, ${lost} of 71 cells of the released marginals cannot be told from zero.`,
    )
    expect(verdict.sentences.join(' ')).toContain('mostly noise')
    expect(report.not_for.join(' ')).toContain('any estimate at all')
    expect(report.limits.join(' ')).toContain('more likely noise than medicine')
    expect(report.limits[0]).toMatch(/^Not evaluated on real patients.*this study bought none/)
    expect(fidelity.notes.join(' ')).toContain('error bars are wide')
  })

  it('compares shares that were counted, within bars of the noise', () => {
    const [age] = report.fidelity.columns
    const released = heart.model.marginals!
    age!.levels.forEach((level, code) => {
      expect(level.released).toBe(released[code])
      expect(level.sample).toBe(heart.sample.counts(0)[code]! / 3000)
      expect(level.network).toBe(heart.network.counts(0)[code]! / 3000)
      expect(level.cohort).toBe(heart.cohort.counts(0)[code]! / heart.cohort.rows)
      expect(level.low).toBeCloseTo(Math.max(0, level.released - 1.96 * age!.deviation), 12)
      expect(level.high).toBeCloseTo(level.released + 1.96 * age!.deviation, 12)
    })
    expect(age!.levels.slice(0, 5).every(({ cohort }) => cohort === 0)).toBe(true)
    const distance = age!.levels.reduce((sum, level) => sum + Math.abs(level.sample - level.released), 0) / 2
    expect(age!.distance).toBeCloseTo(distance, 12)
  })

  it('tells what the network drew from what raking made agree', () => {
    const { fidelity } = report
    // The planted network is far from the marginals that it is raked to; its raked rows are not.
    expect(fidelity.mean_distance).toBeLessThan(0.02)
    expect(fidelity.network_mean_distance).toBeGreaterThan(3 * fidelity.mean_distance)
    expect(fidelity.network_inside).toBeLessThan(fidelity.inside)
    expect(fidelity.network_inside_with_sampling).toBeLessThan(fidelity.inside_with_sampling)
    fidelity.columns.forEach(({ network_distance: found, network_inside: inside, levels }) => {
      const total = levels.reduce((sum, level) => sum + Math.abs(level.network - level.released), 0)
      expect(found).toBeCloseTo(total / 2, 12)
      expect(inside).toBe(levels.filter(({ network, low, high }) => network >= low && network <= high).length)
    })
    expect(fidelity.raking_effective_share).toBe(heart.sampleEffectiveRows / 3000)
    expect(fidelity.raking_effective_share).toBeLessThan(0.99)
    expect(fidelity.notes.join(' ')).toContain('raked to these: this tests the raking, not the generator')
    expect(report.definitions['fidelity.inside']).toContain('tests the raking')
    expect(report.definitions['fidelity.columns[].network_distance']).toContain('not raked')
  })

  it('takes the noise of the marginals from who contributed to them', () => {
    const rounds = heart.run.rounds.map((round) =>
      round.kind === 'marginals' ? { ...round, contributors: round.contributors.slice(0, 1) } : round,
    )
    const alone = buildReport({ ...heart, run: { ...heart.run, rounds } })
    // One share of four, of a sum that counts as one of all four sites.
    const [first, ...others] = heart.published.manifest.sites.map((site) => site.promised_patients)
    const part = first! / others.reduce((sum, patients) => sum + patients, first!)
    expect(alone.fidelity.noise_units / (report.fidelity.noise_units / 2 / part)).toBeCloseTo(1, 12)
  })

  it('tells who contributed to which attempt, and which attempts came to nothing', () => {
    const { participation } = report
    const [marginals, gradient] = heart.published.manifest.plan.queries
    const opened = 1 + gradient!.steps
    expect(participation).toMatchObject({ attempts: opened + 2, opened, least: 4 })
    expect(participation.queries).toEqual([
      { kind: 'marginals', used: 1, reserved: marginals!.attempts },
      { kind: 'gradient', used: gradient!.steps + 2, reserved: gradient!.attempts },
    ])
    expect(participation.sums).toEqual([
      { from: 1, to: 5, present: true },
      { from: 6, to: 7, present: false },
      { from: 8, to: opened + 2, present: true },
    ])
    expect(participation.failed.map(({ attempt }) => attempt)).toEqual([6, 7])
    expect(participation.sites[0]).toMatchObject({ site: 'cleveland', contributed: opened, missed: 0 })
    const valley = large.participation.sites.at(-1)
    expect(valley).toMatchObject({ contributed: 120, missed: large.participation.opened - 120 })
  })

  it('maps pairs of the cohort and of the sample, null where a condition left one value', () => {
    const { pairs } = report
    expect(pairs.cohort[1]![0]).toBeNull() // sex is 1 throughout
    expect(pairs.sample[1]![0]).not.toBeNull()
    const strengths = pairs.strongest.map(({ cohort }) => cohort!)
    expect(strengths).toEqual(strengths.toSorted((a, b) => b - a))
    expect(strengths[0]).toBe(Math.max(...pairs.cohort.flatMap((row, i) => row.slice(0, i).map((value) => value ?? 0))))
  })

  it('tells how to make the cohort again, quoted for a shell', () => {
    const quoted = buildReport({ ...heart, purpose: "the ward's plan" })
    expect(quoted.reproduce.commands[0]).toBe(
      `tributary request heart4 --rows ${heart.plan.rows} --seed 7 --where 'age >= 60 AND sex = 1' --purpose 'the ward'\\''s plan'`,
    )
  })

  it('refuses a model without marginals, no rows, other columns', () => {
    const broken = (change: Partial<ReportFacts>) => () => buildReport({ ...heart, ...change })
    expect(broken({ model: { ...heart.model, marginals: null } })).toThrow(/no marginals/)
    expect(broken({ cohort: new CohortTally(heart.cohort.columns) })).toThrow(/the cohort has no rows/)
    const fewer = new CohortTally(heart.cohort.columns.slice(1))
    fewer.add({ rows: 1, codes: new Uint16Array(13) })
    expect(broken({ sample: fewer })).toThrow(/the sample has other columns/)
    expect(broken({ network: fewer })).toThrow(/the network has other columns/)
  })
})
