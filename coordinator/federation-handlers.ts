import { CodedError } from '@tributary/shared/errors'
import { type Digest, type SiteId, studyId } from '@tributary/shared/ids'
import { totalSteps } from '@tributary/shared/dp/steps'
import { epochOf } from '@tributary/shared/study/epoch'
import { encodeManifest } from '@tributary/shared/study/manifest'
import { queriesOf } from '@tributary/shared/study/plan-block'
import type { Clock } from '@tributary/shared/ports'
import { openBody } from '@tributary/shared/wire/body'
import { decodeCanonical } from '@tributary/shared/wire/canonical'
import type { FederationHandlers } from '@tributary/shared/wire/federation-api'
import { memberOf } from '@tributary/shared/wire/roster'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import { negotiateProtocol } from '@tributary/shared/wire/envelope'
import type { SitePresence } from './enrolment/site-presence.ts'
import type { RoundsDesk } from './rounds/rounds-desk.ts'
import { requireUsableBoxKey } from './studies/box-key.ts'
import { publishedRoster } from './studies/published-roster.ts'
import type { StudyRuns } from './studies/study-runs.ts'
import type { StudyStore } from './studies/study-store.ts'

export interface HandlerParts {
  readonly studies: StudyStore
  readonly runs: StudyRuns
  readonly rounds: RoundsDesk
  readonly enrol: FederationHandlers['enrol']
  readonly renew: FederationHandlers['renew']
  /** Told of every call: health is "heard from", not "connected once". */
  readonly presence: Pick<SitePresence, 'heard' | 'greeted'>
  readonly clock: Clock
}

/** What the coordinator does for a site, over any transport. Every statement's signature is checked before it is kept. */
export const federationHandlers = (parts: HandlerParts): FederationHandlers => {
  const { studies, runs, rounds, enrol, renew, presence, clock } = parts
  const heard = (site: SiteId) => presence.heard(site)
  /** The study that a statement names, and its statement under the roster that the study was published for (R1); refuses the barred. */
  const aboutStudy = async <Kind extends 'approval' | 'box-keys'>(kind: Kind, message: SignedMessage, site: SiteId) => {
    const named = decodeCanonical(message.body)
    const text = typeof named === 'object' && named !== null && 'study' in named ? named.study : ''
    const published = studies.study(studyId(typeof text === 'string' ? text : ''))
    const body = openBody(kind, message, memberOf(published.roster, site))
    // Published by the command line a moment ago, it may not be taken up yet.
    await runs.refresh()
    return { published, body, run: runs.forSite(published.study, site).run }
  }
  let inForce: Digest | undefined
  return {
    enrol,
    renew,
    async hello({ site }, { protocols, session }) {
      presence.greeted(site, session)
      return { protocol: negotiateProtocol(protocols), now: clock.now() }
    },
    async roster({ site }) {
      heard(site)
      const reply = publishedRoster(studies)
      const latest = studies.latestRoster()?.hash
      // A removal is in force here before any site hears of it; the roster asked for again costs no look at every study.
      if (latest !== inForce) await runs.refresh()
      inForce = latest
      return reply
    },
    async countersign({ site }, message) {
      heard(site)
      const latest = studies.latestRoster()
      if (latest === undefined) throw new CodedError('NOT_FOUND', 'no roster has been proposed yet')
      const { roster } = openBody('countersignature', message, memberOf(latest.roster, site))
      if (roster !== latest.hash) throw new CodedError('ROSTER_REFUSED', 'a newer roster has been proposed')
      studies.state(roster, 'countersignature', site, message)
    },
    async studies({ site }) {
      heard(site)
      return runs
        .all()
        .filter(({ run }) => run.terms.sites.includes(site))
        .map(({ published, run }) => ({
          study: published.study,
          manifest: encodeManifest(published.manifest),
          roster: published.rosterHash,
          state: run.state.outcome,
        }))
    },
    async approve({ site }, message) {
      heard(site)
      const { published, body } = await aboutStudy('approval', message, site)
      if (body.manifest !== published.manifestHash || body.roster !== published.rosterHash)
        throw new CodedError('APPROVAL_REFUSED', 'the approval names another manifest or roster')
      studies.state(body.study, 'approval', site, message)
      await runs.refresh()
    },
    async putBoxKeys({ site }, message) {
      heard(site)
      const { published, body, run } = await aboutStudy('box-keys', message, site)
      const last = epochOf(totalSteps(queriesOf(published.manifest.plan)) - 1)
      if (body.epoch > last) throw new CodedError('ROUND_REFUSED', `the plan ends in epoch ${last}`)
      const earlier = studies.boxKeys(body.study, body.epoch).find((each) => each.site === site)
      const isAnother = earlier !== undefined && Buffer.compare(earlier.message.body, message.body) !== 0
      // Everybody seals to these: the epoch lives as long as they are good.
      if (isAnother && run.state.outcome !== 'waiting')
        throw new CodedError('ROSTER_REFUSED', `the run has begun: the box keys of ${site} stay as they are`)
      requireUsableBoxKey(site, body)
      studies.keepBoxKeys(body.study, body.epoch, site, message)
      await runs.refresh()
    },
    next: ({ site }, request, signal) => {
      heard(site)
      return rounds.next(site, request, signal)
    },
    putDeal: ({ site }, message, boxes) => rounds.deal(site, message, boxes),
    model: ({ site }, round) => rounds.model(site, round),
    boxes: ({ site }, round) => rounds.boxes(site, round),
    check: ({ site }, message) => rounds.check(site, message),
    offer: ({ site }, message, partHashes) => rounds.offer(site, message, partHashes),
    parts: ({ site }, round, parts) => rounds.parts(site, round, parts),
    answer: ({ site }, message) => rounds.answer(site, message),
    withdraw: ({ site }, message) => rounds.withdraw(site, message),
    openDeal: ({ site }, message) => rounds.openDeal(site, message),
    openBox: ({ site }, message) => rounds.openBox(site, message),
  }
}
