import { describe, expect, it } from 'vitest'
import { collusionThatOpensTwice, threshold } from '../he/thresholds.ts'
import { collusionLines, openingRule, openingRuleLines } from './opening-rule-text.ts'

const contributorsOf = (sites: number, colluders: number, least: number, holders = sites) => {
  const t = threshold(holders, colluders)
  const isolation = collusionThatOpensTwice({ sites, holders, threshold: t, leastContributors: least })
  return { sites, holders, least, threshold: t, isolation, mostAbsent: sites - least }
}

describe('how a sum is opened, in words', () => {
  it('R7 three sites: two who take off their own are named before the three who could open a key', () => {
    const lines = openingRuleLines(1, contributorsOf(3, 1, 3))
    expect(lines[0]).toContain('colluders c 1, threshold t 3, least contributors 3 of 3')
    expect(lines[1]).toMatch(/^ {2}the coordinator and 2 hospitals, in a sum of 3, take off what they sent/)
    expect(lines[2]).toMatch(/and 3 hospitals could open .*: 3 shares .*; here those are all/)
  })

  it('R7 where a site may be missing it takes two sets to be opened, and nobody is said to be all', () => {
    const contributors = contributorsOf(10, 2, 8)
    const lines = collusionLines(contributors)
    expect(contributors.isolation).toBeLessThan(contributors.least - 1)
    expect(lines[1]).toBe(
      `  the coordinator and ${contributors.isolation} hospitals could have two sets of one round opened, which differ by one site`,
    )
    expect(lines.join('\n')).not.toContain('here those are all')
    expect(openingRule(2, contributors)).toEqual({
      colluders: 2,
      threshold: 7,
      least_contributors: 8,
      colluders_that_leave_one_site: 7,
      colluders_that_open_one_site: contributors.isolation,
    })
  })

  it('R7 of a committee all of them hold shares; one is one hospital', () => {
    expect(collusionLines(contributorsOf(24, 2, 20, 13))[1]).toContain('hospitals, all of them share holders, could')
    expect(collusionLines(contributorsOf(9, 0, 8))[1]).toMatch(/^ {2}the coordinator and 1 hospital could/)
  })
})
