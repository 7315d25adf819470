import { X509Certificate } from 'node:crypto'
import { siteId } from '@tributary/shared/ids'
import { systemClock } from '@tributary/shared/system/clock'
import { expect, it } from 'vitest'
import { caFingerprint, createAuthority, openAuthority } from './certificate-authority.ts'

it('a server certificate is for its hosts, for server use, one year, and chains to the authority', async () => {
  const files = await createAuthority('test', systemClock)
  const authority = await openAuthority(files, systemClock)
  const { certificate } = await authority.issueServer(['coordinator.example.org', '127.0.0.1', '::1'])
  const issued = new X509Certificate(certificate)
  const root = new X509Certificate(files.certificate)
  expect(issued.checkIssued(root) && issued.verify(root.publicKey)).toBe(true)
  expect(issued.checkHost('coordinator.example.org')).toBe('coordinator.example.org')
  expect([issued.checkIP('127.0.0.1'), issued.checkIP('::1')]).toEqual(['127.0.0.1', '::1'])
  expect([issued.checkHost('example.org'), issued.checkIP('10.0.0.1')]).toEqual([undefined, undefined])
  expect([issued.ca, root.ca]).toEqual([false, true])
  expect(issued.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
  expect(Math.round((Date.parse(issued.validTo) - systemClock.now()) / 86_400_000)).toBe(365)
  expect(authority.fingerprint).toBe(root.fingerprint256.replaceAll(':', '').toLowerCase())
  expect(caFingerprint(files.certificate)).toBe(authority.fingerprint)
})

it("a site's certificate takes nothing from the request but its key", async () => {
  const { Pkcs10CertificateRequestGenerator, BasicConstraintsExtension } = await import('@peculiar/x509')
  const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: ['north'] }],
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [new BasicConstraintsExtension(true)],
  })
  const authority = await openAuthority(await createAuthority('test', systemClock), systemClock)
  const { certificate, serial, expires } = await authority.signSite(siteId('north'), new Uint8Array(request.rawData))
  const issued = new X509Certificate(certificate)
  expect(issued.ca).toBe(false)
  expect(issued.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
  expect(issued.subject).toBe('CN=north')
  expect(issued.subjectAltName).toBe('URI:urn:tributary:site:north')
  expect(issued.serialNumber.toLowerCase()).toBe(serial)
  expect(Math.round((expires - systemClock.now()) / 86_400_000)).toBe(30)
})

it('key and certificate of two authorities are refused', async () => {
  const [one, two] = [await createAuthority('one', systemClock), await createAuthority('two', systemClock)]
  const mixed = { certificate: one.certificate, key: two.key }
  await expect(openAuthority(mixed, systemClock)).rejects.toMatchObject({ code: 'STATE_CORRUPT' })
})
