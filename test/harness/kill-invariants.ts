import { chargedInVain, siteFailpoints } from './failpoints.ts'
import type { KillFacts } from './kill-facts.ts'
import type { Kill } from './process-gate.ts'

const counted = <Key>(keys: readonly Key[]): Map<Key, number> => {
  const counts = new Map<Key, number>()
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
  return counts
}

/** Every planned kill was died exactly once, where the plan says, by SIGKILL, and nobody died otherwise. */
export const killBreaches = ({ deaths, killed }: KillFacts, plan: readonly Kill[]): string[] => {
  const key = ({ who, at, step }: Kill) => `${who} ${at}, step ${step}`
  const died = counted(deaths.map(key))
  const planned = new Set(plan.map(key))
  const perWho = counted(deaths.map(({ who }) => who))
  return [
    ...[...planned]
      .filter((each) => died.get(each) !== 1)
      .map((each) => `killed ${died.get(each) ?? 0} times: ${each}`),
    ...[...died.keys()].filter((each) => !planned.has(each)).map((each) => `not planned: ${each}`),
    ...killed
      .filter(({ who, kills }) => kills !== (perWho.get(who) ?? 0))
      .map(({ who, kills }) => `${who} ended by SIGKILL ${kills} times and wrote down ${perWho.get(who) ?? 0} deaths`),
  ]
}

/** R6: what left was charged; nothing more is charged than what left and one attempt a crash, exactly where it was in vain. */
const chargeBreaches = ({ sites, sent, sums, charges, deaths, brokenLedgers }: KillFacts): string[] => {
  const breaches = brokenLedgers.map((site) => `the ledger of ${site} does not verify`)
  for (const [place, site] of sites.entries()) {
    const charged = charges.get(site) ?? []
    const left = new Set(
      sent.filter((each) => each.site === site && each.kind === 'contribution').map(({ round }) => round),
    )
    const own = deaths.filter(({ who }) => who === site)
    const vain = own.filter(({ at }) => chargedInVain.includes(at)).length
    for (const round of left) if (!charged.includes(round)) breaches.push(`R6: ${site} sent ${round} without a charge`)
    for (const { round, counts } of sums)
      if (counts[place] !== 0 && !charged.includes(round)) breaches.push(`R6: ${round} opened, ${site} not charged`)
    if (new Set(charged).size !== charged.length) breaches.push(`${site} was charged twice for one attempt`)
    if (charged.length > left.size + own.length || charged.length !== left.size + vain)
      breaches.push(`R6: ${site} paid for ${charged.length}: ${left.size} sent, ${vain} in vain, ${own.length} crashes`)
  }
  return breaches
}

/** R3, R4: one text for each (site, kind, round), whoever saw it and however often; nothing arrives that no journal has. */
const messageBreaches = ({ sent, received, orders, journals }: KillFacts): string[] => {
  const texts = new Map<string, Set<string>>()
  const see = (key: string, text: string) => texts.set(key, (texts.get(key) ?? new Set()).add(text))
  for (const { site, kind, round, message, payload } of sent) {
    see(`${kind} of ${site} for ${round}`, message)
    see(`payload of the ${kind} of ${site} for ${round}`, payload ?? '')
  }
  for (const { site, kind, round, message } of received) see(`${kind} of ${site} for ${round}`, message)
  for (const { kind, round, message } of orders) see(`${kind} for ${round}`, message)
  return [
    ...[...texts].filter(([, { size }]) => size > 1).map(([key, { size }]) => `${size} different texts: ${key}`),
    ...received
      .filter(({ site, message }) => journals.get(site)?.has(message) !== true)
      .map(({ site, kind, round }) => `the ${kind} of ${site} for ${round} is not in its journal`),
  ]
}

/** Everybody whose contribution was stored is in the sum once, nobody else; where a site died says whether it is in. */
const sumBreaches = ({ sites, least, rounds, sums, stored, deaths }: KillFacts): string[] => {
  const breaches: string[] = []
  for (const { round, phase, contributors } of rounds) {
    const opened = sums.filter((each) => each.round === round)
    if (phase !== 'opened') {
      if (opened.length > 0) breaches.push(`${round} was opened but ${phase}`)
      continue
    }
    if (opened.length === 0) breaches.push(`${round} counts as opened and never was`)
    if (contributors.length < least) breaches.push(`${round} opened with ${contributors.length} of at least ${least}`)
    if (stored.get(round)?.join() !== contributors.join())
      breaches.push(`${round} opened for ${contributors}, stored were ${stored.get(round)}`)
    const expected = sites.map((site) => (contributors.some((each) => each === site) ? 1 : 0))
    for (const { counts, others } of opened)
      if (others || counts.join() !== expected.join())
        breaches.push(`${round} counted ${counts}, announced ${expected}`)
    for (const { who, at } of deaths.filter((death) => death.round === round)) {
      const isIn = contributors.some((each) => each === who)
      const fate = siteFailpoints[at]
      if ((fate === 'is lost' && isIn) || (fate === 'is counted' && !isIn))
        breaches.push(`${who} died ${at} and ${isIn ? 'is' : 'is not'} in the sum of ${round}`)
    }
  }
  return breaches
}

/** The run reached its end; each step was opened in exactly one attempt and applied once. */
const runBreaches = ({ steps, outcome, rounds, model, replayed }: KillFacts): string[] => {
  const opened = rounds.filter(({ phase }) => phase === 'opened').map(({ step }) => step)
  const all = Array.from({ length: steps }, (_, step) => step)
  return [
    ...(outcome === 'completed' ? [] : [`the run is ${outcome}`]),
    ...(opened.join() === all.join() ? [] : [`steps ${opened} opened, of ${steps}`]),
    ...(model === replayed ? [] : ['the model is not every opened sum applied once']),
  ]
}

/** What a run with crashes must never show; empty when it is sound. */
export const runInvariantBreaches = (facts: KillFacts): string[] => [
  ...runBreaches(facts),
  ...sumBreaches(facts),
  ...chargeBreaches(facts),
  ...messageBreaches(facts),
]
