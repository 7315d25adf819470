import { printData } from '@tributary/shared/cli/output'
import { CodedError } from '@tributary/shared/errors'
import type { Clock } from '@tributary/shared/ports'
import type { Roster } from '@tributary/shared/wire/messages'
import { rosterHash } from '@tributary/shared/wire/roster'
import { fingerprint } from '@tributary/shared/wire/signed'
import type { Command } from 'commander'
import pino from 'pino'
import { openRoundSum } from '../aggregate/open-round.ts'
import { runCoordinator, studiesPath } from '../coordinator.ts'
import { openFederation } from '../enrolment/federation-directory.ts'
import { openSiteRegistry } from '../enrolment/site-registry.ts'
import { StudyStore } from '../studies/study-store.ts'
import { coordinatorCommand, type CoordinatorOptions } from './common-options.ts'

const event = (fields: object): void => {
  process.stdout.write(`${JSON.stringify(fields)}\n`)
}

/** Enrolled sites with a valid certificate, in the order of their names; a changed membership is a new version. */
const propose = async (dataDir: string, clock: Clock): Promise<Roster> => {
  const federation = await openFederation(dataDir, clock)
  const registry = openSiteRegistry(federation.registryPath)
  const studies = StudyStore.open(studiesPath(dataDir))
  try {
    const members = registry
      .sites()
      .filter(({ expires }) => expires !== undefined)
      .map(({ site, identity }) => ({ site, identity }))
    if (members.length === 0) throw new CodedError('ROSTER_REFUSED', 'no site is enrolled yet')
    const latest = studies.latestRoster()
    const facts = { federation: federation.federation, coordinator: federation.identity.publicKey, members }
    const same = latest && rosterHash({ ...facts, version: latest.roster.version }) === latest.hash
    if (latest && same) return latest.roster
    const roster = { ...facts, version: (latest?.roster.version ?? 0) + 1 }
    studies.addRoster(roster)
    return roster
  } finally {
    registry.close()
    studies.close()
  }
}

/** `coordinator up | roster propose`. */
export const addRunCommands = (program: Command, ports: { readonly clock: Clock }): void => {
  coordinatorCommand(program, 'up', 'serve the sites and drive the published studies', 'up --data-dir /srv/tributary')
    .option('--listen <host:port>', 'another address than the one of `coordinator init`')
    .action(async (options: CoordinatorOptions & { listen?: string }) => {
      const log = pino({ level: 'info', base: { role: 'coordinator' } }, pino.destination(2))
      const stop = new AbortController()
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
      const listening = (address: string) => {
        log.info({ address }, 'listening')
        if (options.json) event({ event: 'listening', address })
      }
      const listen = options.listen === undefined ? {} : { listen: options.listen }
      const bound = { clock: ports.clock, log, openRound: openRoundSum, ...listen }
      await runCoordinator(options.dataDir, bound, listening, stop.signal)
      if (options.json) event({ event: 'stopped', peakMemoryBytes: process.resourceUsage().maxRSS * 1024 })
    })

  const roster = program.command('roster').description('who the sites are, by identity key')
  coordinatorCommand(
    roster,
    'propose',
    'propose the enrolled sites as the roster that every site confirms',
    'roster propose --data-dir /srv/tributary',
  ).action(async (options: CoordinatorOptions) => {
    const proposed = await propose(options.dataDir, ports.clock)
    const data = {
      roster: rosterHash(proposed),
      version: proposed.version,
      coordinator_fingerprint: fingerprint(proposed.coordinator),
      members: proposed.members.map(({ site, identity }) => ({ site, fingerprint: fingerprint(identity) })),
      next: 'every site: site-agent roster confirm',
    }
    printData(data, { json: options.json === true })
  })
}
