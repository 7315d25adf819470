import { X509Certificate } from 'node:crypto'
import type { SiteId } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import { type CertificateDates, certificateDates, isRenewalDue } from '@tributary/shared/wire/certificate-dates'
import { proveRenewal } from '@tributary/shared/wire/envelope-enrolment'
import type { ClientCredentials, CoordinatorClient, RenewRequest } from '@tributary/shared/wire/federation-api'
import type { IdentityKey } from '@tributary/shared/wire/signed'
import { newTlsKey } from './site-keys.ts'
import { checkCertificate, writeRenewed } from './tls-credentials.ts'

export interface RenewalParts {
  readonly dataDir: string
  readonly site: SiteId
  readonly identity: IdentityKey
  /** PEM of the authority that was pinned. */
  readonly ca: string
  readonly credentials: ClientCredentials
  readonly client: Pick<CoordinatorClient, 'renew' | 'present'>
  readonly clock: Clock
}

/** Pause after a renewal that failed, ms: with ten days left there is time to try. */
const retryMs = 5 * 60_000

/**
 * Keeps this site's certificate fresh: a new key, made here, and the coordinator's certificate for it once less than a third of
 * the present one's life is left. Durable before it is used, so a crash leaves the old pair or the new one; a lost reply is
 * asked for again with the same request. Rounds in progress do not notice.
 */
export class CertificateRenewal {
  readonly #parts: RenewalParts
  #credentials: ClientCredentials
  #dates: CertificateDates
  #pending: { readonly key: string; readonly request: RenewRequest } | undefined
  #notBefore = 0

  constructor(parts: RenewalParts) {
    this.#parts = parts
    this.#credentials = parts.credentials
    this.#dates = certificateDates(parts.credentials.certificate)
  }

  /** ms since 1970. */
  get expires(): number {
    return this.#dates.to
  }

  /** Time to call `renew`: due, and not tried in the last five minutes. */
  isDue(now: number): boolean {
    return now >= this.#notBefore && isRenewalDue(this.#dates, now)
  }

  /** Asks for the next certificate and presents it from the next call on. Throws what the coordinator says, `TLS_REFUSED`. */
  async renew(): Promise<void> {
    const { dataDir, site, ca, client, clock } = this.#parts
    this.#notBefore = clock.now() + retryMs
    this.#pending ??= await this.#request()
    const { key, request } = this.#pending
    const { certificate } = await client.renew(request)
    const next = { certificate, key }
    checkCertificate(next, site, ca)
    writeRenewed(dataDir, next)
    this.#credentials = next
    this.#dates = certificateDates(certificate)
    this.#pending = undefined
    this.#notBefore = 0
    client.present(next)
  }

  async #request(): Promise<{ key: string; request: RenewRequest }> {
    const { site, identity } = this.#parts
    const serial = new X509Certificate(this.#credentials.certificate).serialNumber.toLowerCase()
    const { key, request: csr } = await newTlsKey(site)
    return { key, request: { csr, identityProof: proveRenewal({ site, serial }, csr, identity) } }
  }
}
