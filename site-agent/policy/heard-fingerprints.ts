import { HintedError } from '@tributary/shared/cli/hinted-error'
import { CodedError } from '@tributary/shared/errors'
import { type SiteId, siteId } from '@tributary/shared/ids'
import type { Roster } from '@tributary/shared/wire/messages'
import { fingerprint } from '@tributary/shared/wire/signed'

/** What the officer heard from each hospital, the consortium's admin and the operator themselves, never from the coordinator. */
export interface HeardFingerprints {
  readonly admin?: string
  readonly coordinator?: string
  /** SITE=FINGERPRINT. */
  readonly members: readonly string[]
}

/** Keys of a roster that nobody has confirmed here. */
export interface UnconfirmedKeys {
  readonly admin: boolean
  readonly coordinator: boolean
  readonly members: readonly SiteId[]
}

interface Own {
  readonly name: SiteId
  readonly publicKey: Uint8Array
}

const isSame = (one: Uint8Array, other: Uint8Array | undefined): boolean =>
  other !== undefined && Buffer.compare(one, other) === 0

/** New members, members under another key, and the coordinator's and admin's where they changed; a site's own key is known. */
export const unconfirmedKeys = (roster: Roster, pinned: Roster | undefined, own: Own): UnconfirmedKeys => ({
  admin: !isSame(roster.admin, pinned?.admin),
  coordinator: !isSame(roster.coordinator, pinned?.coordinator),
  members: roster.members
    .filter(({ site, identity }) => {
      const known = pinned?.members.find((member) => member.site === site)
      return site !== own.name && !isSame(identity, known?.identity)
    })
    .map(({ site }) => site),
})

/** The flags that `roster confirm` wants, for people to fill in. */
export const wantedFlags = ({ admin, coordinator, members }: UnconfirmedKeys): string =>
  [
    ...(admin ? ['--admin-fingerprint "..."'] : []),
    ...(coordinator ? ['--coordinator-fingerprint "..."'] : []),
    ...members.map((site) => `--fingerprint ${site}="..."`),
  ].join(' ')

const plain = (text: string): string => text.replaceAll(/[\s:]/g, '').toLowerCase()

const refuse = (who: string, why: string): never => {
  throw new CodedError('ROSTER_REFUSED', `${who}: ${why}`)
}

/**
 * Every key that was not confirmed here before must be given by its fingerprint, and every fingerprint given must be that of the
 * roster (R1). Throws `ROSTER_REFUSED` naming whose is another or missing, and `ARGUMENT_INVALID`.
 */
export const compareFingerprints = (
  roster: Roster,
  pinned: Roster | undefined,
  own: Own,
  heard: HeardFingerprints,
): void => {
  const listed = roster.members.find(({ site }) => site === own.name)
  if (listed !== undefined && !isSame(listed.identity, own.publicKey)) refuse(own.name, 'this is not our own key')
  const check = (who: string, given: string | undefined, key: Uint8Array) => {
    if (given !== undefined && plain(given) !== plain(fingerprint(key))) refuse(who, 'another fingerprint')
  }
  check('admin', heard.admin, roster.admin)
  check('coordinator', heard.coordinator, roster.coordinator)
  const given = new Set<SiteId>()
  for (const item of heard.members) {
    const equals = item.indexOf('=')
    if (equals < 1) throw new CodedError('ARGUMENT_INVALID', 'a fingerprint is given as SITE=FINGERPRINT')
    const site = siteId(item.slice(0, equals))
    const member = roster.members.find((each) => each.site === site)
    if (member === undefined) refuse(site, 'not in the roster')
    else check(site, item.slice(equals + 1), member.identity)
    given.add(site)
  }
  const wanted = unconfirmedKeys(roster, pinned, own)
  const missing: UnconfirmedKeys = {
    admin: wanted.admin && heard.admin === undefined,
    coordinator: wanted.coordinator && heard.coordinator === undefined,
    members: wanted.members.filter((site) => !given.has(site)),
  }
  const who = [...(missing.admin ? ['admin'] : []), ...(missing.coordinator ? ['coordinator'] : []), ...missing.members]
  if (who.length > 0)
    throw new HintedError(
      'ROSTER_REFUSED',
      `${who.join(', ')}: the fingerprint was not given`,
      `Ask each of them by telephone, then add: ${wantedFlags(missing)}`,
    )
}
