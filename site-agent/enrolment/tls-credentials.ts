import { createPrivateKey, X509Certificate } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { readPrivateFile, writePrivateFile } from '@tributary/shared/cli/private-file'
import { CodedError } from '@tributary/shared/errors'
import type { SiteId } from '@tributary/shared/ids'
import { certificateDates } from '@tributary/shared/wire/certificate-dates'
import type { ClientCredentials } from '@tributary/shared/wire/federation-api'
import type { EnrolmentRecord } from './enrolment-record.ts'
import type { SiteKeys } from './site-keys.ts'

/** Key and certificate of the latest renewal, in one file that is replaced whole: never a key with another's certificate. */
const renewedPath = (dataDir: string): string => join(dataDir, 'keys', 'renewed.pem')

/** The certificate must be for this key and name and come from the authority that was pinned: TLS_REFUSED otherwise. */
export const checkCertificate = (credentials: ClientCredentials, site: SiteId, ca: string): void => {
  const refuse = (why: string, cause?: unknown): never => {
    throw new CodedError('TLS_REFUSED', `the coordinator sent a certificate ${why}`, { cause })
  }
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(credentials.certificate)
  } catch (cause) {
    return refuse('that is none', cause)
  }
  if (!certificate.verify(new X509Certificate(ca).publicKey)) refuse('of another authority')
  if (!certificate.checkPrivateKey(createPrivateKey(credentials.key))) refuse('for another key')
  if (certificate.subject !== `CN=${site}`) refuse('for another site')
}

/** Durable on return, readable by its owner alone. */
export const writeRenewed = (dataDir: string, { certificate, key }: ClientCredentials): void =>
  writePrivateFile(renewedPath(dataDir), `${key.trim()}\n${certificate.trim()}\n`)

/** After a new enrolment: its certificate is the one in use. */
export const dropRenewed = (dataDir: string): void => rmSync(renewedPath(dataDir), { force: true })

/**
 * What this site shows who it is with: the certificate of its enrolment, or the renewed one where that is of the same authority
 * and ends no earlier. Throws `STATE_CORRUPT` for a renewed file that is damaged.
 */
export const readCredentials = (dataDir: string, keys: SiteKeys, record: EnrolmentRecord): ClientCredentials => {
  const enrolled = { certificate: record.certificate, key: keys.tlsKey }
  const path = renewedPath(dataDir)
  if (!existsSync(path)) return enrolled
  const bundle = readPrivateFile(path, 'site-agent run').toString('utf8')
  try {
    const isOurs = new X509Certificate(bundle).verify(new X509Certificate(record.ca).publicKey)
    const isNewer = certificateDates(bundle).to >= certificateDates(record.certificate).to
    return isOurs && isNewer ? { certificate: bundle, key: bundle } : enrolled
  } catch (cause) {
    throw new CodedError('STATE_CORRUPT', 'not a key with its certificate', { place: { file: path }, cause })
  }
}
