import { randomBytes } from 'node:crypto'
import { asCodedError, CodedError, type ErrorCode } from '@tributary/shared/errors'
import type { Clock } from '@tributary/shared/ports'
import type { CoordinatorClient } from '@tributary/shared/wire/federation-api'
import { PROTOCOL_VERSION } from '@tributary/shared/wire/signed'
import type { Logger } from 'pino'

/** Time between two greetings, ms: the coordinator tells from them that this agent is alive, and alone. */
const everyMs = 15_000
/** Clocks that differ by more are told; certificates are backdated by the second, beyond which an agent does not start. */
const tellMs = 2 * 60_000
export const mostSkewMs = 10 * 60_000
/** A skew, or a coordinator that stays away, is told again after this time, ms. */
const tellAgainMs = 60 * 60_000

/** "7.5 minutes behind" for a coordinator's clock that is `offset` ms ahead of this one. */
export const skewText = (offset: number): string => {
  const minutes = Math.round(Math.abs(offset) / 6_000) / 10
  return `this machine's clock is ${minutes} minutes ${offset > 0 ? 'behind' : 'ahead of'} the coordinator's`
}

/** Throws `CLOCK_SKEWED` beyond ten minutes. */
export const refuseSkew = (offset: number): void => {
  if (Math.abs(offset) > mostSkewMs) throw new CodedError('CLOCK_SKEWED', skewText(offset))
}

/**
 * Greets the coordinator under one random session a start: agrees on the protocol and compares the clocks. Nothing else depends on
 * the hospital's clock: deadlines are the coordinator's, waits are lengths of time.
 */
export class Greeting {
  readonly #client: Pick<CoordinatorClient, 'hello'>
  readonly #clock: Clock
  readonly #log: Logger
  readonly #session = randomBytes(16).toString('hex')
  #tellAt = 0
  /** When the failure of greetings is told next, ms; undefined while they succeed. */
  #tellFailureAt: number | undefined

  constructor(parts: {
    readonly client: Pick<CoordinatorClient, 'hello'>
    readonly clock: Clock
    readonly log: Logger
  }) {
    this.#client = parts.client
    this.#clock = parts.clock
    this.#log = parts.log
  }

  /** The first greeting: throws what the coordinator says, and `CLOCK_SKEWED` beyond ten minutes. */
  async first(): Promise<void> {
    const offset = await this.#greet()
    refuseSkew(offset)
    this.#tell(offset)
  }

  /**
   * Greets every 15 seconds until `signal` aborts or a greeting ends with a code of `final`, whose error it returns: an agent
   * without an open study asks for nothing else. Any other failure is warned of once, again every hour, and when it is over. A
   * running agent goes on whatever its clock says.
   */
  async keep(signal: AbortSignal, final: ReadonlySet<ErrorCode>): Promise<CodedError | undefined> {
    for (;;) {
      await this.#clock.sleep(everyMs, signal)
      if (signal.aborted) return undefined
      try {
        const offset = await this.#greet()
        this.#noteSuccess()
        this.#tell(offset)
      } catch (thrown) {
        if (signal.aborted) return undefined
        const error = asCodedError(thrown)
        if (final.has(error.code)) return error
        this.#noteFailure(error)
      }
    }
  }

  #noteSuccess(): void {
    if (this.#tellFailureAt !== undefined) this.#log.info('the coordinator answers again')
    this.#tellFailureAt = undefined
  }

  /** Codes and our own words only: a cause may hold anything. */
  #noteFailure({ code, message: why }: CodedError): void {
    const now = this.#clock.now()
    if (this.#tellFailureAt !== undefined && now < this.#tellFailureAt) return
    this.#tellFailureAt = now + tellAgainMs
    this.#log.warn({ code, why }, 'the coordinator does not answer greetings; trying on')
  }

  async #greet(): Promise<number> {
    const session = this.#session
    const { clockOffset } = await this.#client.hello({ protocols: [PROTOCOL_VERSION], software: 'site-agent', session })
    return clockOffset
  }

  #tell(offset: number): void {
    if (Math.abs(offset) <= tellMs || this.#clock.now() < this.#tellAt) return
    this.#tellAt = this.#clock.now() + tellAgainMs
    this.#log.warn({ code: 'CLOCK_SKEWED', seconds: Math.round(offset / 1_000) }, skewText(offset))
  }
}
