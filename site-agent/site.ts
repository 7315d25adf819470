import { join } from 'node:path'
import { siteId, type SiteId } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import { lockDirectory } from '@tributary/shared/store/directory-lock'
import type { ClientCredentials } from '@tributary/shared/wire/federation-api'
import type { IdentityKey } from '@tributary/shared/wire/signed'
import { CertificateRenewal } from './enrolment/certificate-renewal.ts'
import { type EnrolmentRecord, readEnrolmentRecord } from './enrolment/enrolment-record.ts'
import { openSiteKeys, type SiteKeys } from './enrolment/site-keys.ts'
import { readCredentials } from './enrolment/tls-credentials.ts'
import type { Ledger } from './ledger/ledger.ts'
import { openLedgerIn } from './ledger/ledger-folder.ts'
import { connect, type SiteClient } from './link/client.ts'
import { EgressJournal, journalled } from './link/egress-journal.ts'
import { AnswerLog } from './policy/answer-log.ts'
import { BoxKeyRing } from './policy/box-key-ring.ts'
import { PeerCounters } from './policy/peer-counters.ts'
import { SiteBook } from './policy/site-book.ts'
import { lostVolatile, requireVolatile } from './policy/volatile-mark.ts'
import { Outbox } from './update/outbox.ts'

/**
 * A hospital's data directory. `keys/` never leaves it; `volatile/` (box keys, answer log, peer counters, outbox, the ledger's
 * anchor) belongs outside ordinary backups (R4): a site restored without it must enrol again, and an officer acknowledge that its
 * ledger went back, which `volatile.expected` sees to.
 */
export class Site {
  readonly #dataDir: string
  readonly #clock: Clock
  readonly #keys: SiteKeys

  constructor(dataDir: string, clock: Clock) {
    this.#dataDir = dataDir
    this.#clock = clock
    this.#keys = openSiteKeys(dataDir)
  }

  get name(): SiteId {
    return siteId(this.#keys.site)
  }

  get identity(): IdentityKey {
    return this.#keys.identity
  }

  enrolment(): EnrolmentRecord {
    return readEnrolmentRecord(this.#dataDir)
  }

  /** The certificate in use, enrolled or renewed, with its key. */
  credentials(): ClientCredentials {
    return readCredentials(this.#dataDir, this.#keys, this.enrolment())
  }

  /** Throws `STORE_LOCKED` where another agent runs on this data directory. */
  lock(): { release(): void } {
    return lockDirectory(this.#dataDir, 'site-agent', this.#clock)
  }

  renewal(client: SiteClient): CertificateRenewal {
    const [dataDir, clock] = [this.#dataDir, this.#clock]
    const { ca } = this.enrolment()
    const { name: site, identity } = this
    return new CertificateRenewal({ dataDir, site, identity, ca, credentials: this.credentials(), client, clock })
  }

  /** What leaves is noted in the egress journal before it is sent; `close` closes both. */
  connect(patienceMs?: number): SiteClient {
    const { coordinator, ca } = this.enrolment()
    const client = connect({
      address: coordinator,
      ca,
      ...this.credentials(),
      clock: this.#clock,
      ...(patienceMs !== undefined && { patienceMs }),
    })
    const journal = this.openEgress()
    const close = () => {
      client.close()
      journal.close()
    }
    return { ...journalled(client, journal), close }
  }

  openEgress(): EgressJournal {
    return EgressJournal.open(join(this.#dataDir, 'egress.sqlite'), this.#clock)
  }

  openBook(): SiteBook {
    return SiteBook.open(join(this.#dataDir, 'site.sqlite'))
  }

  openLedger(): Ledger {
    return openLedgerIn(this.#dataDir, this.#clock)
  }

  /** Throws `LEDGER_RESTORED` or `VOLATILE_LOST` where this hospital came back from a backup and no officer has acknowledged it (R4). */
  refuseRestored(): void {
    const ledger = this.openLedger()
    try {
      ledger.refuseRestored()
    } finally {
      ledger.close()
    }
  }

  /** Who is held out from training (R22): beside the ledger, in ordinary backups with it. */
  get holdoutFolder(): string {
    return this.#dataDir
  }

  /** Before anything is approved or dealt. Throws `VOLATILE_LOST`. */
  requireVolatile(): void {
    requireVolatile(this.#dataDir)
  }

  /** For good: this data directory is charged and approved for no more. */
  get isVolatileLost(): boolean {
    return lostVolatile(this.#dataDir) !== null
  }

  openAnswers(): AnswerLog {
    return AnswerLog.open(join(this.#dataDir, 'volatile', 'answers.sqlite'))
  }

  openCounters(): PeerCounters {
    return PeerCounters.open(join(this.#dataDir, 'volatile', 'counters.sqlite'))
  }

  openOutbox(): Outbox {
    return Outbox.open(join(this.#dataDir, 'volatile', 'outbox'))
  }

  boxKeys(): BoxKeyRing {
    return new BoxKeyRing(join(this.#dataDir, 'volatile', 'box-keys'))
  }

  get logPath(): string {
    return join(this.#dataDir, 'agent.log')
  }
}
