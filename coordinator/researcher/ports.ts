import type { Clock } from '@tributary/shared/ports'

/** What the researcher's commands ask of the machine they run on. */
export interface ResearcherPorts {
  readonly clock: Clock
  readonly fetch: typeof globalThis.fetch
  /** TRIBUTARY_HOME, XDG_CONFIG_HOME, HOME, TRIBUTARY_TOKEN. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Standard input to its end; null where it is a terminal, on which a secret would show. */
  standardInput(): string | null
}

/** The options that every command which asks the coordinator has. */
export interface RemoteOptions {
  readonly json?: boolean
  /** Seconds, as typed. */
  readonly timeout?: string
}
