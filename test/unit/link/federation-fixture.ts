import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { ChannelCredentials, Client } from '@grpc/grpc-js'
import { digest, type RoundId, type SiteId, siteId } from '@tributary/shared/ids'
import { systemClock } from '@tributary/shared/system/clock'
import { negotiateProtocol } from '@tributary/shared/wire/envelope'
import type { CoordinatorClient, FederationHandlers } from '@tributary/shared/wire/federation-api'
import { generateIdentity, type SignedMessage, signMessage } from '@tributary/shared/wire/signed'
import { pino } from 'pino'
import { enrolWith } from '../../../coordinator/enrolment/enrol.ts'
import { createFederation, openFederation } from '../../../coordinator/enrolment/federation-directory.ts'
import { issueInvitation } from '../../../coordinator/enrolment/invitation.ts'
import { renewWith } from '../../../coordinator/enrolment/renew.ts'
import { openSiteRegistry } from '../../../coordinator/enrolment/site-registry.ts'
import { startServer } from '../../../coordinator/link/server.ts'
import { enrolSite } from '../../../site-agent/enrolment/enrol.ts'
import { readEnrolmentRecord } from '../../../site-agent/enrolment/enrolment-record.ts'
import { createSiteKeys, openSiteKeys } from '../../../site-agent/enrolment/site-keys.ts'
import { connect } from '../../../site-agent/link/client.ts'

export const clock = systemClock
export const north = siteId('north')
export const hash = digest('ab'.repeat(32))

export const signed = (kind: string, value: string): SignedMessage =>
  signMessage(kind, 'north', value, generateIdentity())

/** A message that names its round, as every message of an attempt does. */
export const signedFor = (kind: string, round: RoundId): SignedMessage =>
  signMessage(kind, 'north', { round }, generateIdentity())

/** Accepts and answers with the least; a test replaces what it looks at. */
const plainHandlers: Omit<FederationHandlers, 'enrol' | 'renew'> = {
  hello: async (_peer, { protocols }) => ({ protocol: negotiateProtocol(protocols), now: clock.now() }),
  roster: async () => {
    const signature = signed('roster-signature', 'r')
    return { roster: new Uint8Array([1, 2, 3]), countersignatures: [], signature }
  },
  countersign: async () => {},
  studies: async () => [],
  approve: async () => {},
  putBoxKeys: async () => {},
  next: async () => ({ kind: 'wait' }),
  putDeal: async () => {},
  model: async function* () {},
  boxes: async () => [],
  check: async () => {},
  offer: async () => ({ complete: true, missing: [] }),
  parts: async (_peer, _round, parts) => {
    for await (const _ of parts);
    return { complete: true, missing: [] }
  },
  answer: async () => {},
  withdraw: async () => {},
  openDeal: async () => {},
  openBox: async () => {},
}

/** A coordinator on loopback with its own authority, in a folder of its own; `log` holds its log lines. */
export const startFederation = async (
  replaced: Partial<FederationHandlers> = {},
  options: { now?: () => number; hosts?: string[] } = {},
) => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-link-'))
  const hosts = options.hosts ?? ['127.0.0.1', 'localhost']
  const admin = generateIdentity()
  const settings = { federation: 'test', listen: '127.0.0.1:0', hosts, admin: admin.publicKey }
  await createFederation(join(folder, 'coordinator'), settings, clock)
  const federation = await openFederation(join(folder, 'coordinator'), clock)
  const registry = openSiteRegistry(federation.registryPath)
  const { authority, server: files, identity } = federation
  const keyFile = (name: string) => readFileSync(join(folder, 'coordinator', 'keys', name), 'utf8')
  const authorityFiles = { certificate: keyFile('authority.pem'), key: keyFile('authority-key.pem') }
  const desk = { federation: 'test', coordinatorIdentity: identity.publicKey, authority, registry, clock }
  const log: string[] = []
  const start = (address: string) =>
    startServer({
      address,
      certificate: files.certificate,
      key: files.key,
      clientCa: authority.certificate,
      handlers: { ...plainHandlers, enrol: enrolWith(desk), renew: renewWith(desk), ...replaced },
      clock: { ...clock, now: options.now ?? clock.now },
      isRevoked: registry.isRevoked,
      isEnrolled: registry.isEnrolled,
      heard: registry.heard,
      log: pino({ level: 'debug' }, { write: (line) => log.push(line) }),
    })
  const server = await start('127.0.0.1:0')
  const clients: CoordinatorClient[] = []
  const dial = (certificate?: string, key?: string, patienceMs = 0) => {
    const files = certificate !== undefined && key !== undefined ? { certificate, key } : {}
    const client = connect({ address: server.address, ca: authority.certificate, ...files, clock, patienceMs })
    clients.push(client)
    return client
  }
  const siteFolder = (site: SiteId) => join(folder, site)
  return {
    address: server.address,
    authority,
    authorityFiles,
    registry,
    desk,
    /** Signs the federation's rosters. */
    admin,
    log,
    dial,
    siteFolder,
    start,
    server,
    invite: (site: SiteId) => issueInvitation(registry, site, clock.now() + 60_000).token,
    /** Makes keys, enrols over the wire and dials with the certificate. */
    join: async (site: SiteId, patienceMs = 0) => {
      const token = issueInvitation(registry, site, clock.now() + 60_000).token
      await createSiteKeys(siteFolder(site), site)
      const order = { coordinator: server.address, caSha256: authority.fingerprint, token, clock }
      const { certificate } = await enrolSite(siteFolder(site), order)
      return dial(certificate, openSiteKeys(siteFolder(site)).tlsKey, patienceMs)
    },
    /** A client below the typed one, that can send what the typed one never would. */
    raw: (site: SiteId) => {
      const { ca, certificate } = readEnrolmentRecord(siteFolder(site))
      const context = createSecureContext({ ca, cert: certificate, key: openSiteKeys(siteFolder(site)).tlsKey })
      return new Client(server.address, ChannelCredentials.createFromSecureContext(context), {
        'grpc.ssl_target_name_override': 'localhost',
      })
    },
    stop: async () => {
      for (const client of clients) client.close()
      await server.stop()
      registry.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export type TestFederation = Awaited<ReturnType<typeof startFederation>>
