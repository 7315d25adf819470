import { printData } from '@tributary/shared/cli/output'
import type { Clock } from '@tributary/shared/ports'
import { certificateDates } from '@tributary/shared/wire/certificate-dates'
import { PROTOCOL_VERSION } from '@tributary/shared/wire/signed'
import type { Command } from 'commander'
import pino from 'pino'
import { Agent, productionPorts } from '../agent.ts'
import type { SiteBook } from '../policy/site-book.ts'
import type { Site } from '../site.ts'
import { openSite, siteCommand, type SiteOptions } from './common-options.ts'

const event = (fields: object): void => {
  process.stdout.write(`${JSON.stringify(fields)}\n`)
}

type LedgerState = 'sound' | 'restored' | 'lost' | 'broken'

/** Nothing is charged, so nothing leaves, while it is not sound. `lost`: acknowledged, and this directory is used no more. */
const ledgerState = (site: Site): LedgerState => {
  const ledger = site.openLedger()
  try {
    if (ledger.verify().broken !== null) return 'broken'
    if (ledger.restoration(() => undefined) !== null) return 'restored'
    return site.isVolatileLost ? 'lost' : 'sound'
  } finally {
    ledger.close()
  }
}

/** What is left to do, by what the officer's book and the ledger say; a running agent does the rest. */
const nextStep = (book: SiteBook, ledger: LedgerState, dataDir: string): string => {
  const at = `--data-dir ${dataDir}`
  if (ledger === 'restored') return `site-agent budget acknowledge-restored ${at}`
  if (ledger === 'lost')
    return `enrol again in a new data directory, then site-agent budget adopt --from ${dataDir} --data-dir NEW`
  if (ledger === 'broken') return `site-agent budget verify ${at}`
  const states = book.studies().map(({ state }) => state)
  if (book.roster() === undefined) return `site-agent roster show ${at}, then roster confirm`
  if (book.sources().length === 0) return `site-agent source add NAME --path FILE ${at}`
  if (states.includes('approved')) return `site-agent run ${at}, unless it runs already`
  if (states.includes('paused')) return `site-agent study resume STUDY ${at}`
  return `site-agent study ls ${at}`
}

/** `site-agent run | egress | status`. */
export const addRunCommands = (program: Command, ports: { readonly clock: Clock }): void => {
  siteCommand(
    program,
    'run',
    'do this hospital’s part of every approved study; dials out, listens nowhere',
    'run --data-dir /srv/site-agent',
  )
    .option('--until-finished', 'leave when every approved study has finished')
    .action(async (options: SiteOptions & { untilFinished?: boolean }) => {
      const site = openSite(options, ports.clock)
      const log = pino({ level: 'info', base: { site: site.name } }, pino.destination(2))
      const stop = new AbortController()
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
      const engines = new Set<string>()
      const noteEngine = ({ name }: { readonly name: string }) => void engines.add(name)
      const agent = await Agent.open(site, productionPorts(ports.clock, log, noteEngine))
      if (options.json) event({ event: 'started' })
      await agent.run({ untilFinished: options.untilFinished === true }, stop.signal)
      const egress = site.openEgress()
      const bytesSent = egress.totals().reduce((sum, { bytes }) => sum + bytes, 0)
      egress.close()
      const peakMemoryBytes = process.resourceUsage().maxRSS * 1024
      if (options.json) event({ event: 'stopped', engine: [...engines].join(', '), bytesSent, peakMemoryBytes })
    })

  siteCommand(
    program,
    'egress',
    'what left this hospital: kinds, sizes and hashes of every signed message and certificate request, greetings by number; ' +
      'not requests to read (roster, studies, work, model, boxes), which name a study or round at most',
    'egress --data-dir /srv/site-agent --last 20',
  )
    .option('--last <count>', 'list the latest messages too (greetings are counted, not listed)', '0')
    .action((options: SiteOptions & { last: string }) => {
      const egress = openSite(options, ports.clock).openEgress()
      try {
        const last = Number.parseInt(options.last, 10) || 0
        const totals = egress.totals()
        const latest = (last > 0 ? egress.latest(last) : []).map((each) => ({
          ...each,
          at: new Date(each.at).toISOString(),
        }))
        printData(options.json ? { totals, latest } : last > 0 ? latest : totals, { json: options.json === true })
      } finally {
        egress.close()
      }
    })

  siteCommand(
    program,
    'status',
    'where this site stands, and what to do next',
    'status --data-dir /srv/site-agent',
  ).action(async (options: SiteOptions) => {
    const site = openSite(options, ports.clock)
    const [client, book] = [site.connect(5_000), site.openBook()]
    try {
      const greeting = { protocols: [PROTOCOL_VERSION], software: 'site-agent', session: '' }
      const { protocol, clockOffset } = await client.hello(greeting)
      const studies = book.studies().map(({ study, manifest, state }) => ({ study, name: manifest.name, state }))
      const { to } = certificateDates(site.credentials().certificate)
      const ledger = ledgerState(site)
      const data = {
        site: site.name,
        coordinator: site.enrolment().coordinator,
        trusted: true,
        protocol,
        certificate_expires: new Date(to).toISOString(),
        clock_offset_seconds: Math.round(clockOffset / 1_000),
        ledger,
        studies,
        next: nextStep(book, ledger, options.dataDir),
      }
      printData(data, { json: options.json === true })
    } finally {
      client.close()
      book.close()
    }
  })
}
