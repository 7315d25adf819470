import { X509Certificate } from 'node:crypto'
import { setDefaultCACertificates } from 'node:tls'
import { CodedError } from '@tributary/shared/errors'

/** The certificates of a PEM file, each checked. Throws `CONFIG_INVALID`, naming the file. */
export const authorityCertificates = (pem: string, file: string): string[] => {
  const found = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  const refuse = (cause?: unknown): never => {
    throw new CodedError('CONFIG_INVALID', 'no CA certificates in PEM', { place: { file }, cause })
  }
  if (found.length === 0) refuse()
  try {
    if (found.some((text) => !new X509Certificate(text).ca)) refuse()
  } catch (cause) {
    refuse(cause)
  }
  return found
}

/** From here on this process trusts these authorities and no other. Before the first connection. */
export const trustOnly = (certificates: readonly string[]): void => setDefaultCACertificates(certificates)
