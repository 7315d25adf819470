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

/** Without what separates the groups. Throws `ARGUMENT_INVALID` naming the option. */
const plain = (text: string, field: string): string => {
  const digits = text.replaceAll(/[\s:-]/g, '').toLowerCase()
  if (/^[0-9a-f]{32}$/.test(digits)) return digits
  const form = 'a fingerprint is eight groups of four hexadecimal digits, as "3f9a 12bc ..."'
  throw new CodedError('ARGUMENT_INVALID', form, { place: { field } })
}

const otherKey =
  'Use a number that you know, not one that came with the roster. Where they read out the same again, the roster shows another key in their place: do not confirm it, and tell the consortium.'

const refuse = (who: string, why: string, hint: string): never => {
  throw new HintedError('ROSTER_REFUSED', `${who}: ${why}`, hint)
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
  if (listed !== undefined && !isSame(listed.identity, own.publicKey))
    refuse(own.name, 'this is not our own key', otherKey)
  const check = (who: string, whom: string, given: string | undefined, key: Uint8Array, field: string) => {
    if (given === undefined || plain(given, field) === plain(fingerprint(key), field)) return
    const [why, hint] = [`${who}: not the one in the roster: stop, and telephone ${whom}`, otherKey]
    throw new HintedError('ROSTER_REFUSED', why, hint, { place: { field } })
  }
  check('admin', 'the admin of the consortium', heard.admin, roster.admin, '--admin-fingerprint')
  check('coordinator', 'the operator', heard.coordinator, roster.coordinator, '--coordinator-fingerprint')
  const given = new Set<SiteId>()
  for (const item of heard.members) {
    const equals = item.indexOf('=')
    if (equals < 1)
      throw new CodedError('ARGUMENT_INVALID', 'a fingerprint is given as SITE=FINGERPRINT', {
        place: { field: '--fingerprint' },
      })
    const site = siteId(item.slice(0, equals))
    const member = roster.members.find((each) => each.site === site)
    if (member === undefined)
      refuse(site, 'not in the roster', 'Leave it out; `site-agent roster show` says who is in the roster.')
    else check(site, 'that hospital', item.slice(equals + 1), member.identity, `--fingerprint ${site}`)
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
