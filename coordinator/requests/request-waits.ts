const firstMs = 5000
const longestMs = 300_000

/** Which queued requests are passed over until when: each wait of one is twice as long as the one before. Starts anew with the process. */
export class RequestWaits {
  readonly #waits = new Map<string, { readonly ms: number; readonly until: number }>()

  /** One more wait from `now` (ms): how long. */
  add(id: string, now: number): number {
    const ms = Math.min(longestMs, 2 * (this.#waits.get(id)?.ms ?? firstMs / 2))
    this.#waits.set(id, { ms, until: now + ms })
    return ms
  }

  forget(id: string): void {
    this.#waits.delete(id)
  }

  /** Those whose wait is not over at `now`. */
  before(now: number): string[] {
    return [...this.#waits].filter(([, { until }]) => now < until).map(([id]) => id)
  }
}
