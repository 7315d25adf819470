import { HintedError } from '@tributary/shared/cli/hinted-error'
import { printData } from '@tributary/shared/cli/output'
import { secretField } from '@tributary/shared/cli/private-file'
import { CodedError } from '@tributary/shared/errors'
import { type SiteId, siteId } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import { fingerprint } from '@tributary/shared/wire/signed'
import type { Command } from 'commander'
import { adminKeyPath, adminPublicKey, adviceOn, initialAdminKey } from './admin-key.ts'
import { createFederation, openFederation, refuseSecond } from './federation-directory.ts'
import { issueInvitation } from './invitation.ts'
import { openSiteRegistry, type SiteRecord, type SiteRegistry } from './site-registry.ts'

const unitMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

/** '90m', '72h' or '7d' in ms, at most 30 days; throws ARGUMENT_INVALID. */
export const durationMs = (text: string): number => {
  const [, amount, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? []
  const ms = Number(amount) * (unitMs[unit ?? ''] ?? Number.NaN)
  if (ms > 0 && ms <= 30 * 86_400_000) return ms
  throw new CodedError('ARGUMENT_INVALID', 'a duration is a number and m, h or d, at most 30d', {
    place: { field: '--expires' },
  })
}

const iso = (ms: number) => new Date(ms).toISOString()

interface Common {
  readonly dataDir: string
  readonly json?: boolean
}

interface InitOptions extends Common {
  readonly name: string
  readonly listen: string
  readonly san: string[]
  readonly adminKeyFile?: string
  readonly adminPublicKey?: string
}

/** The admin's public key and, where it is here, the file of the private one. */
const adminOf = ({
  dataDir,
  adminKeyFile,
  adminPublicKey: given,
}: InitOptions): { admin: Uint8Array; file?: string } => {
  if (given !== undefined && adminKeyFile !== undefined)
    throw new CodedError(
      'ARGUMENT_INVALID',
      'either the file of the admin key, or the public key of one that is elsewhere',
      {
        place: { field: '--admin-public-key' },
      },
    )
  if (given !== undefined) return { admin: adminPublicKey(given) }
  const file = adminKeyFile ?? adminKeyPath(dataDir)
  return { admin: initialAdminKey(file).publicKey, file }
}

const withRegistry = async <T>(
  dataDir: string,
  clock: Clock,
  work: (registry: SiteRegistry, caSha256: string) => T,
): Promise<T> => {
  const { registryPath, authority } = await openFederation(dataDir, clock)
  const registry = openSiteRegistry(registryPath)
  try {
    return work(registry, authority.fingerprint)
  } finally {
    registry.close()
  }
}

/** What a token does for a site that has enrolled before; it looks like any other. */
const warningOn = ({ site, expires }: SiteRecord): string =>
  expires === undefined
    ? `${site} was revoked: whoever redeems this lets it in again, with no roster proposed meanwhile`
    : `${site} is enrolled: whoever redeems this ends its present certificate. In its present data directory it keeps its identity key and its studies; in another it is another member, whom the next roster takes out of every study that is not over`

/** Throws `NOT_FOUND` for a site that was neither enrolled nor invited. */
const revoke = (registry: SiteRegistry, site: SiteId, now: number, dataDir: string) => {
  const known = registry.sites().find((each) => each.site === site)
  const isInvited = registry.store.get('SELECT 1 FROM invitations WHERE site = ? AND request_hash IS NULL', site)
  if (known === undefined && isInvited === undefined)
    throw new HintedError(
      'NOT_FOUND',
      `${site} was neither enrolled nor invited: there is nothing to revoke`,
      '`coordinator sites` lists the enrolled sites.',
    )
  const next = `coordinator roster propose --data-dir ${dataDir} takes it out for good; coordinator invite ${site} --data-dir ${dataDir} lets it in again`
  if (known?.expires === undefined && isInvited === undefined) return { site, state: 'revoked already', next }
  registry.revoke(site, now)
  if (known === undefined) return { site, state: 'invitation withdrawn', consequence: 'its token works no more' }
  return {
    site,
    state: 'revoked',
    consequence:
      'none of its calls is answered any more and its open invitation is void. It is in the roster still: its studies go on without it where enough others are there, else they wait for it',
    next,
  }
}

/** `coordinator init | invite | sites | revoke`. All but init also work while the coordinator runs. */
export const addEnrolmentCommands = (program: Command, ports: { readonly clock: Clock }): void => {
  const { clock } = ports
  const command = (usage: string, summary: string, example: string) =>
    program
      .command(usage)
      .description(`${summary}\n\nExample: coordinator ${example}`)
      .summary(summary)
      .requiredOption('--data-dir <folder>', "the coordinator's data directory")
      .option('--json', 'print one JSON envelope')

  command(
    'init',
    'make the federation: authority, keys',
    'init --data-dir /srv/tributary --name Rhine --san coord.example.org',
  )
    .requiredOption('--name <federation>', 'name of the federation, 1 to 80 characters')
    .option('--listen <host:port>', 'address to serve on', '127.0.0.1:7443')
    .option('--san <host...>', 'host names or addresses that sites dial', ['localhost', '127.0.0.1'])
    .option(
      '--admin-key-file <file>',
      'where the admin key that signs rosters is, or is made; default: admin.key in the data directory',
    )
    .option(
      '--admin-public-key <hex>',
      'the admin key is elsewhere, made there by `coordinator roster key`: only its public key is needed here',
    )
    .action(async (options: InitOptions) => {
      refuseSecond(options.dataDir)
      const { admin, file } = adminOf(options)
      const settings = { federation: options.name, listen: options.listen, hosts: options.san, admin }
      await createFederation(options.dataDir, settings, clock)
      const { authority, identity, federation, listen } = await openFederation(options.dataDir, clock)
      const advice = file === undefined ? undefined : adviceOn(file, options.dataDir)
      const data = {
        federation,
        listen,
        ca_sha256: authority.fingerprint,
        coordinator_fingerprint: fingerprint(identity.publicKey),
        admin_fingerprint: fingerprint(admin),
        ...(file !== undefined && { admin_key_file: file }),
        ...(advice !== undefined && { advice }),
        next: `coordinator invite SITE --data-dir ${options.dataDir}`,
      }
      printData(data, { json: options.json === true })
    })

  command(
    'invite <site>',
    'invite one site: a token that works once',
    'invite north --data-dir /srv/tributary --expires 72h',
  )
    .option('--expires <duration>', 'how long the token works: 90m, 72h, 7d', '72h')
    .option('--token-file <file>', 'write the token there (mode 0600) instead of printing it')
    .action(async (name: string, options: Common & { expires: string; tokenFile?: string }) => {
      const lifetime = durationMs(options.expires)
      await withRegistry(options.dataDir, clock, (registry, caSha256) => {
        const known = registry.sites().find((each) => each.site === name)
        const { site, token, expires } = issueInvitation(registry, siteId(name), clock.now() + lifetime)
        const next = `site-agent enrol --data-dir FOLDER --coordinator HOST:PORT --ca-sha256 ${caSha256} --token-file FILE`
        const secret = secretField('token', token, options.tokenFile)
        printData(
          {
            site,
            ...secret,
            expires: iso(expires),
            ca_sha256: caSha256,
            ...(known && { warning: warningOn(known) }),
            next,
          },
          { json: options.json === true },
        )
      })
    })

  command('sites', 'list the enrolled sites', 'sites --data-dir /srv/tributary')
    .alias('ls')
    .action((options: Common) =>
      withRegistry(options.dataDir, clock, (registry) => {
        const rows = registry.sites().map(({ site, identity, since, heard, expires }) => ({
          site,
          state: expires === undefined ? 'revoked' : expires < clock.now() ? 'expired' : 'enrolled',
          fingerprint: fingerprint(identity),
          since: iso(since),
          heard: heard === undefined ? null : iso(heard),
          expires: expires === undefined ? null : iso(expires),
        }))
        printData(rows, { json: options.json === true })
      }),
    )

  command(
    'revoke <site>',
    "end a site's access from its next call on",
    'revoke north --data-dir /srv/tributary',
  ).action((name: string, options: Common) =>
    withRegistry(options.dataDir, clock, (registry) => {
      const site = siteId(name)
      printData(revoke(registry, site, clock.now(), options.dataDir), { json: options.json === true })
    }),
  )
}
