import type { Verdict } from '@tributary/shared/he/deal-verdict'
import { type SiteId, siteId } from '@tributary/shared/ids'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { distrusted } from './distrusted.ts'

const sites = ['ash', 'birch', 'cedar', 'date', 'elm', 'fir'].map(siteId)
const [ash, birch, cedar, date] = sites as [SiteId, SiteId, SiteId, SiteId]
type Finding = Verdict['holders'][number]['finding']
const dispute = (dealer: SiteId, holder: SiteId, finding: Finding, found: Verdict['dealer'] = 'sound') => ({
  dealer,
  verdict: { dealer: found, holders: [{ site: holder, finding }], why: '' },
})

describe('R24 a holder whose word is worth nothing any more', () => {
  it('is one that lied, by one proof', () => {
    expect(distrusted([dispute(ash, cedar, 'lied')], 3)).toEqual([cedar])
  })

  it.each([
    [0, 2],
    [1, 2],
    [2, 3],
    [3, 4],
  ])('where %i may collude, is one that contradicts or is silent about %i sound dealers', (colluders, enough) => {
    const kinds: Finding[] = ['silent', 'contradicts']
    const findings = sites
      .filter((site) => site !== cedar)
      .slice(0, enough)
      .map((dealer, i) => dispute(dealer, cedar, kinds[i % 2] as Finding))
    expect(distrusted(findings, colluders)).toEqual([cedar])
    expect(distrusted(findings.slice(1), colluders)).toEqual([])
  })

  it('is none for one dealer, however often, nor for a dispute that is open', () => {
    const often = Array.from({ length: 9 }, () => dispute(ash, cedar, 'contradicts'))
    expect(distrusted(often, 0)).toEqual([])
    const open = sites.map((dealer) => ({ dealer, verdict: null }))
    expect(distrusted(open, 0)).toEqual([])
  })

  it('is none for findings about a dealer that is not sound', () => {
    const unsound = [ash, birch, date].map((dealer) => dispute(dealer, cedar, 'silent', 'bad'))
    expect(distrusted(unsound, 0)).toEqual([])
  })

  it('is never honest while at most c collude, whatever the colluders have findings say of whom they can', () => {
    const colluders = fc.subarray(sites, { maxLength: 3 })
    const word = fc.record({
      dealer: fc.constantFrom(...sites),
      site: fc.constantFrom(...sites),
      finding: fc.constantFrom<Finding>('lied', 'silent', 'contradicts'),
    })
    fc.assert(
      fc.property(colluders, fc.array(word, { maxLength: 60 }), (bad, words) => {
        // What can come up: an honest holder never lies, and complains of bad dealers only.
        const possible = words.filter(
          ({ dealer, site, finding }) => bad.includes(site) || (finding !== 'lied' && bad.includes(dealer)),
        )
        const disputes = possible.map(({ dealer, site, finding }) => dispute(dealer, site, finding))
        for (const site of distrusted(disputes, bad.length)) expect(bad).toContain(site)
      }),
      { numRuns: 500 },
    )
  })
})
