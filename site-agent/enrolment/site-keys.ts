import '@tributary/shared/cli/reflect-metadata'
import { webcrypto } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { PemConverter, Pkcs10CertificateRequestGenerator } from '@peculiar/x509'
import { HintedError } from '@tributary/shared/cli/hinted-error'
import { readPrivateFile, writePrivateFolder } from '@tributary/shared/cli/private-file'
import { type SiteId, siteId } from '@tributary/shared/ids'
import { exportIdentity, generateIdentity, type IdentityKey, importIdentity } from '@tributary/shared/wire/signed'

/**
 * What `site-agent init` leaves under `keys/`, readable by the agent's user alone; a renewal adds its own (tls-credentials.ts). No
 * private key ever leaves the folder.
 */
const names = { site: 'site', tlsKey: 'tls-key.pem', request: 'request.der', identity: 'identity.pem' }

export interface SiteKeys {
  readonly site: SiteId
  /** P-256, PKCS #8 in PEM. */
  readonly tlsKey: string
  /** PKCS#10 in DER, made once: an enrolment that is repeated after a lost reply sends the same bytes. */
  readonly request: Uint8Array
  readonly identity: IdentityKey
}

const folder = (dataDir: string) => join(dataDir, 'keys')

/** A new P-256 key (PKCS #8 in PEM) and the request (PKCS#10 in DER) for a certificate in the site's name. */
export const newTlsKey = async (site: SiteId): Promise<{ readonly key: string; readonly request: Uint8Array }> => {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [site] }],
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
  })
  const key = PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
  return { key, request: new Uint8Array(request.rawData) }
}

/** Makes the TLS key with its certificate request, and the identity key. Throws ALREADY_EXISTS. */
export const createSiteKeys = async (dataDir: string, site: SiteId): Promise<SiteKeys> => {
  if (existsSync(folder(dataDir)))
    throw new HintedError(
      'ALREADY_EXISTS',
      `${dataDir} has the keys of a site already`,
      `Go on with them: \`site-agent status --data-dir ${dataDir}\` says what is next. They are who this hospital is to the others and are never made anew; another site takes another --data-dir.`,
    )
  const { key, request } = await newTlsKey(site)
  writePrivateFolder(folder(dataDir), {
    [names.site]: `${site}\n`,
    [names.tlsKey]: key,
    [names.request]: request,
    [names.identity]: exportIdentity(generateIdentity()),
  })
  return openSiteKeys(dataDir)
}

/** Opens what `createSiteKeys` made. Throws NOT_FOUND or STATE_CORRUPT. */
export const openSiteKeys = (dataDir: string): SiteKeys => {
  const read = (name: string) => readPrivateFile(join(folder(dataDir), name), 'site-agent init')
  return {
    site: siteId(read(names.site).toString('utf8').trim()),
    tlsKey: read(names.tlsKey).toString('utf8'),
    request: new Uint8Array(read(names.request)),
    identity: importIdentity(read(names.identity).toString('utf8')),
  }
}
