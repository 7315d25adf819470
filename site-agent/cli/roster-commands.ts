import { printData } from '@tributary/shared/cli/output'
import { CodedError } from '@tributary/shared/errors'
import type { Clock } from '@tributary/shared/ports'
import { openBody, signBody } from '@tributary/shared/wire/body'
import type { RosterReply } from '@tributary/shared/wire/federation-api'
import type { Roster } from '@tributary/shared/wire/messages'
import { decodeRoster, memberOf, rosterHash } from '@tributary/shared/wire/roster'
import { differenceInWords, rosterDifference } from '@tributary/shared/wire/roster-difference'
import { fingerprint } from '@tributary/shared/wire/signed'
import type { Command } from 'commander'
import type { Site } from '../site.ts'
import { openSite, siteCommand, type SiteOptions } from './common-options.ts'

const plain = (text: string): string => text.replaceAll(/[\s:]/g, '').toLowerCase()

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
  coordinator_fingerprint: fingerprint(roster.coordinator),
  members: roster.members.map(({ site, identity }) => ({
    site,
    fingerprint: fingerprint(identity),
    countersigned: signed.includes(site),
  })),
})

/** Undefined where the roster lists this site under its own key; else what is wrong and who mends it. */
const ownPlace = (roster: Roster, site: Site): string | undefined => {
  const own = roster.members.find((member) => member.site === site.name)
  if (own === undefined)
    return `${site.name} is not in this roster: do not confirm it. The operator proposes one with it (coordinator roster propose) once it is enrolled`
  if (Buffer.compare(own.identity, site.identity.publicKey) === 0) return undefined
  return `listed under another key than ours (${fingerprint(site.identity.publicKey)}): do not confirm it. If this site was enrolled anew, the operator proposes again (coordinator roster propose); if not, ask the operator by telephone who stands there`
}

/** Every fingerprint must be given by the officer, who heard it from that hospital and not from the coordinator (R1). */
const compare = (roster: Roster, site: Site, given: readonly string[], coordinator: string): void => {
  const refuse = (who: string, why: string): never => {
    throw new CodedError('ROSTER_REFUSED', `${who}: ${why}`)
  }
  if (plain(coordinator) !== plain(fingerprint(roster.coordinator))) refuse('coordinator', 'another fingerprint')
  const heard = new Map<string, string>()
  for (const item of given) {
    const at = item.indexOf('=')
    if (at < 1) throw new CodedError('ARGUMENT_INVALID', 'a fingerprint is given as SITE=FINGERPRINT')
    heard.set(item.slice(0, at), plain(item.slice(at + 1)))
  }
  for (const { site: name, identity } of roster.members) {
    if (name === site.name) {
      if (Buffer.compare(identity, site.identity.publicKey) !== 0) refuse(name, 'this is not our own key')
    } else if (!heard.has(name)) refuse(name, 'its fingerprint was not given')
    else if (heard.get(name) !== plain(fingerprint(identity))) refuse(name, 'another fingerprint')
    heard.delete(name)
  }
  for (const name of heard.keys()) refuse(name, 'not in the roster')
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
    const client = site.connect(10_000)
    try {
      const reply = await client.roster()
      const proposed = decodeRoster(reply.roster)
      const misplaced = ownPlace(proposed, site)
      const shown = { ...view(proposed, countersigned(reply, proposed)), ...(misplaced && { this_site: misplaced }) }
      printData(shown, { json: options.json === true })
    } finally {
      client.close()
    }
  })

  siteCommand(
    roster,
    'confirm',
    'confirm every fingerprint as heard from that hospital itself, and countersign',
    'roster confirm --data-dir /srv/site-agent --coordinator-fingerprint "3f9a ..." --fingerprint river="77c0 ..."',
  )
    .requiredOption('--coordinator-fingerprint <fingerprint>', "the coordinator's identity key")
    .option('--fingerprint <site=fingerprint...>', 'one for every other hospital; your own may be left out', [])
    .action(async (options: SiteOptions & { coordinatorFingerprint: string; fingerprint: string[] }) => {
      const site = openSite(options, ports.clock)
      const client = site.connect(10_000)
      const book = site.openBook()
      try {
        const proposed = decodeRoster((await client.roster()).roster)
        compare(proposed, site, options.fingerprint, options.coordinatorFingerprint)
        const before = book.roster()
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
