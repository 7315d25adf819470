import { statSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { digest, siteId } from '@tributary/shared/ids'
import { proveIdentity } from '@tributary/shared/wire/envelope-enrolment'
import { generateIdentity } from '@tributary/shared/wire/signed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { issueInvitation } from '../../../coordinator/enrolment/invitation.ts'
import { enrolSite } from '../../../site-agent/enrolment/enrol.ts'
import { readEnrolmentRecord } from '../../../site-agent/enrolment/enrolment-record.ts'
import { createSiteKeys, openSiteKeys } from '../../../site-agent/enrolment/site-keys.ts'
import { clock, hash, startFederation, type TestFederation } from './federation-fixture.ts'

let federation: TestFederation
beforeAll(async () => {
  federation = await startFederation()
})
afterAll(() => federation.stop())

const order = (token: string) => ({
  coordinator: federation.address,
  caSha256: federation.authority.fingerprint,
  token,
  clock,
})

/** A site with keys of its own, and the request that it would send with a token. */
const newSite = async (name: string) => {
  const site = siteId(name)
  const folder = federation.siteFolder(site)
  const keys = await createSiteKeys(folder, site)
  const fields = { site, csr: keys.request, identity: keys.identity.publicKey }
  const request = { ...fields, identityProof: proveIdentity(site, keys.request, keys.identity) }
  return { site, folder, keys, request }
}

describe('enrolment', () => {
  it('gives a certificate that works, keeps keys private and knows the site afterwards', async () => {
    const { site, folder, keys } = await newSite('north')
    const record = await enrolSite(folder, order(federation.invite(site)))
    expect(readEnrolmentRecord(folder)).toEqual(record)
    expect(record.federation).toBe('test')
    expect(record.coordinator_identity).toBe(Buffer.from(federation.desk.coordinatorIdentity).toString('hex'))
    await expect(federation.dial(record.certificate, keys.tlsKey).roster()).resolves.toBeDefined()
    for (const file of ['tls-key.pem', 'identity.pem']) {
      expect(statSync(join(folder, 'keys', file)).mode & 0o777).toBe(0o600)
    }
    const [row] = federation.registry.sites()
    expect(row).toMatchObject({ site, identity: keys.identity.publicKey })
    expect(openSiteKeys(folder).identity.publicKey).toEqual(keys.identity.publicKey)
  })

  it('a token works once, for one site, in time; a repeated request gets the same certificate', async () => {
    const client = federation.dial()
    const refused = { code: 'TOKEN_REFUSED' }
    const south = await newSite('south')
    const token = federation.invite(south.site)
    const other = await newSite('other')
    await expect(client.enrol({ token, ...other.request })).rejects.toMatchObject(refused)
    const first = await client.enrol({ token, ...south.request })
    const again = await client.enrol({ token, ...south.request })
    expect(again).toEqual(first)
    const changed = generateIdentity()
    const identityProof = proveIdentity(south.site, south.request.csr, changed)
    const reuse = { token, ...south.request, identity: changed.publicKey, identityProof }
    await expect(client.enrol(reuse)).rejects.toMatchObject(refused)
    const expired = issueInvitation(federation.registry, other.site, clock.now() - 1).token
    await expect(client.enrol({ token: expired, ...other.request })).rejects.toMatchObject(refused)
    await expect(client.enrol({ token: 'guess', ...other.request })).rejects.toMatchObject(refused)
    federation.registry.revoke(south.site, clock.now())
    await expect(client.enrol({ token, ...south.request })).rejects.toMatchObject(refused)
  })

  it('two requests at once with one token: one certificate', async () => {
    const east = await newSite('east')
    const token = federation.invite(east.site)
    const client = federation.dial()
    const replies = await Promise.all([1, 2, 3].map(() => client.enrol({ token, ...east.request })))
    expect(new Set(replies.map(({ certificate }) => certificate)).size).toBe(1)
  })

  it('a request that fails does not burn the token', async () => {
    const { site, request, keys } = await newSite('west')
    const token = federation.invite(site)
    const client = federation.dial()
    const broken = request.csr.slice()
    broken[broken.length - 1] = (broken.at(-1) ?? 0) ^ 1
    const proofOf = (csr: Uint8Array) => ({ csr, identityProof: proveIdentity(site, csr, keys.identity) })
    const invalid = { code: 'ARGUMENT_INVALID', place: { field: 'csr' } }
    await expect(client.enrol({ token, ...request, ...proofOf(broken) })).rejects.toMatchObject(invalid)
    await expect(client.enrol({ token, ...request, ...proofOf(hashBytes) })).rejects.toMatchObject(invalid)
    const foreign = (await newSite('foreign')).request.csr
    await expect(client.enrol({ token, ...request, ...proofOf(foreign) })).rejects.toMatchObject(invalid)
    const unproven = { ...request, identity: generateIdentity().publicKey }
    await expect(client.enrol({ token, ...unproven })).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' })
    await expect(client.enrol({ token, ...request })).resolves.toMatchObject({ federation: 'test' })
  })

  it('one identity key cannot enrol as two sites', async () => {
    const { site, request, keys } = await newSite('honest')
    await federation.dial().enrol({ token: federation.invite(site), ...request })
    const sybil = await newSite('sybil')
    const identityProof = proveIdentity(sybil.site, sybil.request.csr, keys.identity)
    const copied = { ...sybil.request, identity: keys.identity.publicKey, identityProof }
    const token = federation.invite(sybil.site)
    await expect(federation.dial().enrol({ token, ...copied })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    await expect(federation.dial().enrol({ token, ...sybil.request })).resolves.toBeDefined()
  })

  it('a new enrolment of a site revokes its earlier certificate', async () => {
    const { site, folder, keys } = await newSite('renewed')
    const first = await enrolSite(folder, order(federation.invite(site)))
    const second = await enrolSite(folder, order(federation.invite(site)))
    const old = federation.dial(first.certificate, keys.tlsKey)
    await expect(old.roster()).rejects.toMatchObject({ code: 'CERTIFICATE_REVOKED' })
    await expect(federation.dial(second.certificate, keys.tlsKey).roster()).resolves.toBeDefined()
  })
})

const hashBytes = new Uint8Array(40).fill(7)

/** Forwards to the coordinator and counts connections: what an impostor in the middle would see. */
const startProxy = async (target: string) => {
  const [host = '', port] = target.split(':')
  const sockets: Socket[] = []
  const { connect } = await import('node:net')
  const server = createServer((socket) => {
    sockets.push(socket)
    const onward = connect(Number(port), host)
    socket.pipe(onward).pipe(socket)
    for (const each of [socket, onward]) each.on('error', () => each.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { address: `127.0.0.1:${address.port}`, sockets, close: () => server.close() }
}

describe('the pinned authority', () => {
  it('another fingerprint stops the enrolment before the token is sent', async () => {
    const { site, folder } = await newSite('careful')
    const proxy = await startProxy(federation.address)
    const token = federation.invite(site)
    const wrong = { ...order(token), coordinator: proxy.address, caSha256: hash }
    await expect(enrolSite(folder, wrong)).rejects.toMatchObject({ code: 'TLS_REFUSED' })
    expect(proxy.sockets).toHaveLength(1) // the probe alone: no second connection that could carry a token
    const right = { ...order(token), coordinator: proxy.address }
    await expect(enrolSite(folder, right)).resolves.toMatchObject({ federation: 'test' })
    expect(proxy.sockets.length).toBeGreaterThan(1)
    proxy.close()
  })

  it('another federation with its own authority is refused, although its chain is sound', async () => {
    const impostor = await startFederation()
    const { folder } = await newSite('deceived')
    const lured = { ...order('secret'), coordinator: impostor.address }
    await expect(enrolSite(folder, lured)).rejects.toMatchObject({ code: 'TLS_REFUSED' })
    expect(impostor.log.join('')).not.toContain('Enrol')
    await impostor.stop()
  })

  it('says what is wrong with an address', async () => {
    const { folder } = await newSite('lost')
    const at = (coordinator: string) => enrolSite(folder, { ...order('t'), coordinator, caSha256: digest(hash) })
    await expect(at('nowhere')).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
    await expect(at('127.0.0.1:1')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })
})
