import { randomInt } from 'node:crypto'
import { checkPlan } from '@tributary/shared/dp/plan'
import type { SiteId } from '@tributary/shared/ids'
import type { Adversary, AdversaryParts } from './adversary.ts'
import { type Attack, allSaid } from './attack.ts'
import { isOneSet, keyMixes } from './key-mixes.ts'
import { readMixes, type Telling } from './mixed-reading.ts'
import { withAdversary } from './usual-attack.ts'

/** Which places are told which set, by the places that are left out of it; the last sites collude. */
interface Mix {
  readonly parts: AdversaryParts
  readonly tell: readonly { readonly to: readonly number[]; readonly without: readonly number[] }[]
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1)

/** Prouhet-Tarry-Escott sets of holders, {1, 5, 6} and {2, 3, 7}; never enough for any one set, with the colluders counted in. */
const eightHolders: Mix['tell'] = [
  { to: [1, 5, 6], without: [2, 3] },
  { to: [2, 3, 7], without: [1, 6] },
  { to: [4, 8], without: [] },
]
/** 5 S_A + S_B, where tau = 4. */
const sixHolders: Mix['tell'] = [
  { to: [1, 6], without: [2, 4, 5] },
  { to: [2, 5], without: [1, 3, 6] },
  { to: [3, 4], without: [] },
]

const mixes = {
  five: {
    parts: { sites: 5, colluders: 0, least: 4, helpers: 0 },
    tell: [
      { to: [1, 5], without: [2] },
      { to: [2, 4], without: [1] },
      { to: [3], without: [] },
    ],
  },
  eight: { parts: { sites: 8, colluders: 0, least: 6, helpers: 0 }, tell: eightHolders },
  ten: { parts: { sites: 10, colluders: 2, least: 8, helpers: 2 }, tell: eightHolders },
  outside: { parts: { sites: 6, colluders: 0, least: 3, helpers: 0, isUnchecked: true }, tell: sixHolders },
  /** Without the colluder it is the same: tau and the honest places are. */
  helped: { parts: { sites: 7, colluders: 1, least: 4, helpers: 1, isUnchecked: true }, tell: sixHolders },
} as const satisfies Readonly<Record<string, Mix>>

const tellingOf = (adversary: Adversary, { tell }: Mix): Telling => {
  const honest = upTo(adversary.honest.length)
  const told = tell.flatMap(({ to, without }: Mix['tell'][number]) =>
    to.map((holder) => ({ holder, dealers: honest.filter((dealer) => !without.includes(dealer)) })),
  )
  return { told, dealers: honest, colluding: upTo(adversary.sites.length).slice(honest.length) }
}

/** Any other sets that the plan allows, each with its holder in it. */
const otherTelling = (adversary: Adversary): Telling => {
  const honest = upTo(adversary.honest.length)
  const { sites, federation } = adversary.manifest
  const away = sites.length - federation.least_contributors
  const sets = Array.from({ length: 2 + randomInt(3) }, () =>
    Array.from({ length: away }, () => randomInt(honest.length + 1)),
  )
  const told = honest.map((holder) => {
    const without = sets[randomInt(sets.length)] as number[]
    return { holder, dealers: honest.filter((dealer) => dealer === holder || !without.includes(dealer)) }
  })
  return { told, dealers: honest, colluding: upTo(sites.length).slice(honest.length) }
}

const isMixed = (adversary: Adversary, { told, colluding, dealers }: Telling): boolean =>
  !isOneSet(keyMixes(adversary.ring.q, adversary.threshold, colluding, told, dealers), told, dealers)

const tries = 1000

/** Everybody contributes; each holder is told its own set, then the answers are added up in the best way there is. */
const mixed = async (adversary: Adversary, mix: Mix) => {
  const [finding] = checkPlan(adversary.manifest)
  const own = tellingOf(adversary, mix)
  const isFound = isMixed(adversary, own)
  const others = isFound ? [] : Array.from({ length: tries }, () => otherTelling(adversary))
  const best = others.find((each) => isMixed(adversary, each)) ?? own
  const fields = await adversary.upTo(0, 0)
  const collude = adversary.colluders.map(({ name }) => name)
  const asked = []
  for (const { holder, dealers } of best.told) {
    const set = [...dealers.map((dealer) => adversary.sites[dealer - 1] as SiteId), ...collude]
    asked.push(...(await adversary.ask(adversary.announcement(fields, set), [adversary.sites[holder - 1] as SiteId])))
  }
  const happened = [
    `plan ${finding === undefined ? 'admitted' : `refused at ${finding.path.join('.')}`}`,
    `asked: ${allSaid(asked, 'answered')}`,
    `these sets add up to ${isFound ? 'KEYS OF MORE THAN ONE' : 'keys of one at most'}`,
    ...(isFound ? [] : [`${tries} other choices: ${best === own ? 'none does better' : 'ONE DOES'}`]),
  ].join('; ')
  return { happened, learned: readMixes(adversary, fields, best), named: adversary.named }
}

const attack = (mix: Mix) => withAdversary(mix.parts, (adversary) => mixed(adversary, mix))

const mixAttack = (mix: Mix): Attack => {
  const { sites, colluders, least, helpers } = mix.parts
  return {
    name: `three sets for three groups of holders (${sites} sites, c ${colluders}, least ${least}, ${helpers} collude)`,
    rules: 'R4, R7',
    expects: {
      happened: `plan admitted; asked: ${sites - Number(helpers)} times answered; these sets add up to keys of one at most; ${tries} other choices: none does better`,
      learns: 'chance',
      named: [],
    },
    run: async () => ({
      ...(await attack(mix)),
      // The same coordinator, helped or not, against a plan that lets too many be away.
      control: (await attack(helpers === 0 ? mixes.outside : mixes.helped)).learned,
    }),
  }
}

const outsideAttack = (mix: Mix): Attack => {
  const { sites, colluders, least, helpers } = mix.parts
  return {
    name: `the same of a plan that no check admits (${sites} sites, c ${colluders}, least ${least}, ${helpers} collude)`,
    rules: 'R4, R7',
    expects: {
      happened:
        'plan refused at federation.least_contributors; asked: 6 times answered; these sets add up to KEYS OF MORE THAN ONE',
      learns: 'everything',
      named: [],
    },
    run: async () => {
      const record = await attack(mix)
      return { ...record, control: record.learned }
    },
  }
}

/** Each holder answers once, but nothing says that all of them answer for the same set: only the rule on plans does. */
export const mixAttacks: readonly Attack[] = [
  ...[mixes.five, mixes.eight, mixes.ten].map(mixAttack),
  ...[mixes.outside, mixes.helped].map(outsideAttack),
]
