import { createPrivateKey, X509Certificate } from 'node:crypto'
import { CodedError } from '@tributary/shared/errors'
import type { Digest } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import { proveIdentity } from '@tributary/shared/wire/envelope-enrolment'
import type { EnrolReply } from '@tributary/shared/wire/federation-api'
import { probeAuthority } from '../link/authority-probe.ts'
import { connect } from '../link/client.ts'
import { type EnrolmentRecord, writeEnrolmentRecord } from './enrolment-record.ts'
import { openSiteKeys, type SiteKeys } from './site-keys.ts'

export interface EnrolmentOrder {
  /** host:port. */
  readonly coordinator: string
  /** SHA-256 of the federation's authority, as the operator read it out. */
  readonly caSha256: Digest
  readonly token: string
  readonly clock: Clock
  readonly patienceMs?: number
}

/** The certificate must be for our key and name and come from the authority that was pinned: TLS_REFUSED otherwise. */
const checkReply = (reply: EnrolReply, keys: SiteKeys, ca: string): void => {
  const refuse = (why: string, cause?: unknown): never => {
    throw new CodedError('TLS_REFUSED', `the coordinator sent a certificate ${why}`, { cause })
  }
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(reply.certificate)
  } catch (cause) {
    return refuse('that is none', cause)
  }
  if (!certificate.verify(new X509Certificate(ca).publicKey)) refuse('of another authority')
  if (!certificate.checkPrivateKey(createPrivateKey(keys.tlsKey))) refuse('for another key')
  if (certificate.subject !== `CN=${keys.site}`) refuse('for another site')
  if (reply.coordinatorIdentity.length !== 32) refuse('without its identity key')
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
    const reply = await client.enrol({
      token: order.token,
      site: keys.site,
      csr: keys.request,
      identity: keys.identity.publicKey,
      identityProof: proveIdentity(keys.site, keys.request, keys.identity),
    })
    checkReply(reply, keys, ca)
    const record: EnrolmentRecord = {
      schema_version: 1,
      coordinator: order.coordinator,
      federation: reply.federation,
      coordinator_identity: Buffer.from(reply.coordinatorIdentity).toString('hex'),
      ca,
      certificate: reply.certificate,
    }
    writeEnrolmentRecord(dataDir, record)
    return record
  } finally {
    client.close()
  }
}
