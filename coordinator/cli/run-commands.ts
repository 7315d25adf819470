import type { Clock } from '@tributary/shared/ports'
import type { Command } from 'commander'
import pino from 'pino'
import { openRoundSum } from '../aggregate/open-round.ts'
import type { ApiSettings } from '../api/api-server.ts'
import { runCoordinator } from '../coordinator.ts'
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

/** `coordinator up`. */
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
}
