import type { SiteId } from '@tributary/shared/ids'
import type { Body } from '@tributary/shared/wire/body'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import type { AttemptFields } from '../../site-agent/policy/round-guard.ts'
import { Adversary, type AdversaryParts } from './adversary.ts'
import type { Colluder } from './colluder.ts'

/** Five hospitals, one of them colluding and one of them that may be lost: t = 4, sets of four and of five. */
export const usual: AdversaryParts = { sites: 5, colluders: 1, least: 4, helpers: 1 }

export const withAdversary = async <T>(
  parts: AdversaryParts,
  work: (adversary: Adversary) => Promise<T>,
): Promise<T> => {
  const adversary = await Adversary.open(parts)
  try {
    return await work(adversary)
  } finally {
    adversary.close()
  }
}

/** The first honest site. */
export const victimOf = (adversary: Adversary): SiteId => adversary.names()[0] as SiteId
export const helperOf = (adversary: Adversary): Colluder => adversary.colluders[0] as Colluder
export const allBut = (adversary: Adversary, site: SiteId): SiteId[] => adversary.sites.filter((each) => each !== site)
export const dealOf = (adversary: Adversary, fields: AttemptFields, site: SiteId): SignedMessage =>
  adversary.round(fields).deals.get(site)!.message

/** Everybody's entry of an announcement, under another name or another statement where those say so. */
export const entriesOf = (
  adversary: Adversary,
  fields: AttemptFields,
  nameOf: (site: SiteId) => SiteId = (site) => site,
  statementOf = (site: SiteId): SignedMessage => adversary.contributionOf(fields, site).message,
): Body<'announcement'>['contributors'] =>
  adversary.sites.map((site) => {
    const { body, signature } = statementOf(site)
    return { site: nameOf(site), deal: adversary.contributionBody(fields, site).deal, body, signature }
  })

/** What is read of the victim's numbers, the control beside it, and who is named. */
export const outcome = (adversary: Adversary, fields: AttemptFields, victim = victimOf(adversary)) => ({
  learned: adversary.learned(fields, victim),
  control: adversary.control(fields, victim),
  named: adversary.named,
})
