import type { SiteId } from '../ids.ts'
import { encodeCanonical } from './canonical.ts'
import type { EnrolRequest } from './federation-api.ts'
import { type IdentityKey, openMessage, PROTOCOL_VERSION, signMessage } from './signed.ts'

const kind = 'enrolment'

/** Shows that whoever asks for the certificate holds the identity key: Ed25519 over the site name and the CSR. */
export const proveIdentity = (site: SiteId, csr: Uint8Array, identity: IdentityKey): Uint8Array =>
  signMessage(kind, site, csr, identity).signature

/** Throws SIGNATURE_INVALID when the proof is not by the identity in the request, over its site and its CSR. */
export const checkIdentityProof = (request: Omit<EnrolRequest, 'token'>): void => {
  const { site, csr, identity, identityProof } = request
  const message = {
    protocol: PROTOCOL_VERSION,
    kind,
    signer: site,
    body: encodeCanonical(csr),
    signature: identityProof,
  }
  openMessage(message, { kind, signer: site, publicKey: identity })
}
