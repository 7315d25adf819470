import { CodedError } from '@tributary/shared/errors'
import { type Digest, type SiteId, siteId } from '@tributary/shared/ids'
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
  // A renewed certificate names the one it follows and the request that it was given for; heard: the site's last greeting.
  `ALTER TABLE certificates ADD COLUMN follows TEXT REFERENCES certificates;
   ALTER TABLE certificates ADD COLUMN request TEXT;
   ALTER TABLE identities ADD COLUMN heard INTEGER;`,
]

export interface SiteRecord {
  readonly site: SiteId
  /** Raw Ed25519 public key, 32 bytes. */
  readonly identity: Uint8Array
  /** When this identity enrolled, ms since 1970. */
  readonly since: number
  /** When its agent last greeted, ms since 1970. */
  readonly heard?: number
  /** The newest certificate; absent when every one was revoked. */
  readonly serial?: string
  readonly expires?: number
}

/** Who is enrolled, with which keys and certificates, and who is invited. Other processes may change the same file. */
export interface SiteRegistry {
  readonly store: SqliteStore
  sites(): readonly SiteRecord[]
  isRevoked(serial: string): boolean
  isEnrolled(peer: PeerIdentity): boolean
  /** Whether a site with this very identity key has a certificate that nobody revoked, in date or not. */
  isStanding(site: SiteId, identity: Uint8Array): boolean
  /** Throws NOT_FOUND. */
  identityOf(site: SiteId): Uint8Array
  /** Notes that the site used this certificate: the one that it follows, if any, is revoked from now on. */
  heard(peer: PeerIdentity, now: number): void
  /** Notes a greeting of the site's agent. */
  greeted(site: SiteId, now: number): void
  /** The certificate (PEM) that this very request was given before. */
  renewal(peer: PeerIdentity, request: Digest): string | undefined
  /**
   * Notes the certificate that follows the peer's present one, which works on until the new one is first heard; another follower
   * that was never heard is revoked. Inside a transaction of `store`. Throws CERTIFICATE_REVOKED when the present one is.
   */
  renew(peer: PeerIdentity, request: Digest, issued: IssuedCertificate, now: number): void
  /**
   * Notes a site's identity and new certificate and revokes its earlier ones; inside a transaction of `store`. Throws
   * ALREADY_EXISTS when another site has this identity: one hospital may not count twice.
   */
  admit(site: SiteId, identity: Uint8Array, issued: IssuedCertificate, now: number): void
  /** Revokes every certificate of a site and its open invitation. Throws NOT_FOUND when it has neither. */
  revoke(site: SiteId, now: number): void
  close(): void
}

interface Renewal {
  readonly follows: string
  readonly request: Digest
}

/** Opens or creates the registry, a SQLite file. Throws what `openStore` throws. */
export const openSiteRegistry = (path: string): SiteRegistry => {
  const store = openStore(path, { synchronous: 'FULL', migrations })
  /** Certificates whose first use has been noted: asked once a process. */
  const seen = new Set<string>()
  const insert = (site: SiteId, { serial, certificate, expires }: IssuedCertificate, renewal: Renewal | null) =>
    store.run(
      'INSERT INTO certificates (serial, site, pem, expires, follows, request) VALUES (?, ?, ?, ?, ?, ?)',
      serial,
      site,
      certificate,
      expires,
      renewal?.follows ?? null,
      renewal?.request ?? null,
    )
  return {
    store,
    sites: () =>
      store
        .all(
          `SELECT i.site, i.identity, i.since, i.heard, c.serial, c.expires FROM identities i
           LEFT JOIN certificates c ON c.rowid =
             (SELECT max(rowid) FROM certificates WHERE site = i.site AND revoked IS NULL) ORDER BY i.site`,
        )
        .map((row) => ({
          site: siteId(text(row, 'site')),
          identity: blob(row, 'identity'),
          since: whole(row, 'since'),
          ...(row.heard !== null && { heard: whole(row, 'heard') }),
          ...(row.serial !== null && { serial: text(row, 'serial'), expires: whole(row, 'expires') }),
        })),
    isRevoked: (serial) =>
      store.get('SELECT 1 FROM certificates WHERE serial = ? AND revoked IS NOT NULL', serial) !== undefined,
    isEnrolled: ({ site, serial }) =>
      store.get('SELECT 1 FROM certificates WHERE serial = ? AND site = ?', serial, site) !== undefined,
    isStanding: (site, identity) =>
      store.get(
        `SELECT 1 FROM identities i JOIN certificates c ON c.site = i.site AND c.revoked IS NULL
         WHERE i.site = ? AND i.identity = ?`,
        site,
        identity,
      ) !== undefined,
    identityOf: (site) => {
      const row = store.get('SELECT identity FROM identities WHERE site = ?', site)
      if (row === undefined) throw new CodedError('NOT_FOUND', `${site} is not enrolled`)
      return blob(row, 'identity')
    },
    heard: ({ serial }, now) => {
      if (seen.has(serial)) return
      store.run(
        `UPDATE certificates SET revoked = ? WHERE revoked IS NULL
         AND serial = (SELECT follows FROM certificates WHERE serial = ?)`,
        now,
        serial,
      )
      seen.add(serial)
    },
    greeted: (site, now) => void store.run('UPDATE identities SET heard = ? WHERE site = ?', now, site),
    renewal: ({ serial }, request) => {
      const row = store.get(
        'SELECT pem FROM certificates WHERE follows = ? AND request = ? AND revoked IS NULL',
        serial,
        request,
      )
      return row && text(row, 'pem')
    },
    renew: ({ site, serial }, request, issued, now) => {
      if (store.get('SELECT 1 FROM certificates WHERE serial = ? AND revoked IS NULL', serial) === undefined)
        throw new CodedError('CERTIFICATE_REVOKED', `the certificate of ${site} was revoked`)
      store.run('UPDATE certificates SET revoked = ? WHERE follows = ? AND revoked IS NULL', now, serial)
      insert(site, issued, { follows: serial, request })
    },
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
      insert(site, issued, null)
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
