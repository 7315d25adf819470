import type { Command } from 'commander'

/** What stands below the help of a group of commands. */
export const groupExamples = (...examples: readonly string[]): string =>
  `\nExamples:\n${examples.map((example) => `  $ coordinator ${example}`).join('\n')}`

export interface CoordinatorOptions {
  readonly dataDir: string
  readonly json?: boolean
}

/** A subcommand that works on a data directory, with an example in its help; `json` says what --json prints. */
export const coordinatorCommand = (
  parent: Command,
  usage: string,
  summary: string,
  example: string,
  json = 'print one JSON envelope',
): Command =>
  parent
    .command(usage)
    .summary(summary)
    .description(`${summary}\n\nExample: coordinator ${example}`)
    .requiredOption('--data-dir <folder>', "the coordinator's data directory")
    .option('--json', json)
