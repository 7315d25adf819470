import { readFileSync } from 'node:fs'
import { X509Certificate } from 'node:crypto'
import { printData } from '@tributary/shared/cli/output'
import { CodedError } from '@tributary/shared/errors'
import { type Digest, digest, siteId } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import { fingerprint } from '@tributary/shared/wire/signed'
import type { Command } from 'commander'
import { requireVolatile } from '../policy/volatile-mark.ts'
import { enrolSite } from './enrol.ts'
import { createSiteKeys } from './site-keys.ts'

const tokenVariable = 'TRIBUTARY_TOKEN'

/** The token from a file, stdin ('-') or the environment: never from the command line, which other users can read. */
const readToken = (file: string | undefined): string => {
  const field = '--token-file'
  if (file === undefined) {
    const token = process.env[tokenVariable]?.trim()
    if (token) return token
    throw new CodedError('ARGUMENT_INVALID', `give --token-file or set ${tokenVariable}`, { place: { field } })
  }
  try {
    const token = readFileSync(file === '-' ? 0 : file, 'utf8').trim()
    if (token !== '') return token
  } catch (cause) {
    throw new CodedError('ARGUMENT_INVALID', 'the token file cannot be read', { place: { field, file }, cause })
  }
  throw new CodedError('ARGUMENT_INVALID', 'the token file is empty', { place: { field, file } })
}

/** As `coordinator invite` prints it; colons, blanks, hyphens and capitals do not matter. Throws `ID_MALFORMED` naming the option. */
const caDigest = (text: string): Digest => {
  const field = '--ca-sha256'
  try {
    return digest(text.replaceAll(/[\s:-]/g, '').toLowerCase())
  } catch (cause) {
    const form = '64 hexadecimal digits, the fingerprint of the authority that `coordinator invite` printed'
    throw new CodedError('ID_MALFORMED', `${field} must be ${form}`, { place: { field }, cause })
  }
}

interface Common {
  readonly dataDir: string
  readonly json?: boolean
}

/** `site-agent init | enrol`. */
export const addEnrolmentCommands = (program: Command, ports: { readonly clock: Clock }): void => {
  const command = (usage: string, summary: string, example: string) =>
    program
      .command(usage)
      .description(`${summary}\n\nExample: site-agent ${example}`)
      .summary(summary)
      .requiredOption('--data-dir <folder>', "the agent's data directory")
      .option('--json', 'print one JSON envelope')

  command('init', "make this site's keys; they never leave it", 'init --data-dir /srv/site-agent --name north')
    .requiredOption('--name <site>', "the site's name in the federation")
    .action(async (options: Common & { name: string }) => {
      const { site, identity } = await createSiteKeys(options.dataDir, siteId(options.name))
      requireVolatile(options.dataDir)
      const next = `site-agent enrol --data-dir ${options.dataDir} --coordinator HOST:PORT --ca-sha256 F --token-file FILE`
      printData({ site, fingerprint: fingerprint(identity.publicKey), next }, { json: options.json === true })
    })

  command(
    'enrol',
    'enrol with the invitation that the operator gave',
    'enrol --data-dir /srv/site-agent --coordinator coord.example.org:7443 --ca-sha256 F --token-file token',
  )
    .requiredOption('--coordinator <host:port>', 'where the coordinator listens')
    .requiredOption('--ca-sha256 <fingerprint>', "the authority's fingerprint, told by the operator")
    .option('--token-file <file>', `file with the token, '-' for stdin; or set ${tokenVariable}`)
    .action(async (options: Common & { coordinator: string; caSha256: string; tokenFile?: string }) => {
      const caSha256 = caDigest(options.caSha256)
      // Before the token is spent, and before there is anything to lose: a backup of an enrolled directory has the mark.
      requireVolatile(options.dataDir)
      const record = await enrolSite(options.dataDir, {
        coordinator: options.coordinator,
        caSha256,
        token: readToken(options.tokenFile),
        clock: ports.clock,
      })
      const data = {
        federation: record.federation,
        coordinator: record.coordinator,
        coordinator_fingerprint: fingerprint(Buffer.from(record.coordinator_identity, 'hex')),
        expires: new Date(new X509Certificate(record.certificate).validTo).toISOString(),
        next: `site-agent roster show --data-dir ${options.dataDir}, once all are enrolled; then roster confirm`,
      }
      printData(data, { json: options.json === true })
    })
}
