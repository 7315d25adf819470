import type { Digest, SiteId } from '@tributary/shared/ids'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { Roster } from '@tributary/shared/wire/messages'
import { memberOf } from '@tributary/shared/wire/roster'
import type { ApprovedStudy } from './approved-study.ts'
import type { PeerCounter } from './peer-counters.ts'
import type { NamedContributor } from './announced-set.ts'

/** One site's identity key under one coordinator: a site that enrolled anew speaks with another, and its counter begins again. */
const voiceOf = (roster: Roster, site: SiteId): Digest =>
  hashBytes(Uint8Array.of(...roster.coordinator, ...memberOf(roster, site).publicKey))

/** Of every other site of a study. */
export const peerVoices = ({ roster, sites, me }: ApprovedStudy): Digest[] =>
  sites.filter((site) => site !== me).map((site) => voiceOf(roster, site))

/** The counters of an announced set, this site's own left out. */
export const countersIn = (
  contributors: readonly NamedContributor[],
  { roster, me }: ApprovedStudy,
): readonly PeerCounter[] =>
  contributors
    .filter(({ site }) => site !== me)
    .map(({ site, contribution: { study, round, counter }, statement }) => ({
      study,
      peer: site,
      voice: voiceOf(roster, site),
      round,
      counter,
      statement,
    }))
