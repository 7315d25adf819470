import { ServerCredentials } from '@grpc/grpc-js'

/**
 * TLS 1.3 only; client certificates are asked for but not demanded, so that Enrol works on the same port (admission.ts refuses
 * the rest). Own class: `createSsl` can only demand them, and the experimental provider credentials set no minimum version.
 */
export class FederationCredentials extends ServerCredentials {
  constructor(certificate: string, key: string, clientCa: string) {
    super(
      { requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' },
      { cert: certificate, key, ca: clientCa },
    )
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other
  }
}
