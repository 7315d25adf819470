import type { PeerCertificate } from 'node:tls'
import { CodedError } from '@tributary/shared/errors'
import { siteId } from '@tributary/shared/ids'
import type { PeerIdentity } from '@tributary/shared/wire/federation-api'

const uriPrefix = 'urn:tributary:site:'

/** The name of a site as a subject alternative name (URI). */
export const siteUri = (site: string): string => `${uriPrefix}${site}`

/**
 * Who a client certificate names. The chain was checked by TLS; this checks what TLS does not, on every call: that it is still
 * within its dates at `now` (a connection may outlive it) and that common name and URI agree. Throws CERTIFICATE_REQUIRED,
 * CERTIFICATE_EXPIRED.
 */
export const peerOf = (certificate: PeerCertificate | undefined, now: number): PeerIdentity => {
  const refuse = (why: string): never => {
    throw new CodedError('CERTIFICATE_REQUIRED', why)
  }
  if (certificate === undefined)
    return refuse('this method needs a client certificate of this federation, within its dates')
  if (now < Date.parse(certificate.valid_from)) return refuse('the client certificate is not valid yet')
  if (now > Date.parse(certificate.valid_to))
    throw new CodedError('CERTIFICATE_EXPIRED', `the client certificate expired at ${certificate.valid_to}`)
  const name = certificate.subject.CN
  if (typeof name !== 'string' || certificate.subjectaltname !== `URI:${siteUri(name)}`) {
    return refuse('the client certificate does not name a site')
  }
  return { site: siteId(name), serial: certificate.serialNumber.toLowerCase() }
}
