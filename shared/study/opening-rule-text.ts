import type { PlanPrice } from '../dp/plan.ts'

/** c, t and the least set by the names of docs/secure-aggregation.md, and how many colluders get past them. */
export interface OpeningRule {
  readonly colluders: number
  readonly threshold: number
  readonly least_contributors: number
  /** So many hospitals of one sum of the least set take off what they sent themselves: what the last one sent is left. */
  readonly colluders_that_leave_one_site: number
  /** With the coordinator: enough to have one hospital opened alone, by two sets or by its own key. */
  readonly colluders_that_open_one_site: number
}

export const openingRule = (
  colluders: number,
  { least, threshold, isolation }: PlanPrice['contributors'],
): OpeningRule => ({
  colluders,
  threshold,
  least_contributors: least,
  colluders_that_leave_one_site: least - 1,
  colluders_that_open_one_site: isolation,
})

const withCoordinator = (count: number): string =>
  count === 0 ? 'the coordinator alone' : `the coordinator and ${count} hospital${count === 1 ? '' : 's'}`

/** What collusion comes to, in words; the adversary table has the figures. */
export const collusionLines = ({ sites, holders, least, isolation }: PlanPrice['contributors']): string[] => {
  const who = `${withCoordinator(isolation)}${holders < sites && isolation > 0 ? ', all of them share holders,' : ''}`
  const opens =
    least === sites
      ? `could open what one site sent alone: ${isolation} shares of its key are enough`
      : 'could have two sets of one round opened, which differ by one site'
  const nobody = isolation >= sites ? '; here those are all, and nobody is left to be isolated' : ''
  return [
    `  ${withCoordinator(least - 1)}, in a sum of ${least}, take off what they sent: what the other site sent is left, under its own noise share`,
    `  ${who} ${opens}${nobody}`,
  ]
}

/** Of `study show`: the rule, and what it takes to get past it. */
export const openingRuleLines = (colluders: number, contributors: PlanPrice['contributors']): string[] => {
  const { sites, holders, least, threshold } = contributors
  const committee = holders < sites ? ` of ${holders} share holders` : ''
  return [
    `how a sum is opened: colluders c ${colluders}, threshold t ${threshold}${committee}, least contributors ${least} of ${sites}`,
    ...collusionLines(contributors),
  ]
}
