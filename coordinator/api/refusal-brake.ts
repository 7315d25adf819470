/** Wrong tokens in a minute from which on they are refused unread, and what each of them before has to wait. */
const mostInWindow = 30
const windowMs = 60_000
const stepMs = 100
const longestMs = 2000

/**
 * Slows down whoever tries tokens: each wrong one waits longer, and too many in a minute are refused at once. Right tokens
 * never wait. One count for all callers, for behind a proxy they share an address. Pure but for its count; O(1) memory.
 */
export class RefusalBrake {
  #since = 0
  #count = 0

  /** A wrong token at `now` (ms): how long its refusal waits, or undefined when there were too many. */
  note(now: number): number | undefined {
    if (now - this.#since >= windowMs || now < this.#since) {
      this.#since = now
      this.#count = 0
    }
    this.#count++
    return this.#count > mostInWindow ? undefined : Math.min(longestMs, stepMs * this.#count)
  }
}
