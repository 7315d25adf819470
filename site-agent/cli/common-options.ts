import type { Command } from 'commander'
import type { Clock } from '@tributary/shared/ports'
import { Site } from '../site.ts'

export interface SiteOptions {
  readonly dataDir: string
  readonly json?: boolean
}

/** A subcommand that works on a data directory, with an example in its help. */
export const siteCommand = (parent: Command, usage: string, summary: string, example: string): Command =>
  parent
    .command(usage)
    .summary(summary)
    .description(`${summary}\n\nExample: site-agent ${example}`)
    .requiredOption('--data-dir <folder>', "the agent's data directory")
    .option('--json', 'print one JSON envelope')

export const openSite = (options: SiteOptions, clock: Clock): Site => new Site(options.dataDir, clock)
