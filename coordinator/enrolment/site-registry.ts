import { CodedError } from '@tributary/shared/errors'
import { type SiteId, siteId } from '@tributary/shared/ids'
import { blob, openStore, type SqliteStore, text, whole } from '@tributary/shared/store/sqlite'
import type { PeerIdentity } from '@tributary/shared/wire/federation-api'
import type { IssuedCertificate } from './certificate-authority.ts'

const migrations = [
  `CREATE TABLE identities (site TEXT PRIMARY KEY, identity BLOB NOT NULL UNIQUE, since INTEGER NOT NULL) STRICT;
   CREATE TABLE certificates (
     serial TEXT PRIMARY KEY, site TEXT NOT NULL REFERENCES identities, pem TEXT NOT NULL,
     expires INTEGER NOT NULL, revoked INTEGER
   ) STRICT;
   CREATE INDEX certificates_by_site ON certificates (site);
   CREATE TABLE invitations (
     token_hash TEXT PRIMARY KEY, site TEXT NOT NULL, expires INTEGER NOT NULL,
     request_hash TEXT, serial TEXT REFERENCES certificates
   ) STRICT;`,
]

export interface SiteRecord {
  readonly site: SiteId
  /** Raw Ed25519 public key, 32 bytes. */
  readonly identity: Uint8Array
  /** When this identity enrolled, ms since 1970. */
  readonly since: number
  /** The certificate in use; absent when every one was revoked. */
  readonly serial?: string
  readonly expires?: number
}

/** Who is enrolled, with which keys and certificates, and who is invited. Other processes may change the same file. */
export interface SiteRegistry {
  readonly store: SqliteStore
  sites(): readonly SiteRecord[]
  isRevoked(serial: string): boolean
  isEnrolled(peer: PeerIdentity): boolean
  /**
   * Notes a site's identity and new certificate and revokes its earlier ones; inside a transaction of `store`. Throws
   * ALREADY_EXISTS when another site has this identity: one hospital may not count twice.
   */
  admit(site: SiteId, identity: Uint8Array, issued: IssuedCertificate, now: number): void
  /** Revokes every certificate of a site and its open invitation. Throws NOT_FOUND when it has neither. */
  revoke(site: SiteId, now: number): void
  close(): void
}

/** Opens or creates the registry, a SQLite file. Throws what `openStore` throws. */
export const openSiteRegistry = (path: string): SiteRegistry => {
  const store = openStore(path, { synchronous: 'FULL', migrations })
  return {
    store,
    sites: () =>
      store
        .all(
          `SELECT i.site, i.identity, i.since, c.serial, c.expires FROM identities i
           LEFT JOIN certificates c ON c.site = i.site AND c.revoked IS NULL ORDER BY i.site`,
        )
        .map((row) => ({
          site: siteId(text(row, 'site')),
          identity: blob(row, 'identity'),
          since: whole(row, 'since'),
          ...(row.serial !== null && { serial: text(row, 'serial'), expires: whole(row, 'expires') }),
        })),
    isRevoked: (serial) =>
      store.get('SELECT 1 FROM certificates WHERE serial = ? AND revoked IS NOT NULL', serial) !== undefined,
    isEnrolled: ({ site, serial }) =>
      store.get('SELECT 1 FROM certificates WHERE serial = ? AND site = ?', serial, site) !== undefined,
    admit: (site, identity, issued, now) => {
      const other = store.get('SELECT site FROM identities WHERE identity = ? AND site <> ?', identity, site)
      if (other !== undefined) {
        throw new CodedError('ALREADY_EXISTS', `this identity key is already enrolled as ${text(other, 'site')}`)
      }
      store.run(
        `INSERT INTO identities (site, identity, since) VALUES (?, ?, ?) ON CONFLICT (site) DO UPDATE
         SET identity = excluded.identity, since = excluded.since WHERE identity <> excluded.identity`,
        site,
        identity,
        now,
      )
      store.run('UPDATE certificates SET revoked = ? WHERE site = ? AND revoked IS NULL', now, site)
      store.run(
        'INSERT INTO certificates (serial, site, pem, expires) VALUES (?, ?, ?, ?)',
        issued.serial,
        site,
        issued.certificate,
        issued.expires,
      )
    },
    revoke: (site, now) =>
      store.transaction(() => {
        const changed =
          store.run('UPDATE certificates SET revoked = ? WHERE site = ? AND revoked IS NULL', now, site) +
          store.run('DELETE FROM invitations WHERE site = ? AND request_hash IS NULL', site)
        if (changed === 0) throw new CodedError('NOT_FOUND', `nothing to revoke for ${site}`)
      }),
    close: () => store.close(),
  }
}
