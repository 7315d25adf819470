import { HintedError } from '@tributary/shared/cli/hinted-error'
import { printData } from '@tributary/shared/cli/output'
import type { Clock } from '@tributary/shared/ports'
import { openBody, signBody } from '@tributary/shared/wire/body'
import type { CoordinatorClient, RosterReply } from '@tributary/shared/wire/federation-api'
import type { Roster } from '@tributary/shared/wire/messages'
import { checkRosterSignature, decodeRoster, memberOf, rosterHash } from '@tributary/shared/wire/roster'
import { differenceInWords, rosterDifference } from '@tributary/shared/wire/roster-difference'
import { fingerprint } from '@tributary/shared/wire/signed'
import type { Command } from 'commander'
import { compareFingerprints, unconfirmedKeys, wantedFlags } from '../policy/heard-fingerprints.ts'
import type { SiteBook } from '../policy/site-book.ts'
import type { Site } from '../site.ts'
import { openSite, siteCommand, type SiteOptions } from './common-options.ts'

/** Members whose countersignature over this very roster verifies; whatever else stands among them is passed over. */
export const countersigned = (reply: RosterReply, roster: Roster): string[] => {
  const hash = rosterHash(roster)
  return roster.members
    .map(({ site }) => site)
    .filter((site) =>
      reply.countersignatures.some((message) => {
        if (message.signer !== site) return false
        try {
          return openBody('countersignature', message, memberOf(roster, site)).roster === hash
        } catch {
          return false
        }
      }),
    )
}

const view = (roster: Roster, signed: readonly string[] = []) => ({
  roster: rosterHash(roster),
  version: roster.version,
  admin_fingerprint: fingerprint(roster.admin),
  coordinator_fingerprint: fingerprint(roster.coordinator),
  members: roster.members.map(({ site, identity }) => ({
    site,
    fingerprint: fingerprint(identity),
    countersigned: signed.includes(site),
  })),
  ...(roster.committee.length > 0 && { committee: roster.committee }),
})

/**
 * The latest roster as its admin signed it: the admin that was confirmed here, or before the first confirmation the one that the
 * roster names. Throws `ROSTER_REFUSED` or `SIGNATURE_INVALID`.
 */
const fetchRoster = async (client: CoordinatorClient, book: SiteBook) => {
  const reply = await client.roster()
  const roster = decodeRoster(reply.roster)
  checkRosterSignature(roster, reply.signature, (book.roster() ?? roster).admin)
  book.refuseOtherFederation(roster)
  return { reply, roster }
}

/** What an officer who looks at a roster should do about it. */
const nextStep = (roster: Roster, book: SiteBook, site: Site, dataDir: string): string => {
  const pinned = book.roster()
  if (pinned !== undefined && rosterHash(pinned) === rosterHash(roster))
    return `${(book.confirmedRoster() ?? pinned).version < pinned.version ? 'in force here already; to confirm it and countersign' : 'confirmed here; to countersign (again)'}: site-agent roster confirm --data-dir ${dataDir}`
  const unknown = unconfirmedKeys(roster, pinned, { name: site.name, publicKey: site.identity.publicKey })
  const flags = wantedFlags(unknown)
  return flags === ''
    ? `no key is new: site-agent roster confirm --data-dir ${dataDir}`
    : `ask each for their fingerprint by telephone, then: site-agent roster confirm --data-dir ${dataDir} ${flags}`
}

/** What the agent took up by itself since the officer confirmed a roster here: removals that the admin signed (R1). */
const takenUp = (book: SiteBook, json: boolean | undefined) => {
  const [confirmed, inForce] = [book.confirmedRoster(), book.roster()]
  if (confirmed === undefined || inForce === undefined || rosterHash(confirmed) === rosterHash(inForce)) return {}
  const difference = rosterDifference(confirmed, inForce)
  const told = `${differenceInWords(difference)}, by the admin's signature, taken up by the agent`
  return { taken_up_by_agent: json === true ? difference : told }
}

/** Undefined where the roster lists this site under its own key; else what is wrong and who mends it. */
const ownPlace = (roster: Roster, site: Site): string | undefined => {
  const own = roster.members.find((member) => member.site === site.name)
  if (own === undefined)
    return `${site.name} is not in this roster: do not confirm it. The operator proposes one with it (coordinator roster propose) once it is enrolled`
  if (Buffer.compare(own.identity, site.identity.publicKey) === 0) return undefined
  return `listed under another key than ours (${fingerprint(site.identity.publicKey)}): do not confirm it. If this site was enrolled anew, the operator proposes again (coordinator roster propose); if not, ask the operator by telephone who stands there`
}

interface ConfirmOptions extends SiteOptions {
  readonly adminFingerprint?: string
  readonly coordinatorFingerprint?: string
  readonly fingerprint: string[]
}

/** `site-agent roster show | confirm`. */
export const addRosterCommands = (program: Command, ports: { readonly clock: Clock }): void => {
  const roster = program.command('roster').description('who the sites are, by identity key')

  siteCommand(
    roster,
    'show',
    'show the proposed roster with its fingerprints',
    'roster show --data-dir /srv/site-agent',
  ).action(async (options: SiteOptions) => {
    const site = openSite(options, ports.clock)
    const [client, book] = [site.connect(10_000), site.openBook()]
    try {
      const pinned = book.roster()
      const { reply, roster: proposed } = await fetchRoster(client, book)
      const difference = pinned && rosterDifference(pinned, proposed)
      const misplaced = ownPlace(proposed, site)
      const shown = {
        ...view(proposed, countersigned(reply, proposed)),
        confirmed_version: book.confirmedRoster()?.version ?? null,
        ...(pinned !== undefined && { version_in_force: pinned.version }),
        ...takenUp(book, options.json),
        ...(difference && { changes: options.json ? difference : differenceInWords(difference) }),
        ...(misplaced === undefined
          ? { next: nextStep(proposed, book, site, options.dataDir) }
          : { this_site: misplaced }),
      }
      printData(shown, { json: options.json === true })
    } finally {
      book.close()
      client.close()
    }
  })

  siteCommand(
    roster,
    'confirm',
    'confirm each new fingerprint as heard from its holder, and countersign',
    'roster confirm --data-dir /srv/site-agent --admin-fingerprint "5b1e ..." --coordinator-fingerprint "3f9a ..." --fingerprint river="77c0 ..."',
  )
    .option(
      '--admin-fingerprint <fingerprint>',
      "the consortium's admin key; the first time, then it is pinned for good",
    )
    .option(
      '--coordinator-fingerprint <fingerprint>',
      "the coordinator's identity key; the first time, and where it changed",
    )
    .option('--fingerprint <site=fingerprint...>', 'one for every other hospital that is new, or under another key', [])
    .action(async (options: ConfirmOptions) => {
      const site = openSite(options, ports.clock)
      const client = site.connect(10_000)
      const book = site.openBook()
      try {
        const before = book.roster()
        const { roster: proposed } = await fetchRoster(client, book)
        const misplaced = ownPlace(proposed, site)
        if (misplaced !== undefined)
          throw new HintedError(
            'ROSTER_REFUSED',
            misplaced,
            'Confirm nothing before that is settled with the operator.',
          )
        const taken = takenUp(book, options.json)
        const { adminFingerprint: admin, coordinatorFingerprint: coordinator } = options
        const own = { name: site.name, publicKey: site.identity.publicKey }
        compareFingerprints(proposed, before, own, {
          ...(admin !== undefined && { admin }),
          ...(coordinator !== undefined && { coordinator }),
          members: options.fingerprint,
        })
        book.pinRoster(proposed)
        book.noteConfirmed(proposed)
        const statement = { roster: rosterHash(proposed) }
        await client.countersign(signBody('countersignature', site.name, statement, site.identity))
        const reply = await client.roster()
        const signed =
          rosterHash(decodeRoster(reply.roster)) === rosterHash(proposed) ? countersigned(reply, proposed) : []
        const isAll = signed.length === proposed.members.length
        const next = isAll
          ? `site-agent study ls --data-dir ${options.dataDir}`
          : `wait for the others to confirm: site-agent roster show --data-dir ${options.dataDir}`
        const difference = before && rosterDifference(before, proposed)
        const changes = difference && { changes: options.json ? difference : differenceInWords(difference) }
        printData({ ...view(proposed, signed), ...taken, ...changes, next }, { json: options.json === true })
      } finally {
        book.close()
        client.close()
      }
    })
}
