import { hashCanonical } from '@tributary/shared/wire/canonical'
import { checkRenewalProof } from '@tributary/shared/wire/envelope-enrolment'
import type { FederationHandlers } from '@tributary/shared/wire/federation-api'
import type { EnrolmentDesk } from './enrol.ts'

/**
 * The handler of Renew: the next certificate for the site that calls, by the same authority, under the identity key that it
 * enrolled with. A request that is sent again, because its reply was lost, gets the same certificate. Throws SIGNATURE_INVALID
 * (identity proof), ARGUMENT_INVALID (certificate request), CERTIFICATE_REVOKED.
 */
export const renewWith =
  ({
    authority,
    registry,
    clock,
  }: Pick<EnrolmentDesk, 'authority' | 'registry' | 'clock'>): FederationHandlers['renew'] =>
  async (peer, { csr, identityProof }) => {
    const request = hashCanonical('renewal', { site: peer.site, serial: peer.serial, csr, identityProof })
    const before = registry.renewal(peer, request)
    if (before !== undefined) return { certificate: before }
    checkRenewalProof(peer, { csr, identityProof }, registry.identityOf(peer.site))
    const issued = await authority.signSite(peer.site, csr)
    return registry.store.transaction(() => {
      const meanwhile = registry.renewal(peer, request)
      if (meanwhile !== undefined) return { certificate: meanwhile }
      registry.renew(peer, request, issued, clock.now())
      return { certificate: issued.certificate }
    })
  }
