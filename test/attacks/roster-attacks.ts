import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { asCodedError, type CodedError } from '@tributary/shared/errors'
import { type SiteId, siteId } from '@tributary/shared/ids'
import { studyIdOf } from '@tributary/shared/study/manifest'
import { signBody } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { Roster } from '@tributary/shared/wire/messages'
import { encodeRoster, rosterHash, signRoster } from '@tributary/shared/wire/roster'
import { generateIdentity, type IdentityKey, type SignedMessage } from '@tributary/shared/wire/signed'
import type { RosterReply } from '@tributary/shared/wire/federation-api'
import pino from 'pino'
import { approvedStudy } from '../../site-agent/policy/approved-study.ts'
import { RosterWatch } from '../../site-agent/policy/roster-watch.ts'
import { SiteBook } from '../../site-agent/policy/site-book.ts'
import type { Adversary } from './adversary.ts'
import { type Attack, allSaid, said } from './attack.ts'
import { entriesOf, helperOf, outcome, usual, victimOf, withAdversary } from './usual-attack.ts'

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

interface Watch {
  /** What the site refuses that roster with, signed by `signer`, or null. */
  shown(roster: Roster, signer: IdentityKey): Promise<CodedError | null>
  readonly removed: RosterWatch['removed']
}

/** A site that pinned the honest roster, and follows what it is shown; `isKept` while that is still the pinned one. */
const withWatch = async <T>(
  adversary: Adversary,
  work: (watch: Watch, isKept: () => boolean) => Promise<T>,
): Promise<T> => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-roster-'))
  const book = SiteBook.open(join(folder, 'book.sqlite'))
  try {
    book.pinRoster(adversary.roster)
    let reply: RosterReply = {
      roster: encodeRoster(adversary.roster),
      countersignatures: [],
      signature: adversary.rosterSignature,
    }
    const watch = new RosterWatch({ book, client: { roster: async () => reply }, log: pino({ level: 'silent' }) })
    const shown: Watch['shown'] = async (roster, signer) => {
      reply = { roster: encodeRoster(roster), countersignatures: [], signature: signRoster(roster, signer) }
      try {
        await watch.refresh()
        return null
      } catch (thrown) {
        return asCodedError(thrown)
      }
    }
    const isKept = () => {
      const pinned = book.roster()
      return pinned !== undefined && rosterHash(pinned) === rosterHash(adversary.roster)
    }
    return await work({ shown, removed: (approved) => watch.removed(approved) }, isKept)
  } finally {
    book.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What a site that pinned the honest roster makes of another one, signed by `signer`. */
const shown = (adversary: Adversary, roster: Roster, signer: IdentityKey) =>
  withWatch(adversary, async (watch, isKept) => {
    const error = await watch.shown(roster, signer)
    return `${said(error)}, ${isKept() ? 'the confirmed one stays' : 'REPLACED'}`
  })

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
      named: ['h03, in refusals'],
    },
    run: () => withAdversary(usual, swappedKeys),
  },
  {
    name: 'keep a removed hospital in the sums, asking holders that did not deal',
    rules: 'R1',
    expects: {
      happened:
        'the holder that did not deal: ROUND_REFUSED at contributors; after a restart, the roster hidden: ROUND_REFUSED at contributors; in the next attempt, those who dealt: 4 times ROUND_REFUSED at dealers',
      learns: 'chance',
      named: ['h05, in refusals'],
    },
    run: () => withAdversary(usual, keptRemoved),
  },
  {
    name: "show a roster of the same admin's other federation",
    rules: 'R1',
    expects: {
      happened:
        'ROSTER_REFUSED, the confirmed one stays; taken for removed: nobody; the next roster of its own federation: done, taken for removed: h05',
      learns: null,
      named: [],
    },
    run: () => withAdversary(usual, otherFederation),
  },
]

const sybils = async (adversary: Adversary) => {
  adversary.strangers.push(sybilName)
  const roster = padded(adversary)
  const own = generateIdentity()
  const ofOwn = { ...roster, admin: own.publicKey }
  const happened = [
    `signed by the coordinator: ${await shown(adversary, roster, adversary.identity)}`,
    `by an admin of its own: ${await shown(adversary, ofOwn, own)}`,
    // An admin who is deceived, or who does the coordinator's bidding.
    `by the admin itself: ${await shown(adversary, roster, adversary.admin)}`,
    `a study made for it: ${said(studyUnder(adversary, roster))}`,
  ]
  const fields = await adversary.deal(0, 0)
  await adversary.check(0, 0)
  const victim = victimOf(adversary)
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
    ...outcome(adversary, fields, victim),
  }
}

/** The coordinator holds a key that it passes off as that of one honest site. */
const swappedKeys = async (adversary: Adversary) => {
  const [victim, holder, impersonated] = adversary.names() as [SiteId, SiteId, SiteId]
  const roster = swapped(adversary, impersonated)
  const happened = [
    `signed by the coordinator: ${await shown(adversary, roster, adversary.identity)}`,
    `by the admin itself: ${await shown(adversary, roster, adversary.admin)}`,
    `a study made for it: ${said(studyUnder(adversary, roster))}`,
  ]
  const helper = helperOf(adversary)
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
  const forgedFor = (site: SiteId): SignedMessage =>
    site === impersonated
      ? signBody('contribution', site, adversary.contributionBody(fields, site), sybil)
      : adversary.contributionOf(fields, site).message
  const contributors = entriesOf(adversary, fields, (site) => site, forgedFor)
  const others = adversary.names().filter((site) => site !== impersonated)
  const announced = adversary.announcement(fields, adversary.sites, { contributors })
  happened.push(`a contribution under it: ${allSaid(await adversary.ask(announced, others), 'answered')}`)
  return {
    happened: happened.join('; '),
    ...outcome(adversary, fields, victim),
  }
}

/** The admin removed the colluder after the others had dealt. */
const keptRemoved = async (adversary: Adversary) => {
  const [victim, ...others] = adversary.names() as [SiteId, ...SiteId[]]
  const idle = others.at(-1) as SiteId
  const dealt = [victim, ...others.slice(0, -1)]
  const removed = [helperOf(adversary).name]
  const fields = await adversary.deal(0, 0, dealt)
  await adversary.check(0, 0, dealt)
  await adversary.contribute(fields, dealt)
  for (const site of adversary.honest) site.removed = removed
  const announced = adversary.announcement(fields, [...dealt, ...removed])
  const first = allSaid(await adversary.ask(announced, [idle]), 'answered')
  adversary.site(idle).restart()
  adversary.site(idle).removed = []
  const second = allSaid(await adversary.ask(announced, [idle]), 'answered')
  adversary.site(idle).removed = removed
  const next = await adversary.deal(0, 1)
  const broadcast = adversary.broadcast(next)
  const refused = []
  for (const site of adversary.names()) refused.push(await adversary.tell(site, { kind: 'contribute', broadcast }))
  return {
    happened: [
      `the holder that did not deal: ${first}`,
      `after a restart, the roster hidden: ${second}`,
      `in the next attempt, those who dealt: ${allSaid(refused)}`,
    ].join('; '),
    ...outcome(adversary, fields, victim),
  }
}

/** A higher version, of other hospitals: taken for a removal of everybody, and for the latest that this federation may have. */
const otherFederation = async (adversary: Adversary) => {
  const other: Roster = {
    ...adversary.roster,
    federation: 'elsewhere',
    version: 9,
    members: padded(adversary).members.slice(-3),
  }
  const own: Roster = { ...adversary.roster, version: 2, members: adversary.roster.members.slice(0, -1) }
  const happened = await withWatch(adversary, async (watch, isKept) => {
    const removed = () => watch.removed(adversary.approvedBy(victimOf(adversary))).join() || 'nobody'
    const first = `${said(await watch.shown(other, adversary.admin))}, ${isKept() ? 'the confirmed one stays' : 'REPLACED'}; taken for removed: ${removed()}`
    const second = `${said(await watch.shown(own, adversary.admin))}, taken for removed: ${removed()}`
    return `${first}; the next roster of its own federation: ${second}`
  })
  return { happened, learned: null, control: null, named: adversary.named }
}
