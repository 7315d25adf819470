import {
  chargedInVain,
  coordinatorFailpoints,
  endFailpoints,
  siteFailpoints,
  withdrawalFailpoints,
} from './failpoints.ts'
import { endOfRun, type Kill } from './process-gate.ts'

/** Kills and the number of steps that a run needs for all of them. */
export interface KillPlan {
  readonly kills: readonly Kill[]
  readonly steps: number
}

/** Longer than a coordinator waits for an answer that it can do without. */
const longAwayMs = 6_000

/**
 * Every site at every failpoint. In each step one site dies where that loses its contribution, as many as a round of four can
 * lose; the others die meanwhile where it loses nothing. Then: two lost at once, which ends the attempt; all dead at once; and one
 * that stays away so long after it contributed that the others must open the sum.
 */
export const siteKills = (sites: readonly string[], wanted: (failpoint: string) => boolean = () => true): KillPlan => {
  const points = Object.keys(siteFailpoints).filter(wanted)
  const losing = points.filter((at) => siteFailpoints[at] === 'is lost')
  const harmless = points.filter((at) => siteFailpoints[at] !== 'is lost')
  const steps = Math.max(losing.length, Math.ceil((harmless.length + 1) / (sites.length - 1))) * sites.length
  const kills: Kill[] = []
  for (const [place, who] of sites.entries()) {
    for (const [n, at] of losing.entries()) {
      const step = n * sites.length + place
      kills.push({ who, at, step })
      // Killed again on its way out of that attempt; the first, the middle and the last time.
      const again = withdrawalFailpoints[[0, losing.length >> 1, losing.length - 1].indexOf(n)]
      if (again !== undefined && wanted(again)) kills.push({ who, at: again, step })
    }
    const free = Array.from({ length: steps }, (_, step) => step).filter((step) => step % sites.length !== place)
    for (const [n, at] of harmless.entries())
      kills.push({ who, at, step: free[Math.floor((n * free.length) / harmless.length)] ?? 0 })
    for (const at of endFailpoints.filter(wanted)) kills.push({ who, at, step: endOfRun })
  }
  const [vain = ''] = chargedInVain
  if (wanted(vain)) for (const who of sites.slice(0, 2)) kills.push({ who, at: vain, step: steps })
  const stored = 'after outbox.store'
  if (wanted(stored)) for (const who of sites) kills.push({ who, at: stored, step: steps + 1 })
  const sent = 'after client.contribute'
  const [away = ''] = sites
  if (wanted(sent)) kills.push({ who: away, at: sent, step: steps + 2, awayMs: longAwayMs })
  return { kills, steps: steps + 6 }
}

/** How many failpoints the coordinator meets in one step at most, where it restarts at each. */
const killsAStep = 3
/** What happens before the first round and never again. */
const onlyOnce = /approval|box-keys|run started/

/** The coordinator at every failpoint; a site is lost twice so that there are withdrawals to store. */
export const coordinatorKills = (loser: string, wanted: (failpoint: string) => boolean = () => true): KillPlan => {
  const kills: Kill[] = coordinatorFailpoints
    .filter(wanted)
    .map((at, n) => ({ who: 'coordinator', at, step: onlyOnce.test(at) ? 0 : Math.floor(n / killsAStep) }))
  const last = kills.at(-1)?.step ?? 0
  const around = kills.filter((kill) => kill.at.includes('withdrawal'))
  // One withdrawal a step: it is sent again to the coordinator that died around it.
  for (const { at, step } of around.filter((kill, n) => around.findIndex((each) => each.step === kill.step) === n))
    kills.push({ who: loser, at: at.startsWith('before') ? 'after client.putDeal' : 'after outbox.begin', step })
  return { kills, steps: last + 4 }
}
