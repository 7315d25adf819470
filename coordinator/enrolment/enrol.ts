import type { Clock } from '@tributary/shared/ports'
import { hashCanonical } from '@tributary/shared/wire/canonical'
import { checkIdentityProof } from '@tributary/shared/wire/envelope-enrolment'
import type { FederationHandlers } from '@tributary/shared/wire/federation-api'
import type { CertificateAuthority } from './certificate-authority.ts'
import { checkToken, spendToken } from './invitation.ts'
import type { SiteRegistry } from './site-registry.ts'

export interface EnrolmentDesk {
  readonly federation: string
  /** Raw Ed25519 public key, 32 bytes. */
  readonly coordinatorIdentity: Uint8Array
  readonly authority: CertificateAuthority
  readonly registry: SiteRegistry
  readonly clock: Clock
}

/**
 * The handler of Enrol. The token is spent in the same transaction that stores the identity and the certificate, so a request
 * that fails does not burn it and two at once do not both succeed. Throws TOKEN_REFUSED, SIGNATURE_INVALID (identity proof),
 * ARGUMENT_INVALID (certificate request) or ALREADY_EXISTS (identity of another site).
 */
export const enrolWith =
  (desk: EnrolmentDesk): FederationHandlers['enrol'] =>
  async ({ token, ...request }) => {
    const { authority, registry, clock } = desk
    const { site, csr, identity, identityProof } = request
    const use = { token, site, request: hashCanonical('enrolment', { site, csr, identity, identityProof }) }
    const reply = (certificate: string) => ({
      certificate,
      chain: authority.certificate,
      federation: desk.federation,
      coordinatorIdentity: desk.coordinatorIdentity,
    })
    const before = checkToken(registry, use, clock.now())
    if (before !== undefined) return reply(before)
    checkIdentityProof(request)
    const issued = await authority.signSite(site, csr)
    return registry.store.transaction(() => {
      const meanwhile = checkToken(registry, use, clock.now())
      if (meanwhile !== undefined) return reply(meanwhile)
      registry.admit(site, identity, issued, clock.now())
      spendToken(registry, use, issued.serial)
      return reply(issued.certificate)
    })
  }
