import '@tributary/shared/cli/reflect-metadata'
import { createHash, createPrivateKey, randomBytes, X509Certificate as ParsedCertificate, webcrypto } from 'node:crypto'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'
import { CodedError } from '@tributary/shared/errors'
import { type Digest, digest, type SiteId } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import { siteUri } from '../link/peer-certificate.ts'

const { subtle } = webcrypto
const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256' }
const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' }

/** IPv4 or IPv6, as against a host name. */
const addressForm = /^\d+(\.\d+){3}$|:/

const dayMs = 24 * 60 * 60 * 1000
const authorityDays = 3650
const serverDays = 365
const siteDays = 30
/** Clocks of hospitals run late: certificates are valid from a little before now. */
const backdatedMs = 10 * 60 * 1000

export interface KeyAndCertificate {
  /** PEM. */
  readonly certificate: string
  /** PKCS #8 in PEM. */
  readonly key: string
}

export interface IssuedCertificate {
  readonly certificate: string
  /** Lower-case hex. */
  readonly serial: string
  /** ms since 1970. */
  readonly expires: number
}

export interface CertificateAuthority {
  /** PEM. */
  readonly certificate: string
  readonly fingerprint: Digest
  /** A new key and its certificate for a server reached under these host names or addresses. */
  issueServer(hosts: readonly string[]): Promise<KeyAndCertificate>
  /**
   * Signs a site's request for 30 days, client use only, under the name `site`; nothing else that the request asks for is taken
   * over. Throws ARGUMENT_INVALID when it is no PKCS#10, not signed by its own P-256 key, or for another name.
   */
  signSite(site: SiteId, csr: Uint8Array): Promise<IssuedCertificate>
}

/** SHA-256 of the DER of a PEM certificate: what an operator reads out and a site pins. */
export const caFingerprint = (pem: string): Digest =>
  digest(createHash('sha256').update(new ParsedCertificate(pem).raw).digest('hex'))

/** 126 random bits that start neither with a zero nor with a sign bit, so that every program prints the same hex. */
const newSerial = (): string => {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40
  return bytes.toString('hex')
}

const validity = (clock: Clock, days: number) => ({
  notBefore: new Date(clock.now() - backdatedMs),
  notAfter: new Date(clock.now() + days * dayMs),
})

const exportKey = async (key: webcrypto.CryptoKey): Promise<string> =>
  PemConverter.encode(await subtle.exportKey('pkcs8', key), 'PRIVATE KEY')

const newKeys = () => subtle.generateKey(keyAlgorithm, true, ['sign', 'verify'])

/** A new self-signed authority, ECDSA P-256, for ten years. Keep its key readable by the coordinator's user alone. */
export const createAuthority = async (federation: string, clock: Clock): Promise<KeyAndCertificate> => {
  const keys = await newKeys()
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: [{ CN: [`${federation} authority`] }],
    ...validity(clock, authorityDays),
    keys,
    signingAlgorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certificate: certificate.toString('pem'), key: await exportKey(keys.privateKey) }
}

const requestedKey = async (site: SiteId, csr: Uint8Array) => {
  const refuse = (why: string): never => {
    throw new CodedError('ARGUMENT_INVALID', `the certificate request ${why}`, { place: { field: 'csr' } })
  }
  try {
    const request = new Pkcs10CertificateRequest(new Uint8Array(csr))
    const key = await request.publicKey.export(keyAlgorithm, ['verify'])
    if (!(await request.verify())) return refuse('is not signed by its own key')
    const names = request.subjectName.getField('CN')
    if (names.length !== 1 || names[0] !== site) return refuse('is for another name')
    return key
  } catch (thrown) {
    return thrown instanceof CodedError ? Promise.reject(thrown) : refuse('is not PKCS#10 with a P-256 key')
  }
}

/** Opens an authority from its files. Throws STATE_CORRUPT when key and certificate do not belong together. */
export const openAuthority = async (files: KeyAndCertificate, clock: Clock): Promise<CertificateAuthority> => {
  const privateKey = createPrivateKey(files.key)
  if (!new ParsedCertificate(files.certificate).checkPrivateKey(privateKey)) {
    throw new CodedError('STATE_CORRUPT', "the authority's key and certificate do not belong together")
  }
  const der = privateKey.export({ type: 'pkcs8', format: 'der' })
  const signingKey = await subtle.importKey('pkcs8', new Uint8Array(der), keyAlgorithm, false, ['sign'])
  const authority = new X509Certificate(files.certificate)
  const issue = async (name: string, publicKey: webcrypto.CryptoKey, days: number, extensions: Extension[]) =>
    X509CertificateGenerator.create({
      serialNumber: newSerial(),
      subject: [{ CN: [name] }],
      issuer: authority.subject,
      ...validity(clock, days),
      publicKey,
      signingKey,
      signingAlgorithm,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        await AuthorityKeyIdentifierExtension.create(authority),
        ...extensions,
      ],
    })
  return {
    certificate: files.certificate,
    fingerprint: caFingerprint(files.certificate),
    issueServer: async (hosts) => {
      const keys = await newKeys()
      const names = hosts.map((value) => ({
        type: addressForm.test(value) ? ('ip' as const) : ('dns' as const),
        value,
      }))
      const certificate = await issue('coordinator', keys.publicKey, serverDays, [
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension(names),
      ])
      return { certificate: certificate.toString('pem'), key: await exportKey(keys.privateKey) }
    },
    signSite: async (site, csr) => {
      const certificate = await issue(site, await requestedKey(site, csr), siteDays, [
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
        new SubjectAlternativeNameExtension([{ type: 'url', value: siteUri(site) }]),
      ])
      return {
        certificate: certificate.toString('pem'),
        serial: certificate.serialNumber.toLowerCase(),
        expires: certificate.notAfter.getTime(),
      }
    },
  }
}
