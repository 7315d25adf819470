import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readPrivateFile, writePrivateFolder } from '@tributary/shared/cli/private-file'
import { CodedError } from '@tributary/shared/errors'
import type { Clock } from '@tributary/shared/ports'
import { exportIdentity, generateIdentity, type IdentityKey, importIdentity } from '@tributary/shared/wire/signed'
import * as z from 'zod'
import {
  type CertificateAuthority,
  createAuthority,
  type KeyAndCertificate,
  openAuthority,
} from './certificate-authority.ts'
import { readRenewedServer } from './server-certificate.ts'

/** What `coordinator init` leaves under `keys/` of the data directory, and the server's certificate as `coordinator up` renews it. */
const names = {
  federation: 'federation.json',
  authorityCertificate: 'authority.pem',
  authorityKey: 'authority-key.pem',
  serverCertificate: 'server.pem',
  serverKey: 'server-key.pem',
  renewedServer: 'server-renewed.pem',
  identity: 'identity.pem',
}

const federationSchema = z.strictObject({
  schema_version: z.literal(1),
  federation: z.string().min(1).max(80),
  listen: z.string().regex(/^.+:\d{1,5}$/),
  admin: z.string().regex(/^[0-9a-f]{64}$/),
})

export interface Federation {
  readonly federation: string
  /** host:port. */
  readonly listen: string
  readonly authority: CertificateAuthority
  /** `certificate` holds the server's and then the authority's. */
  readonly server: KeyAndCertificate
  /** Where `renewServer` keeps the next one. */
  readonly renewedServerPath: string
  readonly identity: IdentityKey
  /** Public key of the consortium's admin, who signs rosters; the private one may be anywhere. */
  readonly admin: Uint8Array
  readonly registryPath: string
}

export interface FederationSettings {
  readonly federation: string
  readonly listen: string
  /** Host names and addresses that sites dial. */
  readonly hosts: readonly string[]
  /** The admin's public key, 32 bytes. */
  readonly admin: Uint8Array
}

export const registryPath = (dataDir: string): string => join(dataDir, 'sites.sqlite')
const keysFolder = (dataDir: string) => join(dataDir, 'keys')

/** Throws `ALREADY_EXISTS` where there is a federation already, before anything is made for another. */
export const refuseSecond = (dataDir: string): void => {
  if (existsSync(keysFolder(dataDir))) throw new CodedError('ALREADY_EXISTS', `${keysFolder(dataDir)} exists already`)
}

/** Makes authority, server certificate and identity key. Throws ALREADY_EXISTS, ARGUMENT_INVALID. */
export const createFederation = async (dataDir: string, settings: FederationSettings, clock: Clock): Promise<void> => {
  const { federation, listen, hosts } = settings
  const admin = Buffer.from(settings.admin).toString('hex')
  const parsed = federationSchema.safeParse({ schema_version: 1, federation, listen, admin })
  if (!parsed.success) {
    const field = parsed.error.issues[0]?.path.join('.') ?? ''
    throw new CodedError('ARGUMENT_INVALID', 'the name has 1 to 80 characters, listen is host:port', {
      place: { field },
    })
  }
  refuseSecond(dataDir)
  const files = await createAuthority(federation, clock)
  const authority = await openAuthority(files, clock)
  const server = await authority.issueServer(hosts)
  writePrivateFolder(keysFolder(dataDir), {
    [names.federation]: `${JSON.stringify(parsed.data)}\n`,
    [names.authorityCertificate]: files.certificate,
    [names.authorityKey]: files.key,
    [names.serverCertificate]: `${server.certificate}\n${files.certificate}\n`,
    [names.serverKey]: server.key,
    [names.identity]: exportIdentity(generateIdentity()),
  })
}

/** Opens what `createFederation` made. Throws NOT_FOUND or STATE_CORRUPT. */
export const openFederation = async (dataDir: string, clock: Clock): Promise<Federation> => {
  const read = (name: string) => readPrivateFile(join(keysFolder(dataDir), name), 'coordinator init').toString('utf8')
  const { federation, listen, admin } = parseFederation(read(names.federation))
  const renewedServerPath = join(keysFolder(dataDir), names.renewedServer)
  const authority = { certificate: read(names.authorityCertificate), key: read(names.authorityKey) }
  return {
    federation,
    listen,
    authority: await openAuthority(authority, clock),
    server: existsSync(renewedServerPath)
      ? readRenewedServer(renewedServerPath)
      : { certificate: read(names.serverCertificate), key: read(names.serverKey) },
    renewedServerPath,
    identity: importIdentity(read(names.identity)),
    admin: new Uint8Array(Buffer.from(admin, 'hex')),
    registryPath: registryPath(dataDir),
  }
}

const parseFederation = (json: string): z.infer<typeof federationSchema> => {
  try {
    return federationSchema.parse(JSON.parse(json))
  } catch (cause) {
    throw new CodedError('STATE_CORRUPT', 'not a federation file', { place: { file: names.federation }, cause })
  }
}
