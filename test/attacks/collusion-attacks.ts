import { collusionThatOpensTwice } from '@tributary/shared/he/thresholds'
import type { Adversary, AdversaryParts } from './adversary.ts'
import { type Attack, allSaid } from './attack.ts'
import { allBut, outcome, victimOf, withAdversary } from './usual-attack.ts'

interface Case {
  readonly sites: number
  /** c, as the study says. */
  readonly colluders: number
  readonly least: number
  /** How many of the sites hold shares, beyond 20 sites. */
  readonly committee?: number
}

const cases: readonly Case[] = [
  { sites: 5, colluders: 0, least: 4 },
  { sites: 5, colluders: 1, least: 4 },
  { sites: 6, colluders: 1, least: 5 },
  { sites: 7, colluders: 2, least: 6 },
  { sites: 10, colluders: 2, least: 8 },
  { sites: 4, colluders: 0, least: 4 },
  { sites: 5, colluders: 0, least: 5 },
  { sites: 5, colluders: 1, least: 5 },
  { sites: 22, colluders: 2, least: 18, committee: 12 },
]

const holdersOf = ({ sites, committee = sites }: Case): number => committee
const thresholdOf = (wanted: Case): number => Math.floor((holdersOf(wanted) + wanted.colluders) / 2) + 1
/** R7, by its own words: 2t - m, or t where only the full set may be opened. */
const enoughOf = (wanted: Case): number =>
  wanted.least === wanted.sites ? thresholdOf(wanted) : 2 * thresholdOf(wanted) - holdersOf(wanted)

/**
 * The colluders hold shares; the honest holders split in two: as many as the threshold lacks are asked for everybody's sum, the others
 * for that of everybody but the victim.
 */
const twoSets = async (adversary: Adversary, helpers: number) => {
  const fields = await adversary.upTo(0, 0)
  const victim = victimOf(adversary)
  const asked = adversary.holders.filter((site) => adversary.honest.some(({ name }) => name === site))
  // The victim knows that it was acknowledged, so it is among those asked for everybody.
  const lacking = Math.max(0, adversary.threshold - helpers)
  const [one, other] = [asked.slice(0, lacking), asked.slice(lacking)]
  const all = adversary.announcement(fields, adversary.sites)
  const without = adversary.announcement(fields, allBut(adversary, victim))
  const happened = [
    `all ${adversary.sites.length}: ${allSaid(await adversary.ask(all, one), 'answered') || 'nobody asked'}`,
    `without one: ${allSaid(await adversary.ask(without, other), 'answered') || 'nobody asked'}`,
  ].join('; ')
  return { happened, ...outcome(adversary, fields, victim) }
}

const partsOf = (wanted: Case, helpers: number): AdversaryParts => {
  const { committee = wanted.sites } = wanted
  const first = wanted.sites - committee
  return {
    ...wanted,
    helpers: Array.from({ length: helpers }, (_, i) => wanted.sites - 1 - i),
    committee: wanted.committee === undefined ? [] : Array.from({ length: committee }, (_, i) => first + i),
  }
}

const counted = (times: number, what: string): string =>
  times === 0 ? 'nobody asked' : times === 1 ? what : `${times} times ${what}`

const attackOf = (wanted: Case, helpers: number): Attack => {
  const { sites, colluders, least, committee } = wanted
  const threshold = thresholdOf(wanted)
  const honest = holdersOf(wanted) - helpers
  const first = Math.max(0, threshold - helpers)
  const second = least === sites ? 'ROUND_REFUSED at contributors' : 'answered'
  return {
    name: `${helpers} of ${sites} collude (c ${colluders}, least ${least}${committee === undefined ? '' : `, ${committee} hold shares`}, t ${threshold})`,
    rules: 'R7',
    expects: {
      happened: `all ${sites}: ${counted(first, 'answered')}; without one: ${counted(honest - first, second)}`,
      learns: helpers < enoughOf(wanted) ? 'chance' : 'everything',
      named: [],
    },
    run: () => withAdversary(partsOf(wanted, helpers), (adversary) => twoSets(adversary, helpers)),
  }
}

/** What `collusionThatOpensTwice` says, which the officer is shown, beside R7's own formula. */
export const collusionFigures = cases.map((wanted) => ({
  ...wanted,
  formula: enoughOf(wanted),
  shown: collusionThatOpensTwice({
    sites: wanted.sites,
    holders: holdersOf(wanted),
    threshold: thresholdOf(wanted),
    leastContributors: wanted.least,
  }),
}))

/** At the number of colluders that R7 names, and at one fewer. */
export const collusionAttacks: readonly Attack[] = cases.flatMap((wanted) =>
  [enoughOf(wanted) - 1, enoughOf(wanted)].map((helpers) => attackOf(wanted, helpers)),
)
