import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { asCodedError, type CodedError } from '@tributary/shared/errors'
import { type SiteId, siteId } from '@tributary/shared/ids'
import { studyIdOf } from '@tributary/shared/study/manifest'
import { type Body, signBody } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { Roster } from '@tributary/shared/wire/messages'
import { encodeRoster, rosterHash, signRoster } from '@tributary/shared/wire/roster'
import { generateIdentity, type IdentityKey, type SignedMessage } from '@tributary/shared/wire/signed'
import { approvedStudy } from '../../site-agent/policy/approved-study.ts'
import { RosterWatch } from '../../site-agent/policy/roster-watch.ts'
import { SiteBook } from '../../site-agent/policy/site-book.ts'
import type { Adversary, AdversaryParts } from './adversary.ts'
import { type Attack, allSaid, said } from './attack.ts'
import { withAdversary } from './set-attacks.ts'

const usual: AdversaryParts = { sites: 5, colluders: 1, least: 4, helpers: 1 }
const sybil = generateIdentity()
const sybilName = siteId('sybil')

/** The pinned roster with three more members, whose keys the coordinator made. */
const padded = (adversary: Adversary): Roster => ({
  ...adversary.roster,
  version: 2,
  members: [
    ...adversary.roster.members,
    ...[1, 2, 3].map((i) => ({ site: siteId(`sybil${i}`), identity: generateIdentity().publicKey })),
  ],
})

/** The pinned roster with the coordinator's key in the place of `site`'s. */
const swapped = (adversary: Adversary, site: SiteId): Roster => ({
  ...adversary.roster,
  version: 2,
  members: adversary.roster.members.map((each) => (each.site === site ? { site, identity: sybil.publicKey } : each)),
})

/** What a site that pinned the honest roster makes of another one, shown to it with this signature. */
const shown = async (adversary: Adversary, roster: Roster, signature: SignedMessage) => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-roster-'))
  const book = SiteBook.open(join(folder, 'book.sqlite'))
  try {
    book.pinRoster(adversary.roster)
    const reply = { roster: encodeRoster(roster), countersignatures: [], signature }
    const watch = new RosterWatch({ book, client: { roster: async () => reply } })
    let error: CodedError | null = null
    try {
      await watch.refresh()
    } catch (thrown) {
      error = asCodedError(thrown)
    }
    const pinned = book.roster()
    const isKept = pinned !== undefined && rosterHash(pinned) === rosterHash(adversary.roster)
    return `${said(error)}, ${isKept ? 'the confirmed one stays' : 'REPLACED'}`
  } finally {
    book.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

const studyUnder = (adversary: Adversary, roster: Roster): CodedError | null => {
  try {
    // A site knows its pinned roster alone; the study names another in its id.
    const study = studyIdOf(adversary.manifest, rosterHash(roster))
    approvedStudy(study, adversary.manifest, adversary.roster, adversary.names()[0] as SiteId)
    return null
  } catch (thrown) {
    return asCodedError(thrown)
  }
}

const signedBy = (identity: IdentityKey, roster: Roster): SignedMessage => signRoster(roster, identity)

/** Members that nobody confirmed. */
export const rosterAttacks: readonly Attack[] = [
  {
    name: 'sybil sites in the roster',
    rules: 'R1',
    expects: {
      happened:
        'signed by the coordinator: SIGNATURE_INVALID at signature, the confirmed one stays; by an admin of its own: ROSTER_REFUSED, the confirmed one stays; by the admin itself: done, the confirmed one stays; a study made for it: APPROVAL_REFUSED; a sybil among the dealers: ROUND_REFUSED at dealers; among the contributors: 4 times ROUND_REFUSED at contributors',
      learns: 'chance',
      named: [],
    },
    run: () => withAdversary(usual, sybils),
  },
  {
    name: 'swapped identity keys in the roster',
    rules: 'R1',
    expects: {
      happened:
        'signed by the coordinator: SIGNATURE_INVALID at signature, the confirmed one stays; by the admin itself: done, the confirmed one stays; a study made for it: APPROVAL_REFUSED; box keys under the honest name: SIGNATURE_INVALID at signature; a deal under it: values for 0 of 1; a contribution under it: 3 times SIGNATURE_INVALID at signature',
      learns: 'chance',
      named: [],
    },
    run: () => withAdversary(usual, swappedKeys),
  },
]

const sybils = async (adversary: Adversary) => {
  const roster = padded(adversary)
  const own = generateIdentity()
  const ofOwn = { ...roster, admin: own.publicKey }
  const happened = [
    `signed by the coordinator: ${await shown(adversary, roster, signedBy(adversary.identity, roster))}`,
    `by an admin of its own: ${await shown(adversary, ofOwn, signedBy(own, ofOwn))}`,
    // An admin who is deceived, or who does the coordinator's bidding.
    `by the admin itself: ${await shown(adversary, roster, signedBy(adversary.admin, roster))}`,
    `a study made for it: ${said(studyUnder(adversary, roster))}`,
  ]
  const fields = await adversary.deal(0, 0)
  await adversary.check(0, 0)
  const victim = adversary.names()[0] as SiteId
  const dealers = [...adversary.round(fields).deals].map(([site, { message }]) => ({
    site,
    deal: hashBytes(message.body),
  }))
  const withSybil = dealers.map((each, i) => (i === dealers.length - 1 ? { ...each, site: sybilName } : each))
  const dealt = await adversary.tell(victim, {
    kind: 'contribute',
    broadcast: adversary.broadcast(fields, { dealers: withSybil }),
  })
  happened.push(`a sybil among the dealers: ${said(dealt)}`)
  await adversary.contribute(fields)
  const contributors = entriesOf(adversary, fields, (site) => (site === adversary.sites.at(-1) ? sybilName : site))
  const announced = adversary.announcement(fields, adversary.sites, { contributors })
  happened.push(`among the contributors: ${allSaid(await adversary.ask(announced, adversary.names()), 'answered')}`)
  return {
    happened: happened.join('; '),
    learned: adversary.learned(fields, victim),
    control: adversary.control(fields, victim),
    named: [],
  }
}

type Fields = Awaited<ReturnType<Adversary['deal']>>

const entriesOf = (
  adversary: Adversary,
  fields: Fields,
  nameOf: (site: SiteId) => SiteId,
  sign?: (site: SiteId, body: Body<'contribution'>) => SignedMessage,
): Body<'announcement'>['contributors'] =>
  adversary.sites.map((site) => {
    const stated = adversary.contributionBody(fields, site)
    const { body, signature } = sign?.(site, stated) ?? adversary.contributionOf(fields, site).message
    return { site: nameOf(site), deal: stated.deal, body, signature }
  })

/** The coordinator holds a key that it passes off as that of one honest site. */
const swappedKeys = async (adversary: Adversary) => {
  const [victim, holder, impersonated] = adversary.names() as [SiteId, SiteId, SiteId]
  const roster = swapped(adversary, impersonated)
  const happened = [
    `signed by the coordinator: ${await shown(adversary, roster, signedBy(adversary.identity, roster))}`,
    `by the admin itself: ${await shown(adversary, roster, signedBy(adversary.admin, roster))}`,
    `a study made for it: ${said(studyUnder(adversary, roster))}`,
  ]
  const helper = adversary.colluders[0] as Adversary['colluders'][number]
  adversary.statements.set(`${helper.name} 0`, helper.statement(0))
  const keys = { study: adversary.study, epoch: 0, key: helper.boxKeys.publicKey }
  const boxKeys = adversary
    .boxKeyStatements()
    .map((each) => (each.signer === impersonated ? signBody('box-keys', impersonated, keys, sybil) : each))
  const task = { kind: 'deal', study: adversary.study, step: 0, attempt: 0, boxKeys } as const
  happened.push(`box keys under the honest name: ${said(await adversary.tell(victim, task))}`)
  const fields = await adversary.deal(0, 0)
  const real = adversary.round(fields).deals.get(impersonated)!.message
  const forged = signBody('deal', impersonated, { ...fields, epoch: 0, boxes: [], seen: [] }, sybil)
  adversary.onBoxes = (_, boxes) => boxes.map((each) => (each.deal === real ? { ...each, deal: forged } : each))
  await adversary.check(0, 0, [holder])
  happened.push(`a deal under it: values for ${adversary.valuesFor(fields, holder, [impersonated])} of 1`)
  adversary.onBoxes = (_, boxes) => boxes
  await adversary.check(
    0,
    0,
    adversary.names().filter((site) => site !== holder),
  )
  await adversary.contribute(fields)
  const contributors = entriesOf(
    adversary,
    fields,
    (site) => site,
    (site, body) =>
      site === impersonated
        ? signBody('contribution', site, body, sybil)
        : adversary.contributionOf(fields, site).message,
  )
  const others = adversary.names().filter((site) => site !== impersonated)
  const announced = adversary.announcement(fields, adversary.sites, { contributors })
  happened.push(`a contribution under it: ${allSaid(await adversary.ask(announced, others), 'answered')}`)
  return {
    happened: happened.join('; '),
    learned: adversary.learned(fields, victim),
    control: adversary.control(fields, victim),
    named: [],
  }
}
