import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { buildReport } from '../../coordinator/report/report.ts'
import { renderReport } from '../../coordinator/report/render-report.ts'
import { reportFacts } from '../harness/report-fixture.ts'
import { requireAbility } from '../harness/requirement.ts'

/* The report as its reader opens it: a file, in a real browser, on a desk, on a telephone and on paper. */
const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync)
const describeBrowser = requireAbility('a browser', 'apt-get install chromium', browserPath !== undefined)

/* Run inside the page, as text: the types of a document are not those of this program. */
const chartsDrawn = `[...document.querySelectorAll('svg')].map((svg) => {
  const { width, height } = svg.getBoundingClientRect()
  return { w: width, h: height, marks: svg.querySelectorAll('rect, circle, path, line, text').length }
})`
const overlappingLabels = `(() => {
  const axes = [...document.querySelectorAll('svg [aria-label*="tick label"]')]
  const found = axes.flatMap((axis) => {
    const labels = [...axis.querySelectorAll('text')].map((text) => [text.textContent, text.getBoundingClientRect()])
    return labels.flatMap(([one, a], index) =>
      labels.slice(index + 1).flatMap(([other, b]) => {
        const x = Math.min(a.right, b.right) - Math.max(a.left, b.left)
        const y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top)
        return x > 1 && y > 4 ? [one + ' on ' + other] : []
      }),
    )
  })
  return { axes: axes.length, found }
})()`

describeBrowser.each(['heart4', 'diabetes5-patient'])('the report of %s', (study) => {
  let browser: Browser
  let page: Page
  let folder = ''
  const asked: string[] = []
  const complaints: string[] = []

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tributary-browser-'))
    const facts = await reportFacts(study, { sampleRows: 2000 })
    const file = join(folder, 'report.html')
    writeFileSync(file, renderReport(buildReport(facts)))
    browser = await chromium.launch({ ...(browserPath && { executablePath: browserPath }), args: ['--no-sandbox'] })
    page = await browser.newPage({ viewport: { width: 1200, height: 900 } })
    page.on('request', (request) => asked.push(request.url()))
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    await page.goto(pathToFileURL(file).href)
  })

  afterAll(async () => {
    await browser.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('asks for nothing but itself, complains of nothing, says first that it is synthetic', async () => {
    expect(asked.filter((url) => !url.startsWith('data:'))).toHaveLength(1)
    expect(complaints).toEqual([])
    const banner = await page.getByText('SYNTHETIC', { exact: true }).first().boundingBox()
    expect(banner?.y).toBeLessThan(200)
  })

  it.each([
    [1200, 900],
    [400, 800],
  ])('at %i px nothing sticks out, and every chart is drawn inside its own frame', async (width, height) => {
    await page.setViewportSize({ width, height })
    const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - window.innerWidth')
    expect(overflow).toBeLessThanOrEqual(0)
    const charts = await page.evaluate<{ w: number; h: number; marks: number }[]>(chartsDrawn)
    expect(charts.length).toBeGreaterThan(10)
    for (const { w, h, marks } of charts) {
      expect(w).toBeGreaterThan(0)
      expect(h).toBeGreaterThan(0)
      expect(marks).toBeGreaterThan(2)
    }
  })

  it('no two labels of a chart’s axis lie on each other', async () => {
    await page.setViewportSize({ width: 1200, height: 900 })
    const overlaps = await page.evaluate<{ axes: number; found: string[] }>(overlappingLabels)
    expect(overlaps.axes).toBeGreaterThan(10)
    expect(overlaps.found).toEqual([])
  })

  it('prints on A4', async () => {
    const pdf = await page.pdf({ format: 'A4' })
    expect(pdf.subarray(0, 5).toString()).toBe('%PDF-')
    const pages = (pdf.toString('latin1').match(/\/Type\s*\/Page\b/g) ?? []).length
    expect(pages).toBeGreaterThan(3)
    expect(pages).toBeLessThan(25)
  })

  it('every chart has its table, which opens', async () => {
    const tables = page.locator('details')
    expect(await tables.count()).toBeGreaterThan(10)
    await tables.first().locator('summary').click()
    expect(await tables.first().locator('table').isVisible()).toBe(true)
    expect(readFileSync(join(folder, 'report.html'), 'utf8')).not.toContain('<script')
  })
})
