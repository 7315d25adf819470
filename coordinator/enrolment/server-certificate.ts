import { X509Certificate } from 'node:crypto'
import { readPrivateFile, writePrivateFile } from '@tributary/shared/cli/private-file'
import type { Clock } from '@tributary/shared/ports'
import { type CertificateDates, certificateDates, isRenewalDue } from '@tributary/shared/wire/certificate-dates'
import type { CertificateAuthority, KeyAndCertificate } from './certificate-authority.ts'

/** The host names and addresses that a server certificate is for. */
export const hostsOf = (certificate: string): string[] =>
  (new X509Certificate(certificate).subjectAltName ?? '')
    .split(', ')
    .map((name) => name.replace(/^(DNS|IP Address):/, ''))
    .filter((name) => name !== '')

/** What a renewal left: each of the two texts is the whole file, of which TLS takes its part. Throws NOT_FOUND. */
export const readRenewedServer = (path: string): KeyAndCertificate => {
  const bundle = readPrivateFile(path, 'coordinator up').toString('utf8')
  return { certificate: bundle, key: bundle }
}

/** Pause after a renewal that failed, for want of disk, say, ms. */
const retryMs = 60_000

/**
 * The server's own certificate, renewed under the same authority and for the same hosts once less than a third of its life is
 * left, so that sites notice nothing. Key, certificate and authority stand in one file that is replaced whole: no crash leaves
 * a key with another's certificate.
 */
export class ServerCertificate {
  readonly #path: string
  readonly #authority: CertificateAuthority
  readonly #clock: Clock
  #present: KeyAndCertificate
  #dates: CertificateDates
  #notBefore = 0

  constructor(
    from: {
      readonly server: KeyAndCertificate
      readonly renewedServerPath: string
      readonly authority: CertificateAuthority
    },
    clock: Clock,
  ) {
    this.#path = from.renewedServerPath
    this.#authority = from.authority
    this.#clock = clock
    this.#present = from.server
    this.#dates = certificateDates(from.server.certificate)
  }

  get present(): KeyAndCertificate {
    return this.#present
  }

  /** ms since 1970. */
  get expires(): number {
    return this.#dates.to
  }

  /** True when there is a new one, durable before it is returned. Throws what the file system throws; then waits a minute. */
  async renewIfDue(): Promise<boolean> {
    const now = this.#clock.now()
    if (now < this.#notBefore || !isRenewalDue(this.#dates, now)) return false
    this.#notBefore = now + retryMs
    const { key, certificate } = await this.#authority.issueServer(hostsOf(this.#present.certificate))
    writePrivateFile(this.#path, `${key}\n${certificate}\n${this.#authority.certificate}\n`)
    this.#present = readRenewedServer(this.#path)
    this.#dates = certificateDates(this.#present.certificate)
    return true
  }
}
