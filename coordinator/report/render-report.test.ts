import { parseHTML } from 'linkedom'
import { beforeAll, describe, expect, it } from 'vitest'
import { reportFacts } from '../../test/harness/report-fixture.ts'
import { colours } from './page/colours.ts'
import { percent } from './page/datum.ts'
import { renderReport } from './render-report.ts'
import { buildReport, type Report } from './report.ts'

let report: Report
let page: string
let document: ReturnType<typeof parseHTML>['document']
beforeAll(async () => {
  report = buildReport(
    await reportFacts('heart4', {
      sampleRows: 3000,
      where: 'age >= 60',
      handling: 'weighted',
      keep: (codes) => codes[0]! >= 5,
      aborted: [5],
    }),
  )
  page = renderReport(report)
  document = parseHTML(page).document
})

const all = (selector: string, within = document) => [...within.querySelectorAll(selector)]

function* numbersIn(value: unknown): Iterable<number> {
  if (typeof value === 'number') yield value
  else if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) yield* numbersIn(item)
}

/** The number that people read, and half a unit of its last digit. */
const readNumber = (text: string): { value: number; slack: number } => {
  const [, mantissa = '', exponent = '0'] = /^(-?[\d.]+)(?:e([+-]?\d+))?$/.exec(text.replace(/[,\u00a0%\s]/g, '')) ?? []
  const scale = 10 ** Number(exponent) * (text.includes('%') ? 0.01 : 1)
  const digits = mantissa.split('.')[1]?.length ?? 0
  return { value: Number(mantissa) * scale, slack: 0.5001 * 10 ** -digits * scale }
}

describe('renderReport', () => {
  it('is one page that runs nothing and fetches nothing', () => {
    expect(all('script, iframe, object, embed, img, link, base, form, foreignObject')).toEqual([])
    expect(/<script|javascript:|@import|url\(/i.exec(page)).toBeNull()
    for (const element of all('*'))
      for (const { name, value } of element.attributes) {
        expect(name).not.toMatch(/^on|^src$|^srcset$|^xlink:/)
        if (name === 'href') expect(value).toMatch(/^#[a-z]+$/)
      }
    expect(all('meta[http-equiv="Content-Security-Policy"]')[0].getAttribute('content')).toContain("default-src 'none'")
    expect(/https?:\/\//.exec(page)).toBeNull()
  })

  it('says SYNTHETIC first, has a language, one h1, no skipped heading, and links that lead somewhere', () => {
    expect(document.documentElement.getAttribute('lang')).toBe('en')
    expect(document.querySelector('header .mark').textContent).toBe('SYNTHETIC')
    expect(document.querySelector('title').textContent).toContain('SYNTHETIC')
    const levels = all('h1, h2, h3, h4').map(({ tagName }) => Number(tagName.slice(1)))
    expect(levels.filter((level) => level === 1)).toEqual([1])
    levels.forEach((level, i) => expect(level - (levels[i - 1] ?? 0)).toBeLessThanOrEqual(1))
    const ids = all('[id]').map((element) => element.id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const link of all('nav a')) expect(ids).toContain(link.getAttribute('href').slice(1))
    for (const text of [report.release, report.generator.model_sha256, report.context_of_use, ...report.not_for])
      expect(document.querySelector('header').textContent).toContain(text)
  })

  it('follows every chart with a table, and every chart has a name', () => {
    const charts = all('svg')
    expect(charts).toHaveLength(14 + 4)
    for (const svg of charts) {
      expect(svg.getAttribute('role')).toBe('img')
      expect(svg.getAttribute('aria-label').length).toBeGreaterThan(20)
      const { nextElementSibling: details } = svg
      expect(details.tagName).toBe('DETAILS')
      expect(all('tbody tr', details).length).toBeGreaterThan(0)
      expect(details.querySelector('summary').textContent).toContain(
        svg.parentElement.querySelector('figcaption strong').textContent,
      )
    }
  })

  it('draws what the table says: bars from zero, none stacked, error bars where they belong', () => {
    const figures = all('.charts figure')
    expect(figures).toHaveLength(14)
    figures.forEach((figure, j) => {
      const { levels } = report.fidelity.columns[j]!
      const rows = all('tbody tr', figure)
      const inTable = rows.map((row) => all('data', row).map((cell) => Number(cell.getAttribute('value'))))
      expect(inTable).toEqual(
        levels.map(({ released, low, high, network, sample, cohort }) => [
          released,
          low,
          high,
          network,
          sample,
          cohort,
        ]),
      )
      const bars = all('g[aria-label="bar"] rect', figure)
      const left = Number(bars[0].getAttribute('x'))
      const largest = levels.reduce((best, level, i) => (level.released > levels[best]!.released ? i : best), 0)
      const scale = Number(bars[largest].getAttribute('width')) / levels[largest]!.released
      expect(bars).toHaveLength(levels.length)
      bars.forEach((bar, i) => {
        expect(Number(bar.getAttribute('x'))).toBe(left)
        expect(Number(bar.getAttribute('width'))).toBeCloseTo(scale * levels[i]!.released, 1)
      })
      const whiskers = all('g[aria-label="rule"] line', figure).filter((line) => line.getAttribute('x2') !== null)
      levels.forEach((level, i) => {
        expect(Number(whiskers[i].getAttribute('x1'))).toBeCloseTo(left + scale * level.low, 1)
        expect(Number(whiskers[i].getAttribute('x2'))).toBeCloseTo(left + scale * level.high, 1)
      })
      const [samples, cohorts, networks] = all('g[aria-label="dot"]', figure)
      const xOf = (mark: { getAttribute(name: string): string | null }) =>
        Number(mark.getAttribute('cx') ?? /translate\(([\d.]+)/.exec(mark.getAttribute('transform') ?? '')?.[1])
      levels.forEach((level, i) => {
        expect(xOf(samples.children[i])).toBeCloseTo(left + scale * level.sample, 1)
        expect(xOf(cohorts.children[i])).toBeCloseTo(left + scale * level.cohort, 1)
        expect(xOf(networks.children[i])).toBeCloseTo(left + scale * level.network, 1)
      })
    })
  })

  it("shows report.json's numbers and no others, rounded and not changed", () => {
    const known = new Set([...numbersIn(report)].map(String))
    // Lengths of lists are counted for the page.
    for (const list of [report.participation.invited, report.participation.failed]) known.add(String(list.length))
    for (const { levels } of report.fidelity.columns) known.add(String(levels.length))
    const data = all('data')
    expect(data.length).toBeGreaterThan(500)
    for (const element of data) {
      const value = element.getAttribute('value')
      expect(known.has(value), `${value} is not in report.json`).toBe(true)
      const read = readNumber(element.textContent)
      // Bounds are rounded up, the rest to nearest.
      expect(Number(value) - read.value, element.textContent).toBeLessThanOrEqual(read.slack)
      expect(read.value - Number(value), element.textContent).toBeLessThanOrEqual(2 * read.slack)
    }
    for (const sentence of [...report.verdict.sentences, ...report.limits, report.reproduce.cite])
      expect(document.body.textContent).toContain(sentence)
    expect(document.querySelector('pre').textContent).toBe(report.reproduce.commands.join('\n'))
  })

  it('rounds what is promised at most up', () => {
    const { privacy } = report
    const tables = all('table', document.querySelector('#privacy').parentElement).slice(0, 3)
    const bounds = [...all('.tile data'), ...tables.flatMap((each) => all('td:not(:first-child) data, th data', each))]
    const epsilons = [privacy.public, privacy.peer, ...privacy.hospitals, ...privacy.colluders].map(
      (view) => view.epsilon,
    )
    const beliefs = [privacy.public, privacy.peer].flatMap((view) => view.beliefs.map(({ after }) => after))
    const shown = bounds.map((each) => Number(each.getAttribute('value')))
    for (const bound of [...epsilons, ...beliefs]) expect(shown).toContain(bound)
    for (const element of bounds) {
      const value = Number(element.getAttribute('value'))
      if (![...epsilons, ...beliefs].includes(value)) continue
      expect(readNumber(element.textContent).value, element.textContent).toBeGreaterThanOrEqual(value)
    }
  })

  it('shows the generator beside what raking made agree, and says which is which', () => {
    const { fidelity } = report
    const figure = all('figure').find((each) =>
      each.querySelector('strong')?.textContent.startsWith('Distance to the rel'),
    )
    const drawn = all('tbody tr', figure).map((row) =>
      all('data', row).map((cell) => Number(cell.getAttribute('value'))),
    )
    expect(drawn.map(([network, raked]) => [network, raked])).toEqual(
      fidelity.columns.map((column) => [column.network_distance, column.distance]),
    )
    expect(all('svg g[aria-label="dot"]', figure).map((marks) => marks.children.length)).toEqual([14, 14])
    const section = document.querySelector('#fidelity').parentElement.textContent
    expect(section).toContain('raked to these: this tests the raking, not the generator')
    for (const { text } of [percent(fidelity.network_mean_distance), percent(fidelity.raking_effective_share)])
      expect(section).toContain(parseHTML(text).document.documentElement.textContent)
  })

  it('shows what the noise of training did to the support, where the plan knows it', () => {
    const section = () => document.querySelector('#support').parentElement.textContent
    expect(section()).toMatch(/from the noise of training± \d/)
    const without = { ...report, support: { ...report.support, noise_error: null } }
    expect(renderReport(without)).not.toContain('from the noise of training')
  })

  it('gives equal bytes for equal reports', () => {
    expect(renderReport(structuredClone(report))).toBe(page)
  })

  it('shows foreign text as text: names of columns and levels, purposes, conditions', async () => {
    const attack = `<img src=x onerror="alert('1')">`
    const hostile = buildReport({
      ...(await reportFacts('heart4', {
        sampleRows: 300,
        where: `sex = '${attack}'`,
        edit: (study) => ({
          ...study,
          name: 'heart4',
          purpose: `</p>${attack}`,
          columns: study.columns.map((column) =>
            column.kind === 'categorical' && column.name === 'cp'
              ? {
                  ...column,
                  name: `</svg><script>1</script>${attack}`,
                  levels: [attack, '"\'&amp;', 'a\u202Eb\u0007', '</table>'],
                }
              : column,
          ),
        }),
      })),
      purpose: `</style>${attack}`,
      federation: attack,
      releaseId: attack,
    })
    const html = renderReport(hostile)
    const parsed = parseHTML(html).document
    expect(/<img|<script/i.exec(html)).toBeNull()
    expect(parsed.querySelectorAll('img, script')).toHaveLength(0)
    expect(parsed.querySelectorAll('svg')).toHaveLength(18)
    for (const hidden of ['\u202e', '\u0007']) expect(html.includes(hidden)).toBe(false)
    const names = [...parsed.querySelectorAll('.charts figure')][2].textContent
    for (const shown of [attack, '"\'&amp;', 'a\uFFFDb\uFFFD', '</table>']) expect(names).toContain(shown)
    expect(parsed.querySelector('header dd .hash').textContent).toBe(attack)
  })

  it('keeps long names and many levels readable, and the file small', async () => {
    const large = renderReport(
      buildReport(
        await reportFacts('diabetes5-patient', {
          sampleRows: 500,
          edit: (study) => ({
            ...study,
            columns: study.columns.map((column) =>
              column.kind === 'categorical' && column.levels.length > 20
                ? {
                    ...column,
                    levels: column.levels.map((level) => `${level} ${'discharged or transferred '.repeat(5)}`),
                  }
                : column,
            ),
          }),
        }),
      ),
    )
    expect(Buffer.byteLength(large)).toBeLessThan(2e6)
    const parsed = parseHTML(large).document
    for (const text of parsed.querySelectorAll('svg text')) expect(text.textContent.length).toBeLessThanOrEqual(28)
    expect(parsed.body.textContent).toContain(`28 ${'discharged or transferred '.repeat(5)}`.trim())
  })

  it('leaves levels that hardly anybody has out of long charts, says how many it draws, and names a span of days by its first', async () => {
    const [first] = report.fidelity.columns
    const level = { ...first!.levels[0]!, released: 0, low: 0, high: 0.01, network: 0, sample: 0, cohort: 0 }
    const levels = Array.from({ length: 60 }, (_, i) => ({
      ...level,
      level: `[20${10 + i}-01-01, 20${11 + i}-01-01)`,
      ...(i >= 50 && { released: 0.1, network: 0.1 }),
    }))
    const visit = { ...first!, column: 'visit', kind: 'date' as const, levels }
    const drawn = renderReport({ ...report, fidelity: { ...report.fidelity, columns: [visit] } })
    const text = parseHTML(drawn).document.body.textContent
    expect(text).toContain('; the 10 largest of 60 levels')
    expect(text).toContain('from 2069-01-01')
    expect(text).not.toContain('from 2010-01-01')
    expect(text).toContain('[2069-01-01, 2070-01-01)')
  })

  it('has enough contrast on white and on the banner (WCAG 2.2: 4.5 for text, 3 for marks)', () => {
    const luminance = (colour: string) => {
      const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
        const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255
        return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
      })
      return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const contrast = (a: string, b: string) => {
      const [dark = 0, light = 0] = [luminance(a), luminance(b)].toSorted((x, y) => x - y)
      return (light + 0.05) / (dark + 0.05)
    }
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 6)
    for (const ground of ['#ffffff', '#fff4d6'])
      for (const text of [colours.text, colours.quiet, colours.alert, colours.link])
        expect(contrast(text, ground)).toBeGreaterThan(4.5)
    for (const mark of [
      colours.sample,
      colours.network,
      colours.cohort,
      colours.present,
      colours.absent,
      colours.releasedLine,
    ])
      expect(contrast(mark, '#ffffff')).toBeGreaterThan(3)
    for (const mark of [colours.sample, colours.network, colours.cohort, colours.bar])
      expect(contrast(mark, colours.released)).toBeGreaterThan(3)
  })
})
