import { ServerCredentials } from '@grpc/grpc-js'

const versions = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } as const

/**
 * TLS 1.3 only; client certificates are asked for but not demanded, so that Enrol works on the same port (admission.ts refuses
 * the rest). Own class: `createSsl` can only demand them, and the experimental provider credentials set no minimum version.
 * `present` changes the server's certificate for new connections; live ones go on.
 */
export class FederationCredentials extends ServerCredentials {
  readonly #clientCa: string

  constructor(certificate: string, key: string, clientCa: string) {
    super({ requestCert: true, rejectUnauthorized: false, ...versions }, { cert: certificate, key, ca: clientCa })
    this.#clientCa = clientCa
  }

  present(certificate: string, key: string): void {
    this.updateSecureContextOptions({ cert: certificate, key, ca: this.#clientCa, ...versions })
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other
  }
}
