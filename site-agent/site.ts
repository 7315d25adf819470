import { join } from 'node:path'
import { siteId, type SiteId } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import type { CoordinatorClient } from '@tributary/shared/wire/federation-api'
import type { IdentityKey } from '@tributary/shared/wire/signed'
import { type EnrolmentRecord, readEnrolmentRecord } from './enrolment/enrolment-record.ts'
import { openSiteKeys, type SiteKeys } from './enrolment/site-keys.ts'
import { Ledger } from './ledger/ledger.ts'
import { connect } from './link/client.ts'
import { EgressJournal, journalled } from './link/egress-journal.ts'
import { AnswerLog } from './policy/answer-log.ts'
import { BoxKeyRing } from './policy/box-key-ring.ts'
import { PeerCounters } from './policy/peer-counters.ts'
import { SiteBook } from './policy/site-book.ts'
import { requireVolatile } from './policy/volatile-mark.ts'
import { Outbox } from './update/outbox.ts'

/**
 * A hospital's data directory. `keys/` never leaves it; `volatile/` (box keys, answer log, peer counters, outbox) belongs
 * outside ordinary backups (R4): a site restored without it must enrol again, which `volatile.expected` sees to.
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

  /** Every signed message is noted in the egress journal before it is sent; `close` closes both. */
  connect(patienceMs?: number): CoordinatorClient {
    const { coordinator, ca, certificate } = this.enrolment()
    const client = connect({
      address: coordinator,
      ca,
      certificate,
      key: this.#keys.tlsKey,
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
    return Ledger.open(join(this.#dataDir, 'ledger.sqlite'), this.#clock)
  }

  /** Before anything is approved or dealt. Throws `VOLATILE_LOST`. */
  requireVolatile(): void {
    requireVolatile(this.#dataDir)
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
