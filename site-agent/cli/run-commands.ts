import { printData } from '@tributary/shared/cli/output'
import { exitCode } from '@tributary/shared/errors'
import type { Clock } from '@tributary/shared/ports'
import type { Command } from 'commander'
import pino from 'pino'
import { Agent, productionPorts } from '../agent.ts'
import { openSite, siteCommand, type SiteOptions } from './common-options.ts'
import { siteStatus } from './site-status.ts'

const event = (fields: object): void => {
  process.stdout.write(`${JSON.stringify(fields)}\n`)
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
    const book = site.openBook()
    try {
      const { data, error } = await siteStatus(site, book, options.dataDir)
      printData(data, { json: options.json === true })
      if (error !== undefined) process.exitCode = exitCode(error.code)
    } finally {
      book.close()
    }
  })
}
