import { printData } from '@tributary/shared/cli/output'
import { CodedError } from '@tributary/shared/errors'
import type { Clock } from '@tributary/shared/ports'
import type { Roster } from '@tributary/shared/wire/messages'
import { rosterHash } from '@tributary/shared/wire/roster'
import { differenceInWords } from '@tributary/shared/wire/roster-difference'
import { fingerprint } from '@tributary/shared/wire/signed'
import type { Command } from 'commander'
import pino from 'pino'
import { openRoundSum } from '../aggregate/open-round.ts'
import type { ApiSettings } from '../api/api-server.ts'
import { roundsPath, runCoordinator, studiesPath } from '../coordinator.ts'
import { openFederation } from '../enrolment/federation-directory.ts'
import { openSiteRegistry } from '../enrolment/site-registry.ts'
import { RoundStore } from '../rounds/round-store.ts'
import { type RosterChange, rosterChange } from '../studies/roster-change.ts'
import { StudyStore } from '../studies/study-store.ts'
import { coordinatorCommand, type CoordinatorOptions } from './common-options.ts'

/** One line of `up --json`. */
const event = (fields: object): void => {
  process.stdout.write(`${JSON.stringify({ schema_version: 1, ...fields })}\n`)
}

interface UpOptions extends CoordinatorOptions {
  readonly listen?: string
  readonly http: string
  readonly httpCert?: string
  readonly httpKey?: string
}

const apiSettings = ({ http, httpCert, httpKey }: UpOptions): { http?: ApiSettings } => {
  if (http === 'off') return {}
  return {
    http: {
      address: http,
      ...(httpCert !== undefined && { certificateFile: httpCert }),
      ...(httpKey !== undefined && { keyFile: httpKey }),
    },
  }
}

/** Nobody should end a study by proposing a roster and not know it. */
const refuseUnsaid = ({ affected }: RosterChange): void => {
  if (affected.length === 0) return
  const each = affected.map(
    ({ name, study, loses, stops }) =>
      `${loses.join(', ')} would leave study ${name} (${study.slice(0, 8)}) for good, which ${stops === null ? 'goes on without' : 'stops'}`,
  )
  throw new CodedError('ARGUMENT_INVALID', `${each.join('; ')}. Give --yes if that is meant`, {
    place: { field: '--yes' },
  })
}

/** Enrolled sites with a valid certificate, in the order of their names; a changed membership is a new version. */
const propose = async (
  dataDir: string,
  clock: Clock,
  isMeant: boolean,
): Promise<{ roster: Roster; change: RosterChange }> => {
  const federation = await openFederation(dataDir, clock)
  const registry = openSiteRegistry(federation.registryPath)
  const studies = StudyStore.open(studiesPath(dataDir))
  const rounds = RoundStore.open(roundsPath(dataDir))
  try {
    const members = registry
      .sites()
      .filter(({ expires }) => expires !== undefined)
      .map(({ site, identity }) => ({ site, identity }))
    if (members.length === 0) throw new CodedError('ROSTER_REFUSED', 'no site is enrolled yet')
    const latest = studies.latestRoster()
    const facts = { federation: federation.federation, coordinator: federation.identity.publicKey, members }
    const change = rosterChange(members, studies, rounds)
    const same = latest && rosterHash({ ...facts, version: latest.roster.version }) === latest.hash
    if (latest && same) return { roster: latest.roster, change }
    if (!isMeant) refuseUnsaid(change)
    const roster = { ...facts, version: (latest?.roster.version ?? 0) + 1 }
    studies.addRoster(roster)
    return { roster, change }
  } finally {
    registry.close()
    studies.close()
    rounds.close()
  }
}

const changeInWords = ({ changes, affected }: RosterChange) => ({
  ...(changes !== undefined && { changes: differenceInWords(changes) }),
  ...(affected.length > 0 && {
    affected: affected.map(({ name, study, loses, stops }) => ({
      study: `${name} ${study.slice(0, 8)}`,
      loses: loses.join(', '),
      outcome: stops ?? 'goes on without',
    })),
  }),
})

/** `coordinator up | roster propose`. */
export const addRunCommands = (program: Command, ports: { readonly clock: Clock }): void => {
  coordinatorCommand(
    program,
    'up',
    'serve the sites and drive the published studies',
    'up --data-dir /srv/tributary',
    'print one JSON object a line per event: listening, stopped',
  )
    .option('--listen <host:port>', 'another address than the one of `coordinator init`')
    .option('--http <host:port>', 'where researchers are served, or off', '127.0.0.1:7480')
    .option('--http-cert <file>', 'PEM certificate for --http; needed for any address but loopback')
    .option('--http-key <file>', 'PEM key of that certificate')
    .action(async (options: UpOptions) => {
      const log = pino({ level: 'info', base: { role: 'coordinator' } }, pino.destination(2))
      const stop = new AbortController()
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
      const listening = (address: string, http?: string) => {
        log.info({ address, http }, 'listening')
        if (options.json) event({ event: 'listening', address, http })
      }
      const listen = options.listen === undefined ? {} : { listen: options.listen }
      const bound = { clock: ports.clock, log, openRound: openRoundSum, ...listen, ...apiSettings(options) }
      await runCoordinator(options.dataDir, bound, listening, stop.signal)
      if (options.json) event({ event: 'stopped', peakMemoryBytes: process.resourceUsage().maxRSS * 1024 })
    })

  const roster = program.command('roster').description('who the sites are, by identity key')
  coordinatorCommand(
    roster,
    'propose',
    'propose the enrolled sites as the roster that every site confirms',
    'roster propose --data-dir /srv/tributary',
  )
    .option('--yes', 'also where it takes a site out of a study that is not over, for good')
    .action(async (options: CoordinatorOptions & { yes?: boolean }) => {
      const { roster: proposed, change } = await propose(options.dataDir, ports.clock, options.yes === true)
      const data = {
        roster: rosterHash(proposed),
        version: proposed.version,
        coordinator_fingerprint: fingerprint(proposed.coordinator),
        members: proposed.members.map(({ site, identity }) => ({ site, fingerprint: fingerprint(identity) })),
        ...(options.json ? change : changeInWords(change)),
        next: 'every site: site-agent roster show --data-dir FOLDER, then roster confirm',
      }
      printData(data, { json: options.json === true })
    })
}
