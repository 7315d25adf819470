import { asCodedError, type CodedError } from '@tributary/shared/errors'
import type { Contribution } from './contribution.ts'
import type { QueryOrder } from './plan.ts'
import type { SiteQueries } from './query-thread.ts'

/**
 * A study's queries while their table is being read: what is asked waits for it, and whoever does not need it goes on, so that how
 * long reading takes does not show in when a site first asks for work (R10).
 */
export class PendingQueries implements SiteQueries {
  readonly #opening: Promise<SiteQueries>
  #failure: CodedError | undefined

  constructor(opening: Promise<SiteQueries>) {
    this.#opening = opening
    opening.catch((thrown: unknown) => {
      this.#failure = asCodedError(thrown)
    })
  }

  /** Throws why the table cannot be read, once that is known. */
  refuseUnreadable(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Resolves once the table is read; throws why it cannot be. */
  async read(): Promise<void> {
    await this.#opening.catch(() => undefined)
    this.refuseUnreadable()
  }

  async execute(order: QueryOrder): Promise<Contribution> {
    return await (await this.#opening).execute(order)
  }

  async close(): Promise<void> {
    const opened = await this.#opening.catch(() => undefined)
    await opened?.close()
  }
}
