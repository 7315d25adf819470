import { join } from 'node:path'
import { CodedError } from '@tributary/shared/errors'
import type { Digest } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import { proveIdentity } from '@tributary/shared/wire/envelope-enrolment'
import { probeAuthority } from '../link/authority-probe.ts'
import { connect } from '../link/client.ts'
import { EgressJournal } from '../link/egress-journal.ts'
import { type EnrolmentRecord, writeEnrolmentRecord } from './enrolment-record.ts'
import { openSiteKeys } from './site-keys.ts'
import { checkCertificate, dropRenewed } from './tls-credentials.ts'

export interface EnrolmentOrder {
  /** host:port. */
  readonly coordinator: string
  /** SHA-256 of the federation's authority, as the operator read it out. */
  readonly caSha256: Digest
  readonly token: string
  readonly clock: Clock
  readonly patienceMs?: number
}

/**
 * Enrols this data directory: compares the authority's fingerprint first, then sends token, certificate request and identity key
 * over a connection that trusts that authority alone, and keeps the certificate. May be repeated with the same token after a
 * lost reply. Throws TLS_REFUSED before the token is sent when the fingerprint differs; TOKEN_REFUSED, UNAVAILABLE.
 */
export const enrolSite = async (dataDir: string, order: EnrolmentOrder): Promise<EnrolmentRecord> => {
  const keys = openSiteKeys(dataDir)
  const ca = await probeAuthority(order.coordinator, order.caSha256)
  const { clock, patienceMs = 10_000 } = order
  const client = connect({ address: order.coordinator, ca, clock, patienceMs })
  try {
    const request = {
      token: order.token,
      site: keys.site,
      csr: keys.request,
      identity: keys.identity.publicKey,
      identityProof: proveIdentity(keys.site, keys.request, keys.identity),
    }
    const journal = EgressJournal.open(join(dataDir, 'egress.sqlite'), clock)
    try {
      journal.noteRequest('enrolment', request)
    } finally {
      journal.close()
    }
    const reply = await client.enrol(request)
    checkCertificate({ certificate: reply.certificate, key: keys.tlsKey }, keys.site, ca)
    if (reply.coordinatorIdentity.length !== 32)
      throw new CodedError('TLS_REFUSED', 'the coordinator did not send its identity key')
    const record: EnrolmentRecord = {
      schema_version: 1,
      coordinator: order.coordinator,
      federation: reply.federation,
      coordinator_identity: Buffer.from(reply.coordinatorIdentity).toString('hex'),
      ca,
      certificate: reply.certificate,
    }
    writeEnrolmentRecord(dataDir, record)
    dropRenewed(dataDir)
    return record
  } finally {
    client.close()
  }
}
