import { printData } from '@tributary/shared/cli/output'
import { CodedError } from '@tributary/shared/errors'
import type { Clock } from '@tributary/shared/ports'
import { openBody, signBody } from '@tributary/shared/wire/body'
import type { CoordinatorClient, RosterReply } from '@tributary/shared/wire/federation-api'
import type { Roster } from '@tributary/shared/wire/messages'
import { checkRosterSignature, decodeRoster, memberOf, rosterHash } from '@tributary/shared/wire/roster'
import { differenceInWords, rosterDifference } from '@tributary/shared/wire/roster-difference'
import { fingerprint } from '@tributary/shared/wire/signed'
import type { Command } from 'commander'
import { compareFingerprints, unconfirmedKeys, wantedFlags } from '../policy/heard-fingerprints.ts'
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
const fetchRoster = async (client: CoordinatorClient, pinned: Roster | undefined) => {
  const reply = await client.roster()
  const roster = decodeRoster(reply.roster)
  checkRosterSignature(roster, reply.signature, (pinned ?? roster).admin)
  return { reply, roster }
}

/** What an officer who looks at a roster should do about it. */
const nextStep = (roster: Roster, pinned: Roster | undefined, site: Site, dataDir: string): string => {
  if (pinned !== undefined && rosterHash(pinned) === rosterHash(roster))
    return `confirmed here; to countersign (again): site-agent roster confirm --data-dir ${dataDir}`
  const unknown = unconfirmedKeys(roster, pinned, { name: site.name, publicKey: site.identity.publicKey })
  const flags = wantedFlags(unknown)
  return flags === ''
    ? `no key is new: site-agent roster confirm --data-dir ${dataDir}`
    : `ask each for their fingerprint by telephone, then: site-agent roster confirm --data-dir ${dataDir} ${flags}`
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
      const { reply, roster: proposed } = await fetchRoster(client, pinned)
      const difference = pinned && rosterDifference(pinned, proposed)
      const misplaced = ownPlace(proposed, site)
      const shown = {
        ...view(proposed, countersigned(reply, proposed)),
        confirmed_version: pinned?.version ?? null,
        ...(difference && { changes: options.json ? difference : differenceInWords(difference) }),
        ...(misplaced === undefined
          ? { next: nextStep(proposed, pinned, site, options.dataDir) }
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
        const { roster: proposed } = await fetchRoster(client, before)
        const misplaced = ownPlace(proposed, site)
        if (misplaced !== undefined) throw new CodedError('ROSTER_REFUSED', misplaced)
        const { adminFingerprint: admin, coordinatorFingerprint: coordinator } = options
        const own = { name: site.name, publicKey: site.identity.publicKey }
        compareFingerprints(proposed, before, own, {
          ...(admin !== undefined && { admin }),
          ...(coordinator !== undefined && { coordinator }),
          members: options.fingerprint,
        })
        book.pinRoster(proposed)
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
        printData({ ...view(proposed, signed), ...changes, next }, { json: options.json === true })
      } finally {
        book.close()
        client.close()
      }
    })
}
