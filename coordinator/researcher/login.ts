import { readFileSync } from 'node:fs'
import { printData, printNotice } from '@tributary/shared/cli/output'
import { CodedError } from '@tributary/shared/errors'
import { fingerprint } from '@tributary/shared/wire/signed'
import { healthSchema, whoamiSchema } from '../api/schemas.ts'
import { ApiClient } from './api-client.ts'
import { misfit } from './api-error.ts'
import { HintedError } from '@tributary/shared/cli/hinted-error'
import { printable } from '@tributary/shared/cli/printable'
import { knownKey, learnKey, writeCredentials } from './credentials.ts'
import type { RemoteOptions, ResearcherPorts } from './ports.ts'
import { serverAddress } from './server-address.ts'
import { timeoutOf } from './session.ts'
import { textList } from './text-table.ts'

export interface LoginOptions extends RemoteOptions {
  readonly server: string
  readonly tokenFile?: string
  readonly ca?: string
  /** The first eight hex digits of the fingerprint that is accepted in place of the known one. */
  readonly acceptNewKey?: string
}

const readText = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new CodedError('NOT_FOUND', 'the file cannot be read', { place: { file }, cause })
  }
}

/** From --token-file, standard input or TRIBUTARY_TOKEN: never from the command line, which every user of a machine can list. */
const tokenOf = ({ tokenFile }: LoginOptions, ports: ResearcherPorts): string => {
  const from = tokenFile ?? (ports.environment['TRIBUTARY_TOKEN'] === undefined ? undefined : 'TRIBUTARY_TOKEN')
  if (from === undefined)
    throw new CodedError('ARGUMENT_INVALID', 'no token: name a file with --token-file, or set TRIBUTARY_TOKEN')
  let text: string | null | undefined = ports.environment['TRIBUTARY_TOKEN']
  if (tokenFile !== undefined) text = tokenFile === '-' ? ports.standardInput() : readText(tokenFile)
  if (text === null)
    throw new CodedError('ARGUMENT_INVALID', 'a token typed here would show: pipe it in, or name a file')
  const token = text?.trim() ?? ''
  if (/^[\u0021-\u007e]{1,1000}$/.test(token)) return token
  throw new CodedError('ARGUMENT_INVALID', 'no token there: one line of visible ASCII is expected', {
    place: from === 'TRIBUTARY_TOKEN' ? { field: from } : { file: from },
  })
}

const digits = (text: string) => text.replaceAll(/\s/g, '').toLowerCase()

/** Throws `SIGNATURE_INVALID` for a signing key that is neither the known one nor the accepted one. */
const checkKey = (shown: string, known: string | undefined, accepted: string | undefined): void => {
  if (accepted !== undefined && digits(accepted) !== digits(shown).slice(0, 8))
    throw new HintedError(
      'ARGUMENT_INVALID',
      `--accept-new-key does not name the key shown, ${shown}`,
      'Compare the fingerprint with the operator by telephone, then type its first 8 digits.',
    )
  if (known === undefined || known === shown || accepted !== undefined) return
  throw new HintedError(
    'SIGNATURE_INVALID',
    `the key that signs releases is another than at the last login: it was ${known}, now it is ${shown}`,
    'Ask the operator by telephone. If the key was replaced, log in with --accept-new-key and its first 8 digits.',
  )
}

/** `tributary login`: who one is, and whose signatures to trust. The token is sent only after the key has been recognised. */
export const login = async (options: LoginOptions, ports: ResearcherPorts): Promise<void> => {
  const server = serverAddress(options.server)
  const token = tokenOf(options, ports)
  const authorities: string[] = []
  if (options.ca !== undefined) {
    const { authorityCertificates, trustOnly } = await import('./private-authority.ts')
    authorities.push(...authorityCertificates(readText(options.ca), options.ca))
    trustOnly(authorities)
  }
  const timeout = timeoutOf(options)
  const {
    version,
    federation,
    signing_key: key,
  } = await new ApiClient(ports.fetch, { server }, timeout).json('/health', healthSchema)
  const publicKey = Buffer.from(key.public_key, 'base64')
  if (publicKey.length !== 32 || fingerprint(publicKey) !== key.fingerprint)
    throw misfit('the signing key and its fingerprint do not belong together', 'signing_key.fingerprint')
  const known = knownKey(ports.environment, server)
  checkKey(key.fingerprint, known, options.acceptNewKey)

  const { user, role } = await new ApiClient(ports.fetch, { server, token }, timeout).json('/whoami', whoamiSchema)
  learnKey(ports.environment, server, key.fingerprint)
  const saved = { server, token, user, role, federation, signing_key: key.fingerprint, authorities }
  writeCredentials(ports.environment, saved)

  const { json = false } = options
  if (!json && known !== key.fingerprint)
    printNotice(
      'New signing key: compare its fingerprint with the operator by telephone, not by the network it came over.',
    )
  printData(
    {
      user,
      role,
      server,
      federation,
      version,
      signing_key: key.fingerprint,
      key: known === key.fingerprint ? 'known' : 'new',
    },
    {
      json,
      next: 'tributary catalog',
      text: textList([
        ['user', `${user} (${role})`],
        ['server', `${server}, version ${printable(version)}`],
        ['federation', federation],
        ['signing key', key.fingerprint],
      ]),
    },
  )
}
