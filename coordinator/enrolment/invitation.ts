import { createHash, randomBytes } from 'node:crypto'
import { CodedError } from '@tributary/shared/errors'
import type { Digest, SiteId } from '@tributary/shared/ids'
import { text, whole } from '@tributary/shared/store/sqlite'
import type { SiteRegistry } from './site-registry.ts'

const tokenHash = (token: string): string => createHash('sha256').update(token).digest('hex')

export interface Invitation {
  /** 256 random bits in base64url. Shown once: only its SHA-256 is stored. */
  readonly token: string
  readonly site: SiteId
  /** ms since 1970. */
  readonly expires: number
}

/** Invites one site, once, until `expires`; a site's earlier unused invitation stops working. */
export const issueInvitation = (registry: SiteRegistry, site: SiteId, expires: number): Invitation => {
  const token = randomBytes(32).toString('base64url')
  registry.store.transaction(() => {
    registry.store.run('DELETE FROM invitations WHERE site = ? AND request_hash IS NULL', site)
    registry.store.run(
      'INSERT INTO invitations (token_hash, site, expires) VALUES (?, ?, ?)',
      tokenHash(token),
      site,
      expires,
    )
  })
  return { token, site, expires }
}

export interface TokenUse {
  readonly token: string
  readonly site: SiteId
  /** Names everything in the request but the token. */
  readonly request: Digest
}

/**
 * Whether a token may enrol this site: undefined when it is unused and in time, or the certificate (PEM) that the very same
 * request was given before, so that a lost reply costs nothing. Else TOKEN_REFUSED, in the same words whatever the reason.
 */
export const checkToken = (registry: SiteRegistry, use: TokenUse, now: number): string | undefined => {
  const row = registry.store.get(
    `SELECT i.site, i.expires, i.request_hash, c.pem, c.revoked FROM invitations i
     LEFT JOIN certificates c ON c.serial = i.serial WHERE i.token_hash = ?`,
    tokenHash(use.token),
  )
  const isOurs = row !== undefined && text(row, 'site') === use.site
  if (isOurs && row.request_hash === null && now <= whole(row, 'expires')) return undefined
  if (isOurs && row.request_hash === use.request && row.revoked === null) return text(row, 'pem')
  throw new CodedError(
    'TOKEN_REFUSED',
    `this token does not enrol ${use.site}: unknown, used, expired or for another site`,
  )
}

/** Spends a token that `checkToken` passed, in the same transaction as the certificate it buys. */
export const spendToken = (registry: SiteRegistry, use: TokenUse, serial: string): void => {
  registry.store.run(
    'UPDATE invitations SET request_hash = ?, serial = ? WHERE token_hash = ?',
    use.request,
    serial,
    tokenHash(use.token),
  )
}
