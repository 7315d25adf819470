import { connect as connectTls } from 'node:tls'
import { roundId, siteId } from '@tributary/shared/ids'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAuthority, openAuthority } from '../../../coordinator/enrolment/certificate-authority.ts'
import { createSiteKeys } from '../../../site-agent/enrolment/site-keys.ts'
import { connect } from '../../../site-agent/link/client.ts'
import { clock, hash, north, signed, signedFor, startFederation, type TestFederation } from './federation-fixture.ts'

let federation: TestFederation
beforeAll(async () => {
  federation = await startFederation()
})
afterAll(() => federation.stop())

const contribution = signedFor('contribution', roundId(hash))

const handshake = (maxVersion: 'TLSv1.2' | 'TLSv1.3') =>
  new Promise<string>((resolve) => {
    const [host = '', port] = federation.address.split(':')
    const options = { host, port: Number(port), maxVersion, rejectUnauthorized: false, ALPNProtocols: ['h2'] }
    const socket = connectTls(options, () => {
      resolve(socket.getProtocol() ?? '')
      socket.destroy()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
  })

describe('transport', () => {
  it('refuses a TLS 1.2 client and takes a 1.3 one', async () => {
    expect(await handshake('TLSv1.2')).toMatch(/PROTOCOL_VERSION|ECONNRESET/)
    expect(await handshake('TLSv1.3')).toBe('TLSv1.3')
  })

  it('a client refuses a coordinator of another authority', async () => {
    const other = await createAuthority('other', clock)
    const client = connect({ address: federation.address, ca: other.certificate, clock, patienceMs: 5_000 })
    await expect(client.roster()).rejects.toMatchObject({ code: 'TLS_REFUSED' })
    client.close()
  })

  it('a client refuses a coordinator whose certificate is for another host', async () => {
    const elsewhere = await startFederation({}, { hosts: ['coordinator.example.org'] })
    await expect(elsewhere.dial().roster()).rejects.toMatchObject({ code: 'TLS_REFUSED' })
    await elsewhere.stop()
  })
})

describe('the one gate', () => {
  it('without a client certificate every method but Enrol is refused', async () => {
    const client = federation.dial()
    const refused = { code: 'CERTIFICATE_REQUIRED' }
    const study = 'cd'.repeat(32) as never
    const drain = async () => {
      for await (const _ of client.model(study));
    }
    await expect(client.hello({ protocols: [1], software: 't', session: '' })).rejects.toMatchObject(refused)
    await expect(client.roster()).rejects.toMatchObject(refused)
    await expect(client.countersign(signed('countersignature', 'x'))).rejects.toMatchObject(refused)
    await expect(client.studies()).rejects.toMatchObject(refused)
    await expect(client.approve(signed('approval', 'x'))).rejects.toMatchObject(refused)
    await expect(client.putBoxKeys(signed('box-keys', 'x'))).rejects.toMatchObject(refused)
    await expect(client.next({ study, waitMs: 0 })).rejects.toMatchObject(refused)
    await expect(client.putDeal(signed('deal', 'x'), [])).rejects.toMatchObject(refused)
    await expect(drain()).rejects.toMatchObject(refused)
    await expect(client.boxes(study)).rejects.toMatchObject(refused)
    await expect(client.check(signed('check', 'x'))).rejects.toMatchObject(refused)
    await expect(client.contribute(contribution, [new Uint8Array(9)])).rejects.toMatchObject(refused)
    await expect(client.answer(signed('answer', 'x'))).rejects.toMatchObject(refused)
    await expect(client.openDeal(signed('deal-opening', 'x'))).rejects.toMatchObject(refused)
    await expect(client.openBox(signed('box-opening', 'x'))).rejects.toMatchObject(refused)
    await expect(client.withdraw(signed('withdrawal', 'x'))).rejects.toMatchObject(refused)
    const bytes = (length: number) => new Uint8Array(length)
    const request = { token: 't', site: north, csr: bytes(9), identity: bytes(32), identityProof: bytes(64) }
    await expect(client.enrol(request)).rejects.toMatchObject({ code: 'TOKEN_REFUSED' })
  })

  it('refuses a certificate of another authority, and one that ours signed but never enrolled', async () => {
    const south = siteId('south')
    const keys = await createSiteKeys(federation.siteFolder(south), south)
    const foreign = await openAuthority(await createAuthority('test', clock), clock)
    for (const authority of [foreign, federation.authority]) {
      const { certificate } = await authority.signSite(south, keys.request)
      const client = federation.dial(certificate, keys.tlsKey)
      await expect(client.roster()).rejects.toMatchObject({ code: 'CERTIFICATE_REQUIRED' })
    }
  })

  it('refuses a certificate that runs out while its connection lives', async () => {
    let shift = 0
    const ageing = await startFederation({}, { now: () => clock.now() + shift })
    const client = await ageing.join(north)
    await expect(client.roster()).resolves.toBeDefined()
    shift = 31 * 24 * 60 * 60 * 1000
    await expect(client.roster()).rejects.toMatchObject({ code: 'CERTIFICATE_EXPIRED' })
    await ageing.stop()
  })

  it('refuses a revoked site on the very next call of a live connection', async () => {
    const client = await federation.join(siteId('west'))
    await expect(client.roster()).resolves.toMatchObject({ countersignatures: [] })
    federation.registry.revoke(siteId('west'), clock.now())
    await expect(client.roster()).rejects.toMatchObject({ code: 'CERTIFICATE_REVOKED' })
    await expect(client.contribute(contribution, [new Uint8Array(5)])).rejects.toMatchObject({
      code: 'CERTIFICATE_REVOKED',
    })
  })
})
