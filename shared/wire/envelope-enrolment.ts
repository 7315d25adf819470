import type { SiteId } from '../ids.ts'
import { encodeCanonical } from './canonical.ts'
import type { EnrolRequest, PeerIdentity, RenewRequest } from './federation-api.ts'
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

const renewalKind = 'renewal'

/** The CSR, and which certificate it follows: a proof that was seen once is of no use for a later renewal. */
const renewalBody = (csr: Uint8Array, serial: string) => ({ csr, serial })

/** As `proveIdentity`, for the certificate that follows the one with this serial number (lower-case hex). */
export const proveRenewal = ({ site, serial }: PeerIdentity, csr: Uint8Array, identity: IdentityKey): Uint8Array =>
  signMessage(renewalKind, site, renewalBody(csr, serial), identity).signature

/** Throws SIGNATURE_INVALID when the proof is not by this identity key, for the peer's present certificate. */
export const checkRenewalProof = (peer: PeerIdentity, request: RenewRequest, identity: Uint8Array): void => {
  const message = {
    protocol: PROTOCOL_VERSION,
    kind: renewalKind,
    signer: peer.site,
    body: encodeCanonical(renewalBody(request.csr, peer.serial)),
    signature: request.identityProof,
  }
  openMessage(message, { kind: renewalKind, signer: peer.site, publicKey: identity })
}
