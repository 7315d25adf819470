import { randomBytes, X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { type RoundId, siteId } from '@tributary/shared/ids'
import type { ClientCredentials, CoordinatorClient } from '@tributary/shared/wire/federation-api'
import { proveRenewal } from '@tributary/shared/wire/envelope-enrolment'
import { generateIdentity } from '@tributary/shared/wire/signed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openAuthority, createAuthority } from '../../../coordinator/enrolment/certificate-authority.ts'
import { hostsOf, ServerCertificate } from '../../../coordinator/enrolment/server-certificate.ts'
import { CertificateRenewal } from '../../../site-agent/enrolment/certificate-renewal.ts'
import { readEnrolmentRecord } from '../../../site-agent/enrolment/enrolment-record.ts'
import { newTlsKey, openSiteKeys } from '../../../site-agent/enrolment/site-keys.ts'
import { readCredentials } from '../../../site-agent/enrolment/tls-credentials.ts'
import { clock, startFederation, type TestFederation } from './federation-fixture.ts'

const day = 24 * 60 * 60 * 1000
const round = '12'.repeat(32) as RoundId
const model = randomBytes(20 * 2 ** 20)

let federation: TestFederation
let letGo = () => {}
beforeAll(async () => {
  federation = await startFederation({
    model: async function* () {
      yield model.subarray(0, 2 ** 20)
      await new Promise<void>((resolve) => {
        letGo = resolve
      })
      yield model.subarray(2 ** 20)
    },
  })
})
afterAll(() => federation.stop())

/** A site that enrolled, and whatever it takes to renew; `now` is the site's clock. */
const joined = async (name: string, now = clock.now) => {
  const site = siteId(name)
  const client = await federation.join(site)
  const dataDir = federation.siteFolder(site)
  const keys = openSiteKeys(dataDir)
  const record = readEnrolmentRecord(dataDir)
  const credentials = () => readCredentials(dataDir, keys, record)
  const parts = { dataDir, site, identity: keys.identity, ca: record.ca, clock: { ...clock, now } }
  const renewal = (by: Pick<CoordinatorClient, 'renew' | 'present'> = client) =>
    new CertificateRenewal({ ...parts, credentials: credentials(), client: by })
  return { site, client, dataDir, keys, record, credentials, renewal }
}

const dial = ({ certificate, key }: ClientCredentials) => federation.dial(certificate, key)
const serialOf = (certificate: string) => new X509Certificate(certificate).serialNumber.toLowerCase()

describe('a site renews its certificate', () => {
  it('when less than a third of its life is left, not before', async () => {
    let shift = 0
    const { renewal } = await joined('timely', () => clock.now() + shift)
    const due = renewal()
    expect(due.isDue(clock.now() + 19.9 * day)).toBe(false)
    expect(due.isDue(clock.now() + 20.1 * day)).toBe(true)
    shift = 20.1 * day
    await due.renew()
    expect(due.expires).toBeGreaterThan(clock.now() + 29.9 * day)
    expect(due.isDue(clock.now() + 19.9 * day)).toBe(false)
  })

  it('with a new key, kept private and whole, for the same site and identity; the old one works until the new is heard', async () => {
    const { site, client, dataDir, keys, record, credentials, renewal } = await joined('fresh')
    const old = credentials()
    const presented: ClientCredentials[] = []
    await renewal({ renew: client.renew, present: (next) => presented.push(next) }).renew()
    const next = credentials()
    expect(presented).toHaveLength(1)
    expect(next).not.toEqual(old)
    expect(new X509Certificate(next.certificate).publicKey.equals(new X509Certificate(old.certificate).publicKey)).toBe(
      false,
    )
    expect(new X509Certificate(next.certificate).subject).toBe(`CN=${site}`)
    const file = join(dataDir, 'keys', 'renewed.pem')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readFileSync(file, 'utf8')).toMatch(/PRIVATE KEY[^]*BEGIN CERTIFICATE/)
    const row = () => federation.registry.sites().find((each) => each.site === site)
    expect(row()).toMatchObject({ identity: keys.identity.publicKey, serial: serialOf(next.certificate) })
    await expect(dial(old).roster()).resolves.toBeDefined()
    await expect(dial(next).roster()).resolves.toBeDefined()
    await expect(dial(old).roster()).rejects.toMatchObject({ code: 'CERTIFICATE_REVOKED' })
    expect(readEnrolmentRecord(dataDir)).toEqual(record)
    await expect(dial(credentials()).roster()).resolves.toBeDefined()
  })

  it('a stream in progress ends under the old certificate while new calls go out under the new one', async () => {
    const { client, credentials, renewal } = await joined('busy')
    const received: Uint8Array[] = []
    const before = credentials()
    let renewed = false
    for await (const piece of client.model(round)) {
      received.push(piece)
      if (renewed) continue
      renewed = true
      await renewal().renew()
      await client.roster() // heard with the new one: the old certificate ends here
      await expect(dial(before).roster()).rejects.toMatchObject({ code: 'CERTIFICATE_REVOKED' })
      letGo()
    }
    expect(Buffer.concat(received).equals(model)).toBe(true)
    await expect(client.studies()).resolves.toEqual([])
  })

  it('a lost reply is asked for again with the same request, and gets the same certificate', async () => {
    const { client, credentials, renewal } = await joined('unlucky')
    const sent: unknown[] = []
    let replies = 0
    const given: string[] = []
    const lossy = renewal({
      renew: async (request) => {
        sent.push(request)
        const reply = await client.renew(request)
        given.push(reply.certificate)
        replies++
        if (replies === 1) throw new Error('the reply was lost')
        return reply
      },
      present: client.present,
    })
    await expect(lossy.renew()).rejects.toThrow('lost')
    const old = credentials()
    await lossy.renew()
    expect(sent[0]).toEqual(sent[1])
    expect(given[0]).toBe(given[1])
    expect(credentials()).not.toEqual(old)
  })

  it('a request of an agent that was killed before it kept the reply is replaced by its next one', async () => {
    const { site, client, credentials, renewal } = await joined('killed')
    const given: ClientCredentials[] = []
    const forgetful = { renew: client.renew, present: (next: ClientCredentials) => void given.push(next) }
    const old = credentials()
    const { key, request: csr } = await newTlsKey(site)
    const identity = openSiteKeys(federation.siteFolder(site)).identity
    const proof = proveRenewal({ site, serial: serialOf(old.certificate) }, csr, identity)
    const lost = { key, certificate: (await client.renew({ csr, identityProof: proof })).certificate }
    await renewal(forgetful).renew()
    await expect(dial(lost).roster()).rejects.toMatchObject({ code: 'CERTIFICATE_REVOKED' })
    await expect(dial(old).roster()).resolves.toBeDefined()
    await expect(dial(given[0] as ClientCredentials).roster()).resolves.toBeDefined()
  })
})

describe('a renewal is refused', () => {
  it('without the identity key, for another certificate, for another name, and once the site was revoked', async () => {
    const { site, client, keys, record } = await joined('guarded')
    const { request: csr } = await newTlsKey(site)
    const peer = { site, serial: serialOf(record.certificate) }
    const by = (identityProof: Uint8Array, request = csr) => client.renew({ csr: request, identityProof })
    const forged = { code: 'SIGNATURE_INVALID' }
    await expect(by(proveRenewal(peer, csr, generateIdentity()))).rejects.toMatchObject(forged)
    await expect(by(proveRenewal({ ...peer, serial: 'ab'.repeat(16) }, csr, keys.identity))).rejects.toMatchObject(
      forged,
    )
    const other = (await newTlsKey(siteId('other'))).request
    const stranger = by(proveRenewal(peer, other, keys.identity), other)
    await expect(stranger).rejects.toMatchObject({ code: 'ARGUMENT_INVALID', place: { field: 'csr' } })
    const proof = proveRenewal(peer, csr, keys.identity)
    await expect(federation.dial().renew({ csr, identityProof: proof })).rejects.toMatchObject({
      code: 'CERTIFICATE_REQUIRED',
    })
    federation.registry.revoke(site, clock.now())
    await expect(by(proof)).rejects.toMatchObject({ code: 'CERTIFICATE_REVOKED' })
  })

  it('a certificate that the site cannot have asked for is neither kept nor used', async () => {
    const { site, client, credentials, renewal } = await joined('wary')
    const foreign = await openAuthority(await createAuthority('test', clock), clock)
    const presented: unknown[] = []
    const lying = renewal({
      renew: async ({ csr }) => ({ certificate: (await foreign.signSite(site, csr)).certificate }),
      present: (next) => presented.push(next),
    })
    const before = credentials()
    await expect(lying.renew()).rejects.toMatchObject({ code: 'TLS_REFUSED' })
    expect(presented).toEqual([])
    expect(credentials()).toEqual(before)
    await expect(client.roster()).resolves.toBeDefined()
    expect(lying.isDue(clock.now() + 25 * day)).toBe(true)
    expect(lying.isDue(clock.now())).toBe(false)
  })
})

it('an expired certificate is CERTIFICATE_EXPIRED, with what to do', async () => {
  const site = siteId('late')
  const { keys } = await joined('late')
  const past = { ...clock, now: () => clock.now() - 31 * day }
  const { key, certificate: ca } = await createAuthority('old', past)
  const authority = await openAuthority({ key, certificate: ca }, past)
  const { certificate } = await authority.signSite(site, keys.request)
  await expect(federation.dial(certificate, keys.tlsKey).roster()).rejects.toMatchObject({
    code: 'CERTIFICATE_EXPIRED',
    message: expect.stringContaining('expired at'),
    help: expect.stringContaining('invitation'),
  })
})

describe("the server's own certificate", () => {
  const shown = () =>
    new Promise<string>((resolve, reject) => {
      const [host = '', port] = federation.address.split(':')
      const socket = connectTls({ host, port: Number(port), rejectUnauthorized: false, ALPNProtocols: ['h2'] }, () => {
        resolve(socket.getPeerX509Certificate()?.serialNumber ?? '')
        socket.destroy()
      })
      socket.on('error', reject)
    })

  it('is renewed when due: same authority, same hosts; new connections see it, live ones go on', async () => {
    const { client } = await joined('steady')
    await client.roster()
    const before = await shown()
    const past = { ...clock, now: () => clock.now() - 250 * day }
    const { authority } = federation
    const hosts = ['127.0.0.1', 'localhost', '::1', 'coordinator.example.org']
    const old = await openAuthority(federation.authorityFiles, past).then((each) => each.issueServer(hosts))
    const renewedServerPath = join(federation.siteFolder(siteId('steady')), 'server-renewed.pem')
    const certificate = new ServerCertificate({ server: old, renewedServerPath, authority }, clock)
    expect(await certificate.renewIfDue()).toBe(true)
    expect(await certificate.renewIfDue()).toBe(false)
    expect(certificate.expires).toBeGreaterThan(clock.now() + 364 * day)
    expect(statSync(renewedServerPath).mode & 0o777).toBe(0o600)
    const issued = new X509Certificate(certificate.present.certificate)
    expect(issued.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true)
    expect(hostsOf(old.certificate).toSorted()).toEqual(hostsOf(certificate.present.certificate).toSorted())
    expect(issued.checkHost('coordinator.example.org')).toBe('coordinator.example.org')
    expect(issued.checkIP('::1')).toBe('::1')
    federation.server.present(certificate.present.certificate, certificate.present.key)
    expect(await shown()).toBe(issued.serialNumber)
    expect(before).not.toBe(issued.serialNumber)
    await expect(client.roster()).resolves.toBeDefined()
    await expect((await joined('newcomer')).client.roster()).resolves.toBeDefined()
  })
})
